"""Who did what, for staff: written in the transaction of the deed itself, and never changed.

It outlives the players it speaks of, so it holds ids, numbers and words of the program; no name, no address,
nothing anybody typed. An erased player's id leads to nobody.
"""

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.facts import canonical

migrations = Migrations("audit")

Role = Literal["screen", "player", "staff", "system"]

# What would tell who somebody is, or let somebody in, whatever its value looks like.
PERSONAL = frozenset({"name", "email", "phone", "pin", "password", "token", "code", "card", "hash"})
_WHAT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_SUBJECT = re.compile(r"[a-z][a-z0-9_]*:(?!\S*@[\w-]+\.[a-z])\S{1,200}")
_WORD = re.compile(r"[A-Za-z0-9._:/+?-]{0,80}")


@migrations()
def audit_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            who TEXT,
            role TEXT NOT NULL CHECK (role IN ('screen', 'player', 'staff', 'system')),
            what TEXT NOT NULL,
            subject TEXT NOT NULL,
            before TEXT,
            after TEXT
        ) STRICT
    """)
    db.execute("CREATE INDEX audit_by_subject ON audit (subject, id)")
    # An INSERT OR REPLACE would delete without asking the trigger for it.
    for name, event in (
        ("edited", "BEFORE UPDATE ON audit"),
        ("deleted", "BEFORE DELETE ON audit"),
        ("replaced", "BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)"),
    ):
        db.execute(f"""
            CREATE TRIGGER audit_is_never_{name} {event}
            BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END
        """)


@migrations()
def audit_2(db: Database) -> None:
    db.execute("CREATE INDEX audit_by_who ON audit (who, id)")


@dataclass(frozen=True, slots=True)
class Deed:
    """One line. `who` is a player's id, None for the program itself and for whoever stood at the screen.

    `what` is a stable key such as `match.confirmed`, `subject` what it was done to, as `match:` and its id.
    """

    id: int
    at: str
    who: str | None
    role: Role
    what: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def note(
    conn: sqlite3.Connection,
    now: str,
    what: str,
    subject: str,
    *,
    role: Role,
    who: str | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Adds a line; `conn` must be inside the transaction of the deed.

    Raises ValueError for what may not stand here: a mistake of the program.
    """
    if not _WHAT.fullmatch(what) or not _SUBJECT.fullmatch(subject):
        raise ValueError(f"no line of the audit: {what!r} on {subject!r}")
    for side in (before, after):
        _refuse_personal(side)
    conn.execute(
        "INSERT INTO audit (at, who, role, what, subject, before, after) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [now, who, role, what, subject, _text(before), _text(after)],
    )


def deed(
    conn: sqlite3.Connection,
    now: str,
    what: str,
    subject: str,
    by: str | None,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Adds the line of a deed of staff's, as `note`; `by` is who it was, None the box or its technician."""
    role: Role = "system" if by is None else "staff"
    note(conn, now, what, subject, role=role, who=by, before=before, after=after)


def recent(conn: sqlite3.Connection, limit: int, before_id: int | None = None) -> list[Deed]:
    """The latest lines, newest first; with `before_id`, those older than that one."""
    sql = "SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?"
    newest = 2**63 - 1
    return [_deed(row) for row in conn.execute(sql, [newest if before_id is None else before_id, limit])]


def get_deed(conn: sqlite3.Connection, deed_id: int) -> Deed | None:
    """One line, or None."""
    row = conn.execute("SELECT * FROM audit WHERE id = ?", [deed_id]).fetchone()
    return None if row is None else _deed(row)


def latest_of(conn: sqlite3.Connection, who: str) -> Deed | None:
    """The latest thing somebody of the staff did."""
    sql = "SELECT * FROM audit WHERE who = ? AND role = 'staff' ORDER BY id DESC LIMIT 1"
    row = conn.execute(sql, [who]).fetchone()
    return None if row is None else _deed(row)


def latest_about(conn: sqlite3.Connection, subject: str, whats: Sequence[str]) -> Deed | None:
    """The latest thing of these kinds that was done to one thing."""
    marks = ", ".join("?" * len(whats))
    row = conn.execute(
        f"SELECT * FROM audit WHERE subject = ? AND what IN ({marks}) ORDER BY id DESC LIMIT 1", [subject, *whats]
    ).fetchone()
    return None if row is None else _deed(row)


def about(conn: sqlite3.Connection, subject: str, limit: int = 100) -> list[Deed]:
    """What was done to one thing, newest first."""
    rows = conn.execute("SELECT * FROM audit WHERE subject = ? ORDER BY id DESC LIMIT ?", [subject, limit])
    return [_deed(row) for row in rows]


def _refuse_personal(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if PERSONAL & set(re.split(r"[^a-z]+", str(key).lower())):
                raise ValueError(f"{key!r} may not stand in the audit")
            _refuse_personal(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_personal(inner)
    elif isinstance(value, str) and not _WORD.fullmatch(value):
        raise ValueError("the audit holds ids and words of the program, no texts")


def _text(value: dict[str, Any] | None) -> str | None:
    return None if value is None else canonical(value)


def _deed(row: sqlite3.Row) -> Deed:
    def content(side: str) -> dict[str, Any] | None:
        return None if row[side] is None else json.loads(row[side])

    return Deed(
        id=row["id"],
        at=row["at"],
        who=row["who"],
        role=row["role"],
        what=row["what"],
        subject=row["subject"],
        before=content("before"),
        after=content("after"),
    )
