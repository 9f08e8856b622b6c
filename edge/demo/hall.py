"""Makes the hall of the demo: its people, months of their sessions, evenings, ladders, awards and draws.

Only what people did is drawn; all that follows from it, counts, points, ratings, ladders, badges, is made by the
program's own functions. What the cloud says of the months comes to it as to any hall (`sync.demo`).
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from edge.clock import stamp
from edge.demo.calendar import DemoHall, Visit, strokes, visits
from edge.demo.evenings import play_evenings
from edge.demo.people import HALL, PIN, STAFF
from edge.demo.stencils import Row, cut, undone
from edge.demo.strokes import Pool, load_pool
from edge.hall import awards, draws, pins, ratings, scoring, standing
from edge.hall.award_rules import calculate
from edge.hall.consents import give_answer
from edge.hall.keys import load_keys
from edge.hall.occasion import Occasion, occasion
from edge.hall.players import Role, save_player, sign_up
from edge.hall.plays import put_play
from edge.hall.sessions import Session
from edge.hall.sitting import get_up, start_practice
from edge.hall.training_periods import bounds
from edge.runtime.paths import Paths
from edge.store.database import connect, immediate
from edge.store.migrations import migrate
from edge.store.shots import Source, get_shot, store_shot, store_source

LABEL = "Table 1"
TABLE = (100.0, 50.0, 2.25)
PRIZE = "A cue case"
SETTINGS = f'[hall]\nname = "{HALL}"\n'
_STORED = ("shots", "plays")
_STENCIL_BEGIN = datetime.fromisoformat("2025-01-01T12:00:00+00:00")

Told = Callable[[float], None]


def make_hall(paths: Paths, hall: DemoHall, told: Told | None = None) -> DemoHall:
    """Makes store, settings and keys of a hall, in directories that are there; returns it with who is who. `told`
    hears what share is done. Raises StoreError, OSError."""
    paths.settings.write_text(SETTINGS, encoding="utf-8")
    migrate(paths.store)
    with closing(connect(paths.store)) as conn:
        conn.execute("PRAGMA synchronous = OFF")  # it counts as made once it is whole, and is synced then
        maker = _Maker(conn, hall)
        maker.sign_up(load_keys(paths.secrets).pins)
        maker.play(told or (lambda _: None))
        maker.settle()
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return maker.hall


class _Maker:
    """The hall as it is being made."""

    def __init__(self, conn: sqlite3.Connection, hall: DemoHall) -> None:
        self._conn = conn
        self._pool = load_pool()
        self.hall = hall

    def sign_up(self, pepper: bytes) -> None:
        """Everybody signs up before their first month, and has the same PIN."""
        plan, hashed, ids = self.hall.plan, pins.hash_pin(pepper, PIN), {}
        with immediate(self._conn) as conn:
            for person in sorted(plan.people, key=lambda one: -one.since):
                month = self.hall.months[-1 - min(person.since, plan.months)]
                at = bounds(month, self.hall.zone)[0]
                roles: frozenset[Role] = frozenset({"player", person.role} if person.role else {"player"})
                player = sign_up(conn, person.name, stamp(at), roles)
                if not person.visible:
                    save_player(conn, replace(player, visible=False))
                pins.keep_pin(conn, player.id, hashed, at)
                give_answer(conn, player.id, "yes", stamp(at), player.id)
                ids[person.name] = player.id
        self.hall = replace(self.hall, ids=ids)

    def play(self, told: Told) -> None:
        """All visits, a month in a transaction."""
        months, every = self.hall.months, visits(self.hall)
        with immediate(self._conn) as conn:
            stencils = _cut_stencils(conn, self._pool)
        for number, month in enumerate(months, 1):
            with immediate(self._conn) as conn:
                for visit in (one for one in every if one.day.isoformat()[:7] == month):
                    self._play_visit(conn, visit, stencils)
                conn.execute("DELETE FROM to_book")  # all of it is booked
            told(number / len(months))

    def settle(self) -> None:
        """Evenings and ladders, and all that follows for everybody."""
        hall = self.hall
        with immediate(self._conn) as conn:
            play_evenings(conn, hall)
            ratings.settle(conn)
            standing.settle(conn, list(hall.ids.values()), hall.now)
            make_awards(conn, hall.months[:-1], hall.ids[STAFF], occasion(hall.zone, LABEL, hall.now))

    def _play_visit(self, conn: sqlite3.Connection, visit: Visit, stencils: "_Stencils") -> None:
        here = Occasion(visit.begin, visit.day.isoformat(), LABEL)
        session = start_practice(conn, self.hall.ids[visit.person.name], here)
        source = _source(f"demo-{stamp(visit.begin)}", visit.begin)
        store_source(conn, source)
        found = list(strokes(visit, self._pool))
        stencils.put(conn, session, source.id, [(one.stroke.number, one.at) for one in found])
        # As if some were known already: who attended is settled at the end, for all.
        scoring.recount(conn, replace(session, shots=len(found)), visit.end)
        get_up(conn, LABEL, found[-1].at + timedelta(minutes=1), "player")


@dataclass(frozen=True, slots=True)
class _Stencils:
    """Of each stroke of the pool, its rows with gaps where ids, times and the day stand."""

    columns: dict[str, tuple[str, ...]]
    rows: dict[str, tuple[Row, ...]]

    def put(
        self, conn: sqlite3.Connection, session: Session, source_id: str, struck: Sequence[tuple[int, datetime]]
    ) -> None:
        """Stores strokes of a session, by their numbers, each with when it was struck."""
        names = {"source": source_id, "session": session.id, "day": session.day}
        each = [
            (number, at, names | {"shot": f"{source_id}@{place:03}"}) for place, (number, at) in enumerate(struck)
        ]
        for table in _STORED:
            columns, rows = self.columns[table], self.rows[table]
            conn.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
                [rows[number].filled(named, at) for number, at, named in each],
            )


def _cut_stencils(conn: sqlite3.Connection, pool: Pool) -> _Stencils:
    """Stores every stroke once as the program does, in a store of which nothing stays."""
    with undone(conn):
        player = sign_up(conn, "Stencil", stamp(_STENCIL_BEGIN))
        session = start_practice(conn, player.id, Occasion(_STENCIL_BEGIN, "stencil-day", LABEL))
        source = _source("stencil-source", _STENCIL_BEGIN)
        store_source(conn, source)
        for stroke in pool.strokes:
            shot = replace(stroke.shot, id=f"stencil-shot-{stroke.number:04}")
            store_shot(conn, shot, source.id, _STENCIL_BEGIN, "american")
            stored = get_shot(conn, shot.id)
            assert stored is not None
            put_play(conn, stored, session, TABLE[:2])
        rows, columns = {}, {}
        for table, key in zip(_STORED, ("id", "shot_id"), strict=True):
            found = [dict(row) for row in conn.execute(f"SELECT * FROM {table} ORDER BY {key}")]
            gaps = {source.id: "source", session.id: "session", "stencil-day": "day"}
            rows[table] = tuple(cut(row, gaps | {row[key]: "shot"}, _STENCIL_BEGIN, 1.0) for row in found)
            columns[table] = tuple(found[0])
        return _Stencils(columns, rows)


def _source(source_id: str, began: datetime) -> Source:
    return Source(source_id, "demo", stamp(began), "9ft", *TABLE, "demo", 1920, 1080, 60.0, LABEL)


def make_awards(conn: sqlite3.Connection, over: Sequence[str], staff: str, here: Occasion) -> None:
    """The awards and the draw of each month that is over; the draw of this one is open. Points must be settled."""
    for month in over:
        awards.publish(conn, month, by=staff, here=here, seen=calculate(conn, month).digest)
        one = draws.create(conn, month, PRIZE, by=staff, now=here.stamp)
        if one.tickets:
            draws.freeze(conn, one.id, by=staff, now=here.stamp)
            draws.draw(conn, one.id, f"call {month}", by=staff, now=here.stamp)
    draws.create(conn, here.month, PRIZE, by=staff, now=here.stamp)
