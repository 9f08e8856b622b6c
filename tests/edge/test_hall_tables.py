"""The hall's tables: the box's own, and those staff add, rename, price, put in order and take out."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from counter_hall import Counter

from edge.hall import audit, calls, table_setup, tables
from edge.hall.players import Player
from edge.hall.sessions import open_sessions
from edge.hall.sitting import start_practice
from edge.hall.table_setup import Wish
from edge.hall.tables import HallTable
from edge.hall.undoing import undo


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    made = Counter(tmp_path)
    yield made
    made.close()


@pytest.fixture
def ana(counter: Counter) -> Player:
    return counter.player("Ana")


@pytest.fixture
def ben(counter: Counter) -> Player:
    return counter.player("Ben")


def labels(counter: Counter) -> list[str]:
    with counter.store.read() as conn:
        return [table.label for table in tables.hall_tables(conn)]


def own(counter: Counter, label: str, size: str = "9ft") -> HallTable:
    with counter.store.write() as conn:
        return tables.require_own_table(conn, label, size, counter.now)


def test_the_boxs_table_registers_itself_once(counter: Counter) -> None:
    first = own(counter, "The big one", "8ft")
    assert own(counter, "The big one", "8ft") == first
    assert labels(counter)[-1] == "The big one"
    assert len(labels(counter)) == 4


def test_the_boxs_table_called_otherwise_is_the_same_table(counter: Counter, ana: Player) -> None:
    first = own(counter, "Box")
    with counter.store.write() as conn:
        start_practice(conn, ana.id, counter.here.__class__(counter.now, counter.here.day, "Box"))
    renamed = own(counter, "Window")
    assert (renamed.id, renamed.label) == (first.id, "Window")
    with counter.store.read() as conn:
        assert [one.table_label for one in open_sessions(conn)] == ["Window"]


def test_a_box_that_is_carried_to_another_table_is_that_tables(counter: Counter) -> None:
    old = own(counter, "Table 9")
    carried = own(counter, "table 2")
    assert (carried.id, carried.label, carried.box) == (counter.tables[1].id, "table 2", "own")
    with counter.store.read() as conn:
        left = tables.get_table(conn, old.id)
        assert left is not None
        assert (left.box, left.label) == (None, "Table 9")
    assert len(labels(counter)) == 4


def test_a_table_is_added_once_however_often_it_is_sent(counter: Counter) -> None:
    for _ in range(2):
        counter.do(table_setup.add_table, Wish("Table 4", "8ft"), counter.tess.id, counter.now, "the-id")
    assert labels(counter) == ["Table 1", "Table 2", "Table 3", "Table 4"]


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("", "table_label_length"),
        ("x" * 25, "table_label_length"),
        ("TABLE  2", "table_label_taken"),
        ("a\u202eb", "table_label_refused"),
        ("a\0b", "table_label_refused"),
        ("loser", "table_label_refused"),
    ],
)
def test_a_label_that_can_not_be_is_refused(counter: Counter, label: str, key: str) -> None:
    counter.refuses(key, lambda: counter.add(label))


@pytest.mark.parametrize("size", ["", "9", "9 feet", "x" * 30, "٩٢x٤٦in", "1x1in", "<b>"])
def test_a_size_that_can_not_be_is_refused(counter: Counter, size: str) -> None:
    counter.refuses("table_size", lambda: counter.add("Table 4", size))


@pytest.mark.parametrize("size", ["9FT", "92 x 46 in", "1881×943mm"])
def test_a_size_is_read_as_people_write_it(counter: Counter, size: str) -> None:
    assert counter.add("Table 4", size).size.isascii()


def test_what_goes_on_follows_the_new_label(counter: Counter, ana: Player, ben: Player) -> None:
    counter.start(ana.id, ben.id)
    counter.do(calls.call, "Table 1", counter.now)
    counter.wait(60)
    counter.do(
        table_setup.change_table, counter.table(0), Wish("Window", "8ft", 900), counter.tess.id, counter.now
    )
    seen = counter.seen()
    assert (seen.table.label, seen.table.size, seen.table.cents_per_hour) == ("Window", "8ft", 900)
    assert [player.name for player in seen.players] == ["Ana", "Ben"]
    assert seen.clock is not None
    assert seen.clock.spans[-1].cents_per_hour == 1200  # the price it began with
    assert seen.call is not None
    assert seen.sitting.match is not None
    assert seen.sitting.match.table_label == "Window"
    counter.undo()
    assert counter.seen().state == "play"
    assert counter.table(0) == counter.tables[0]


def test_a_change_is_undone_only_while_it_still_holds(counter: Counter) -> None:
    table = counter.table(0)
    counter.do(table_setup.change_table, table, Wish("Window", "9ft"), counter.tess.id, counter.now)
    with counter.store.read() as conn:
        first = audit.latest_of(conn, counter.tess.id)
    assert first is not None
    counter.do(table_setup.change_table, counter.table(0), Wish("Door", "9ft"), counter.tess.id, counter.now)
    counter.refuses("undo_too_late", lambda: counter.do(undo, first.id, counter.tess.id, counter.now))
    counter.undo()
    assert counter.table(0).label == "Window"
    counter.do(table_setup.change_table, counter.table(0), Wish("Window", "9ft"), counter.tess.id, counter.now)
    with counter.store.read() as conn:
        latest = audit.latest_of(conn, counter.tess.id)
    assert latest is not None
    assert latest.what == "deed.undone"  # no change is no deed


def test_a_label_that_somebody_else_took_is_not_given_back(counter: Counter) -> None:
    counter.do(table_setup.change_table, counter.table(0), Wish("Window", "9ft"), counter.tess.id, counter.now)
    with counter.store.read() as conn:
        deed = audit.latest_of(conn, counter.tess.id)
    assert deed is not None
    counter.add("Table 1")
    counter.refuses("undo_too_late", lambda: counter.do(undo, deed.id, counter.tess.id, counter.now))


def test_tables_change_places_and_back(counter: Counter) -> None:
    counter.do(table_setup.swap_places, counter.table(2), -1, counter.tess.id, counter.now)
    assert labels(counter) == ["Table 1", "Table 3", "Table 2"]
    counter.do(table_setup.swap_places, counter.table(0), -1, counter.tess.id, counter.now)  # it is first
    counter.undo()
    assert labels(counter) == ["Table 1", "Table 2", "Table 3"]


def test_a_table_in_play_or_calling_stays(counter: Counter, ana: Player) -> None:
    def retire() -> None:
        counter.do(table_setup.retire_table, counter.table(0), counter.tess.id, counter.now)

    counter.start(ana.id, clock=False)
    counter.refuses("table_in_play", retire)
    counter.stop()
    counter.start()
    counter.refuses("table_in_play", retire)
    counter.stop()
    counter.do(calls.call, "Table 1", counter.now)
    counter.refuses("table_in_play", retire)
    counter.do(calls.withdraw, "Table 1", counter.now)
    retire()
    assert labels(counter) == ["Table 2", "Table 3"]
    counter.refuses("table_gone", lambda: counter.start(ana.id))
    counter.undo()
    assert labels(counter) == ["Table 1", "Table 2", "Table 3"]


def test_the_boxs_own_table_stays_and_keeps_the_label_of_its_settings(counter: Counter) -> None:
    box = own(counter, "Box")
    counter.refuses("table_own", lambda: counter.do(table_setup.retire_table, box, counter.tess.id, counter.now))
    counter.do(table_setup.change_table, box, Wish("Other", "8ft", 700), counter.tess.id, counter.now)
    assert own(counter, "Box") == tables.HallTable(box.id, "Box", "9ft", box.place, "own", 700)


def test_the_audit_holds_no_label(counter: Counter) -> None:
    counter.do(
        table_setup.change_table, counter.table(0), Wish("Typed by somebody", "9ft"), counter.tess.id, counter.now
    )
    lines = counter.rows("SELECT coalesce(before, '') || coalesce(after, '') || subject AS text FROM audit")
    assert not any("Typed" in line["text"] for line in lines)
