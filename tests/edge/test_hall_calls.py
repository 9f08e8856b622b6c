"""Calls for staff: one a table, answered once, and nobody's name stays in them."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hall_facts import make_store, put_players, undone

from edge.hall import audit, calls
from edge.hall.errors import HallError
from edge.hall.undoing import undo

NOW = datetime(2026, 4, 1, 20, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=2)


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with undone(make_store(tmp_path / "ladder.db")) as conn:
        yield conn


def labels(conn: sqlite3.Connection) -> list[str]:
    return [call.table_label for call in calls.open_calls(conn)]


def test_a_second_tap_is_the_same_call(conn: sqlite3.Connection) -> None:
    first = calls.call(conn, "Table 1", NOW)
    assert calls.call(conn, "Table 1", LATER) == first
    assert [call.at for call in calls.open_calls(conn)] == [NOW]


def test_who_has_waited_longest_stands_first(conn: sqlite3.Connection) -> None:
    calls.call(conn, "Table 2", LATER)
    calls.call(conn, "Table 1", NOW)
    assert labels(conn) == ["Table 1", "Table 2"]


def test_a_call_is_answered_once_and_the_table_can_call_again(conn: sqlite3.Connection) -> None:
    staff = put_players(conn, 1)[0]
    call = calls.call(conn, "Table 1", NOW)
    assert calls.answer(conn, call.id, staff, LATER)
    assert not calls.answer(conn, call.id, staff, LATER)
    assert not calls.answer(conn, "no such call", staff, LATER)
    assert labels(conn) == []
    assert len(audit.about(conn, f"call:{call.id}")) == 1
    assert calls.call(conn, "Table 1", LATER).id != call.id


def test_for_a_while_after_the_answer_somebody_is_on_the_way(conn: sqlite3.Connection) -> None:
    made = calls.call(conn, "Table 1", NOW)
    assert not calls.is_coming(conn, "Table 1", NOW)
    calls.answer(conn, made.id, put_players(conn, 1)[0], NOW)
    assert calls.is_coming(conn, "Table 1", NOW + calls.ON_THE_WAY)
    assert not calls.is_coming(conn, "Table 1", NOW + calls.ON_THE_WAY + timedelta(seconds=1))
    assert not calls.is_coming(conn, "Table 2", NOW)
    calls.call(conn, "Table 1", NOW + timedelta(seconds=20))
    assert not calls.is_coming(conn, "Table 1", NOW + timedelta(seconds=30))  # it calls again


def test_a_table_takes_its_call_back(conn: sqlite3.Connection) -> None:
    call = calls.call(conn, "Table 1", NOW)
    assert calls.withdraw(conn, "Table 1", LATER)
    assert not calls.withdraw(conn, "Table 1", LATER)
    assert not calls.answer(conn, call.id, put_players(conn, 1)[0], LATER)
    assert calls.call_at(conn, "Table 1") is None


def test_an_answer_is_undone_unless_the_table_called_again(conn: sqlite3.Connection) -> None:
    staff = put_players(conn, 1)[0]
    call = calls.call(conn, "Table 1", NOW)
    calls.answer(conn, call.id, staff, LATER)
    deed = audit.latest_of(conn, staff)
    assert deed is not None
    undo(conn, deed.id, staff, LATER)
    assert calls.call_at(conn, "Table 1") == call
    calls.answer(conn, call.id, staff, LATER)
    deed = audit.about(conn, f"call:{call.id}", 1)[0]
    calls.call(conn, "Table 1", LATER)
    with pytest.raises(HallError, match="undo_too_late"):
        undo(conn, deed.id, staff, LATER)


def test_an_open_call_follows_the_tables_new_label(conn: sqlite3.Connection) -> None:
    staff = put_players(conn, 1)[0]
    calls.answer(conn, calls.call(conn, "Table 1", NOW).id, staff, NOW)
    calls.call(conn, "Table 1", NOW)
    calls.follow_table(conn, "Table 1", "Window")
    assert labels(conn) == ["Window"]
    kept = conn.execute("SELECT table_label FROM staff_calls WHERE answered_at IS NOT NULL").fetchall()
    assert [row["table_label"] for row in kept] == ["Table 1"]


def test_who_is_erased_leaves_no_call_and_who_is_claimed_takes_it_along(conn: sqlite3.Connection) -> None:
    a, b, c = put_players(conn, 3)
    calls.call(conn, "Table 1", NOW, a)
    calls.call(conn, "Table 2", NOW, b)
    calls.forget(conn, a)
    calls.take_over(conn, b, c)
    assert {call.table_label: call.player_id for call in calls.open_calls(conn)} == {"Table 1": None, "Table 2": c}
