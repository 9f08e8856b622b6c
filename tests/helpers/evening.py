"""An evening at the table, told shot by shot: a store with players, and shots that are stored and booked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fresh_store import fresh_store

from edge.bookkeeper import Bookkeeper
from edge.clock import stamp
from edge.hall.matches import Match, get_match
from edge.hall.occasion import Occasion, occasion
from edge.hall.players import Player, new_guest, sign_up
from edge.hall.said import Kind, Said, say, take_back
from edge.hall.scoring import recount
from edge.hall.sessions import Session, get_session
from edge.hall.sitting import at_table, leave_table, start_match, start_practice
from edge.store.database import Store
from edge.store.shots import Source, get_shot, mend_shot, store_shot, store_source
from vision.model import Cushion, FirstContact, Pot, Shot

ZONE = ZoneInfo("America/Chicago")
BEGIN = datetime(2025, 10, 31, 23, 0, tzinfo=UTC)  # six in the evening
TABLE_IN = (100.0, 50.0)
SOURCE = Source("cam", "a test", stamp(BEGIN), "9ft", *TABLE_IN, 2.25, "cal", 1280, 720, 60.0)
GROUPS = {"cue": "cue", "8": "eight", **{str(n): "solid" if n < 8 else "stripe" for n in range(1, 16) if n != 8}}


def a_shot(
    shot_id: str,
    potted: Sequence[str] = (),
    *,
    first: str | None = "1",
    kind: str = "cut",
    result: str | None = None,
    on_table: Sequence[str] | None = None,
    rail: bool = True,
    speed_mph: float = 8.0,
    at_in: tuple[float, float] = (60.0, 20.0),
) -> Shot:
    """A shot as vision would tell it; `potted` may hold `cue`."""
    scratch = "cue" in potted
    balls = [ball for ball in potted if ball != "cue"]
    pots = tuple(Pot(b, GROUPS.get(b, "unknown"), "corner-L-W", (0.0, 0.0), 1.5, 0.95) for b in potted)  # type: ignore[arg-type]
    layout = {"cue": (25.0, 25.0)} | {ball: (70.0, 2.0 + 3 * i) for i, ball in enumerate(on_table or ())}
    if first is not None:
        layout[first] = at_in
    return Shot(
        id=shot_id,
        start_s=0.0,
        end_s=4.0,
        result=result or ("make" if balls and not scratch else "miss"),  # type: ignore[arg-type]
        scratch=scratch,
        potted=pots,
        first_contact=None if first is None else FirstContact(first, 0.5, (58.0, 20.0), at_in),
        cushions=(Cushion("1", "foot", 1.0),) if rail and first is not None else (),
        kind=kind,  # type: ignore[arg-type]
        cue_speed_mph=speed_mph,
        layout_start=layout if on_table is not None or first is not None else {},
        paths_in={"cue": ((0.0, 25.0, 25.0), (0.5, 58.0, 20.0))},
        confidence=0.95,
    )


class Evening:
    """Time passes as the test tells it: each shot a quarter of a minute after the last."""

    def __init__(self, folder: Path, label: str = "Table 1", source: str = "cam") -> None:
        self.label = label
        self.source = replace(SOURCE, id=source, table_label=None if label == "Table 1" else label)
        path = folder / "ladder.db"
        fresh_store(path)
        self.store = Store(path)
        self.books = Bookkeeper(self.store)
        self.now = BEGIN
        self.count = 0
        with self.store.write() as conn:
            store_source(conn, self.source)

    def close(self) -> None:
        self.store.close()

    @property
    def here(self) -> Occasion:
        return occasion(ZONE, self.label, self.now)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def player(self, name: str) -> Player:
        with self.store.write() as conn:
            return sign_up(conn, name, stamp(self.now))

    def guest(self) -> Player:
        with self.store.write() as conn:
            return new_guest(conn, stamp(self.now))

    def practise(self, player: Player, goal: dict[str, Any] | None = None) -> Session:
        with self.store.write() as conn:
            return start_practice(conn, player.id, self.here, goal)

    def match(self, a: Player, b: Player, game: str = "9-ball", race_to: int = 2) -> Match:
        with self.store.write() as conn:
            return start_match(conn, (a.id, b.id), game, race_to, self.here)

    def shoot(self, *potted: str, book: bool = True, **more: Any) -> str:
        """A shot a quarter of a minute later; returns its id."""
        self.wait(15)
        self.count += 1
        shot_id = f"{self.source.id}/{self.count:05d}"
        with self.store.write() as conn:
            store_shot(conn, a_shot(shot_id, potted, **more), self.source.id, self.now, "american")
        if book:
            self.books.book()
        return shot_id

    def mend(self, shot_id: str, **changes: Any) -> None:
        """A person says that a shot was otherwise."""
        with self.store.write() as conn:
            stored = get_shot(conn, shot_id)
            assert stored is not None
            mend_shot(conn, replace(stored.shot, **changes), "screen", "mended")
        self.books.book()

    def say(self, kind: Kind, **more: Any) -> Said:
        with self.store.write() as conn:
            sitting = at_table(conn, self.label)
            session = sitting.sessions[0]
            place: dict[str, Any] = {
                "match_id": session.match_id,
                "session_id": None if session.match_id else session.id,
            }
            said = say(conn, kind, stamp(self.now), **place, **more)
            recount(conn, session, self.now)
        return said

    def unsay(self, said: Said) -> None:
        with self.store.write() as conn:
            assert take_back(conn, said.id, stamp(self.now), None) is not None
            recount(conn, at_table(conn, self.label).sessions[0], self.now)

    def leave(self) -> None:
        with self.store.write() as conn:
            leave_table(conn, self.label, self.now, "player", self.now)

    def session(self, session_id: str) -> Session:
        with self.store.read() as conn:
            found = get_session(conn, session_id)
        assert found is not None
        return found

    def standing_of(self, match: Match) -> Match:
        with self.store.read() as conn:
            found = get_match(conn, match.id)
        assert found is not None
        return found

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        with self.store.read() as conn:
            return [dict(row) for row in conn.execute(sql, values)]
