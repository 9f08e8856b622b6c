"""The audit: every deed stays as it was written, and it holds nothing personal."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hall_facts import NOW, make_store, put_players, undone

from edge.hall import audit
from edge.hall.audit import Deed, about, note, recent


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("audit") / "ladder.db", audit.migrations)


@pytest.fixture
def conn(hall: Path) -> Iterator[sqlite3.Connection]:
    with undone(hall) as conn:
        yield conn


def test_a_deed_is_read_as_it_was_written(conn: sqlite3.Connection) -> None:
    (staff,) = put_players(conn, 1)
    before, after = {"winner": None, "score": [6, 7]}, {"winner": staff, "score": [7, 6], "final": True}
    note(conn, NOW, "match.confirmed", "match:m-1", role="staff", who=staff, before=before, after=after)
    note(conn, NOW, "period.closed", "period:2025-10", role="system")
    second, first = recent(conn, 10)
    assert first == Deed(first.id, NOW, staff, "staff", "match.confirmed", "match:m-1", before, after)
    assert second == Deed(second.id, NOW, None, "system", "period.closed", "period:2025-10", None, None)
    assert second.id > first.id


def test_it_is_read_page_by_page_and_by_subject(conn: sqlite3.Connection) -> None:
    for number in range(7):
        note(conn, NOW, "match.ended", f"match:{number % 2}", role="screen", after={"number": number})
    page = recent(conn, 4)
    rest = recent(conn, 4, page[-1].id)
    assert [deed.after for deed in page + rest] == [{"number": number} for number in reversed(range(7))]
    assert [deed.after for deed in about(conn, "match:1")] == [{"number": number} for number in (5, 3, 1)]
    assert len(about(conn, "match:1", 2)) == 2
    assert about(conn, "match:9") == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET who = 'somebody else'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE id = 1",
        "INSERT OR REPLACE INTO audit (id, at, role, what, subject) SELECT id, at, role, 'x', subject FROM audit",
        "REPLACE INTO audit SELECT * FROM audit",
    ],
)
def test_nothing_is_changed_afterwards(conn: sqlite3.Connection, change: str) -> None:
    note(conn, NOW, "match.ended", "match:1", role="screen")
    before = recent(conn, 10)
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        conn.execute(change)
    assert recent(conn, 10) == before


def test_a_deed_that_fails_leaves_no_line(hall: Path) -> None:
    with undone(hall) as conn:
        note(conn, NOW, "match.ended", "match:1", role="screen")
    with undone(hall) as conn:
        assert recent(conn, 10) == []


@pytest.mark.parametrize(
    "content",
    [
        {"name": "Anna"},
        {"player": {"email": "x"}},
        {"players": [{"new_name": "Anna"}]},
        {"PIN": 2846},
        {"pin_before": None},
        {"card-hash": "00ff"},
        {"to": "anna@example.com"},
        {"reason": "Anna was ill"},
        {"reasons": ["Anna was ill"]},
        {"word": "Zoë"},
        {"word": "x" * 81},
    ],
)
def test_nothing_personal_gets_in(conn: sqlite3.Connection, content: dict[str, Any]) -> None:
    for side in ("before", "after"):
        with pytest.raises(ValueError, match="audit"):
            note(conn, NOW, "player.changed", "player:1", role="player", **{side: content})  # type: ignore[arg-type]
    assert recent(conn, 10) == []


@pytest.mark.parametrize(
    ("what", "subject"),
    [
        ("", "match:1"),
        ("Match confirmed", "match:1"),
        ("match.confirmed\n", "match:1"),
        ("match.confirmed", ""),
        ("match.confirmed", "1"),
        ("match.confirmed", "player:Anna Berg"),
        ("match.confirmed", "player:anna@example.com"),
        ("match.confirmed", "match:" + "1" * 201),
    ],
)
def test_a_line_says_what_was_done_to_what(conn: sqlite3.Connection, what: str, subject: str) -> None:
    with pytest.raises(ValueError, match="no line of the audit"):
        note(conn, NOW, what, subject, role="staff")


def test_there_are_four_roles(conn: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        note(conn, NOW, "match.ended", "match:1", role="robot")  # type: ignore[arg-type]


def test_names_of_things_of_the_hall_do(conn: sqlite3.Connection) -> None:
    after = {
        "kind": "practice",
        "at": NOW,
        "ladder": "9-ball",
        "cents": -150,
        "balls": ["8", "solid?"],
        "ok": None,
    }
    note(conn, NOW, "session.ended", "source:/dev/video0@2026", role="screen", after=after)
    assert recent(conn, 1)[0].after == after
