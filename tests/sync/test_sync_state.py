"""How far a box has told, and that finding it out does not read all that was ever told."""

import sqlite3
from pathlib import Path

from fresh_store import fresh_store
from sqlite_work import instructions
from telling_box import AT

from edge.facts import make_fact
from edge.store import outbox, sync_state
from edge.store.database import Store


def some_facts(conn: sqlite3.Connection, count: int, created: str = AT) -> None:
    for n in range(count):
        outbox.append(conn, make_fact("row", {"schema": 1, "n": n, "text": "x" * 500}, created))


def test_what_is_not_acknowledged_is_counted_line_by_line(tmp_path: Path) -> None:
    fresh_store(tmp_path / "ladder.db")
    with Store(tmp_path / "ladder.db") as store, store.write() as conn:
        assert sync_state.count_unsent(conn) == 0
        some_facts(conn, 3)
        assert sync_state.count_unsent(conn) == 3
        first = sync_state.own_lines(conn)[0]
        assert (first.begins, first.acked) == (1, 0)
        sync_state.keep_acked(conn, first.epoch, 2)
        outbox.begin_epoch(conn)
        some_facts(conn, 4)
        assert sync_state.count_unsent(conn) == 5
        lines = sync_state.own_lines(conn)
        assert [(line.begins, line.acked) for line in lines] == [(1, 2), (4, 3)]
        assert sync_state.count_unsent(conn) == 5
        sync_state.keep_acked(conn, lines[1].epoch, 6)
        assert sync_state.count_unsent(conn) == 2
        sync_state.keep_acked(conn, first.epoch, 3)
        assert sync_state.count_unsent(conn) == 1
        sync_state.keep_acked(conn, lines[1].epoch, 0)  # by a hub that was restored
        assert sync_state.count_unsent(conn) == 4
        assert sync_state.own_lines(conn)[1].acked == 3


def test_what_was_told_long_ago_is_forgotten_and_nothing_else(tmp_path: Path) -> None:
    fresh_store(tmp_path / "ladder.db")
    with Store(tmp_path / "ladder.db") as store, store.write() as conn:
        some_facts(conn, 3, "2026-01-01T00:00:00.000Z")
        some_facts(conn, 3, "2026-02-01T00:00:00.000Z")
        (line,) = sync_state.own_lines(conn)
        assert sync_state.forget_sent(conn, "2026-01-15T00:00:00.000Z") == 0
        sync_state.keep_acked(conn, line.epoch, 2)
        assert sync_state.forget_sent(conn, "2026-01-15T00:00:00.000Z") == 2
        sync_state.keep_acked(conn, line.epoch, 6)
        assert sync_state.forget_sent(conn, "2026-01-15T00:00:00.000Z") == 1
        assert [row.seq for row in outbox.rows_after(conn, 0, 10)] == [4, 5, 6]
        assert sync_state.forget_sent(conn, "2026-03-01T00:00:00.000Z") == 3
        some_facts(conn, 1)
        assert outbox.last_seq(conn) == 7
        assert sync_state.own_lines(conn)[0].acked == 6
        assert sync_state.count_unsent(conn) == 1


def test_whether_all_is_told_is_asked_without_reading_what_was(tmp_path: Path) -> None:
    """Every two seconds, at a box that keeps two weeks of facts."""
    fresh_store(tmp_path / "ladder.db")
    with Store(tmp_path / "ladder.db") as store:
        with store.write() as conn:
            some_facts(conn, 3_000)
            (line,) = sync_state.own_lines(conn)
            sync_state.keep_acked(conn, line.epoch, 3_000)
        with store.write() as conn:
            work = {
                "count": instructions(conn, lambda: sync_state.count_unsent(conn)),
                "lines": instructions(conn, lambda: sync_state.own_lines(conn)),
                "forget": instructions(conn, lambda: sync_state.forget_sent(conn, "2020-01-01T00:00:00.000Z")),
                "rows": instructions(conn, lambda: outbox.rows_after(conn, 3_000, 500)),
            }
    assert max(work.values()) < 1_000, work
