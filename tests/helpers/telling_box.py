"""A table's box that is nothing but its facts: each written by the test, sent to a hub's store as they are."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evening import a_shot
from fresh_store import fresh_store

from edge.clock import stamp
from edge.facts import Fact, OutboxRow, row_changed, shot_amended, shot_logged, uuid7
from edge.hall.players import sign_up
from edge.hall.plays import seen_of
from edge.store import changes
from edge.store.database import Store
from sync import protocol
from sync.protocol import Answer
from sync.receiving import receive
from vision.model import Shot, shot_to_json

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
AT = stamp(NOW)
SOURCE = {
    "id": "cam", "place": "a test", "started_at": AT, "table_name": "9ft", "table_length_in": 100.0,
    "table_width_in": 50.0, "ball_diameter_in": 2.25, "calibration_id": "cal", "picture_width_px": 1280,
    "picture_height_px": 720, "fps": 60.0, "table_label": "Table 3",
}  # fmt: skip
SEEN = json.dumps(asdict(seen_of(a_shot("cam/1", ["1"]))))


def a_hub(folder: Path) -> Store:
    """The store of a hub of several boxes."""
    fresh_store(folder / "ladder.db")
    store = Store(folder / "ladder.db")
    with store.write() as conn:
        changes.begin_noting(conn, "hub")
    return store


def row(table: str, key: Sequence[Any] | str, values: Any = None, *, new: bool = True, created: str = AT) -> Fact:
    """A row of a table as it is told; of a key with one part that part alone will do."""
    return row_changed(table, [key] if isinstance(key, str) else key, values, new=new, created=created)


def a_player(hub: Store, name: str = "Ana") -> str:
    """The id of somebody who signed up."""
    with hub.write() as conn:
        return sign_up(conn, name, AT).id


def guest_row(player_id: str, **other: Any) -> Fact:
    values = {
        "id": player_id, "name": "Guest", "name_key": None, "guest": 1, "created": AT, "erased": None,
        "roles": '["player"]', "handedness": None, "games": "[]", "cues": "", "visible": 0, "notify": "[]",
        "theme": None, **other,
    }  # fmt: skip
    return row("players", player_id, values)


def session_row(session_id: str, player_id: str, *, created: str = AT, **other: Any) -> Fact:
    values = {
        "id": session_id, "player_id": player_id, "kind": "practice", "match_id": None, "table_label": "Table 3",
        "day": "2026-11-30", "goal": "{}", "started_at": AT, "active_at": AT, "ended_at": None,
        "end_reason": None, "shots": 0, "active_s": 0.0, **other,
    }  # fmt: skip
    return row("sessions", session_id, values, created=created)


def source_row(**other: Any) -> Fact:
    values = {**SOURCE, **other}
    return row("sources", str(values["id"]), values)


def shot_fact(shot: Shot, source: str = "cam", created: str = AT, played_at: str = AT) -> Fact:
    return shot_logged(shot.id, source, played_at, ball_set="american", shot=shot_to_json(shot), created=created)


def amend_fact(shot: Shot, created: str = AT) -> Fact:
    return shot_amended(
        shot.id, shot.revision, author="screen", reason="mended", ball_set=None, shot=shot_to_json(shot),
        created=created,
    )  # fmt: skip


def a_play(shot_id: str, session_id: str, player_id: str, **other: Any) -> Fact:
    values = {
        "shot_id": shot_id, "session_id": session_id, "match_id": None, "player_id": player_id,
        "day": "2026-11-30", "played_at": AT, "lasted_s": 4.0, "result": "make", "scratch": 0, "kind": "cut",
        "potted": 1, "cue_speed_mph": 8.0, "difficulty": None, "cell": 3, "seen": SEEN, "rack": None,
        "inning": None, "run": 1, "points": 0, "foul": None, "sure": 1, "safety_won": None, **other,
    }  # fmt: skip
    return row("plays", shot_id, values)


def evening_facts(player_id: str) -> list[Fact]:
    """Of one shot in a practice, as its table tells it."""
    return [
        source_row(),
        session_row("s", player_id),
        shot_fact(a_shot("cam/1", ["1"])),
        a_play("cam/1", "s", player_id),
        row("sessions", "s", {"shots": 1, "active_s": 49.0}, new=False),
    ]


def fates(answer: Answer) -> list[tuple[int, str]]:
    """What was not taken in, by its number, and why."""
    return [(seq, fate) for seq, fate, _ in answer.set_aside]


class TellingBox:
    """`tell` numbers facts and sends them; `seq` is the last number."""

    def __init__(self, hub: Store, begins: int = 1) -> None:
        self.hub = hub
        self.device, self.epoch, self.begins = uuid7(), uuid7(), begins
        self.seq = begins - 1

    def tell(self, *facts: Fact, now: datetime = NOW) -> Answer:
        rows = self.numbered(*facts)
        return self.send(rows, now)

    def numbered(self, *facts: Fact) -> list[OutboxRow]:
        found = []
        for fact in facts:
            self.seq += 1
            found.append(OutboxRow(self.device, self.epoch, self.seq, fact))
        return found

    def send(self, rows: Sequence[OutboxRow], now: datetime = NOW) -> Answer:
        batch = protocol.unpack(protocol.pack(self.device, self.epoch, self.begins, rows))
        return receive(self.hub, batch, self.device, now)


def whole_store(store: Store) -> dict[str, list[Mapping[str, Any]]]:
    """Every row of every table, in order."""
    with store.read() as conn:
        names = conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'")
        return {
            name: sorted((dict(row) for row in conn.execute(f"SELECT * FROM {name}")), key=repr)
            for name in [row["name"] for row in names]
        }


def count(store: Store, table: str, where: str = "1") -> int:
    with store.read() as conn:
        return int(conn.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0])


def only(store: Store, sql: str, *values: object) -> sqlite3.Row:
    with store.read() as conn:
        (row,) = conn.execute(sql, values).fetchall()
    found: sqlite3.Row = row
    return found
