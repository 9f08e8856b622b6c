"""A hall with three tables as staff see it from the counter: what they do there, and what is refused."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from evening import Evening

from edge.facts import uuid7
from edge.hall import audit, clocks, floor, tables
from edge.hall.errors import HallError
from edge.hall.floor import Hand, Start
from edge.hall.glance import Seen, look_at
from edge.hall.players import Player
from edge.hall.table_setup import Wish, add_table
from edge.hall.tables import HallTable
from edge.hall.undoing import undo


class Counter(Evening):
    """An evening seen from the counter."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.tess = self.player("Tess")
        self.people: list[Player] = []
        self.tables = [self.add(f"Table {number}") for number in (1, 2, 3)]

    @property
    def hand(self) -> Hand:
        return Hand(self.tess.id, self.now, self.here.day, 1200, 1)

    def add(self, label: str, size: str = "9ft", cents: int | None = None) -> HallTable:
        with self.store.write() as conn:
            return add_table(conn, Wish(label, size, cents), self.tess.id, self.now)

    def table(self, place: int) -> HallTable:
        with self.store.read() as conn:
            found = tables.get_table(conn, self.tables[place].id)
        assert found is not None
        return found

    def seen(self, place: int = 0) -> Seen:
        with self.store.read() as conn:
            return look_at(conn, self.table_in(conn, place))

    def table_in(self, conn: sqlite3.Connection, place: int) -> HallTable:
        found = tables.get_table(conn, self.tables[place].id)
        assert found is not None
        return found

    def start(self, *players: str | None, place: int = 0, once: str = "", clock: bool = True) -> bool:
        wish = Start(once or uuid7(), players, "9-ball", 3, clock)
        with self.store.write() as conn:
            return floor.start(conn, self.table_in(conn, place), wish, self.hand)

    def join(self, player: str | None, place: int = 0) -> bool:
        with self.store.write() as conn:
            return floor.join(conn, self.table_in(conn, place), Start(uuid7(), (player,), "9-ball", 3), self.hand)

    def stop(self, place: int = 0, mark: str | None = None) -> clocks.Clock | None:
        mark = self.seen(place).mark if mark is None else mark
        with self.store.write() as conn:
            return floor.stop(conn, self.table_in(conn, place), mark, self.hand)

    def move(self, place: int, to: int, mark: str | None = None) -> None:
        mark = self.seen(place).mark if mark is None else mark
        with self.store.write() as conn:
            floor.move(conn, self.table_in(conn, place), self.table_in(conn, to), mark, self.hand)

    def do(self, deed: Callable[..., object], *args: object, **more: object) -> None:
        with self.store.write() as conn:
            deed(conn, *args, **more)

    def undo(self) -> None:
        with self.store.write() as conn:
            deed = audit.latest_of(conn, self.tess.id)
            assert deed is not None
            undo(conn, deed.id, self.tess.id, self.now)

    def refuses(self, key: str, act: Callable[[], object]) -> None:
        before = self.rows("SELECT count(*) AS n FROM audit")
        with pytest.raises(HallError) as refusal:
            act()
        assert refusal.value.key == key
        assert self.rows("SELECT count(*) AS n FROM audit") == before
