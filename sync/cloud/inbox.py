"""The cloud's inbox: every fact as it was written, once, and those that are set aside.

A line is what one device wrote in one epoch; `upto` is the number up to which all of it has come. A fact that is
set aside counts as come, so that it never holds up those after it. It is kept whole, and may be taken in later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat

from edge.facts import Fact
from sync.cloud.columns import Columns
from sync.cloud.db import Conn, Row
from sync.cloud.steps import Steps
from sync.protocol import Fate, contiguous
from sync.protocol import Row as FactRow

steps = Steps(
    "inbox",
    (
        (
            """
            CREATE TABLE lines (
                id {id},
                device_id TEXT NOT NULL REFERENCES devices (id),
                epoch TEXT NOT NULL,
                hall_id TEXT NOT NULL REFERENCES halls (id),
                upto {int} NOT NULL,
                UNIQUE (device_id, epoch)
            ) {strict}
            """,
            "CREATE INDEX lines_of_hall ON lines (hall_id)",
            """
            CREATE TABLE facts (
                line_id {int} NOT NULL REFERENCES lines (id),
                seq {int} NOT NULL,
                kind TEXT NOT NULL,
                key TEXT NOT NULL UNIQUE,
                created TEXT NOT NULL,
                hash TEXT NOT NULL,
                body TEXT NOT NULL,
                received_at TEXT NOT NULL,
                PRIMARY KEY (line_id, seq)
            ) {strict}
            """,
            # `holds`: nothing else has come under that number.
            """
            CREATE TABLE set_aside (
                id {id},
                line_id {int} NOT NULL REFERENCES lines (id),
                seq {int} NOT NULL,
                fate TEXT NOT NULL CHECK (fate IN ('conflict', 'dead', 'held')),
                why TEXT NOT NULL,
                holds {int} NOT NULL CHECK (holds IN (0, 1)),
                kind TEXT NOT NULL,
                key TEXT NOT NULL,
                created TEXT NOT NULL,
                hash TEXT NOT NULL,
                body TEXT NOT NULL,
                at TEXT NOT NULL,
                taken_in_at TEXT,
                UNIQUE (line_id, seq, hash)
            ) {strict}
            """,
            "CREATE INDEX set_aside_waiting ON set_aside (line_id, fate, created) WHERE taken_in_at IS NULL",
            "CREATE INDEX set_aside_keys ON set_aside (key) WHERE holds = 1",
        ),
    ),
)

MOST_BEYOND = 5_000  # looked at beyond a gap at once; the rest is found when it is told again
AT_ONCE = 500
COLUMNS = ("line_id", "seq", "kind", "key", "created", "hash", "body", "received_at")


@dataclass(frozen=True, slots=True)
class Line:
    id: int
    hall_id: str
    upto: int


@dataclass(frozen=True, slots=True)
class Aside:
    """A fact that is set aside."""

    id: int
    line: Line
    fate: Fate
    why: str
    row: FactRow


def begin_line(conn: Conn, device_id: str, hall_id: str, epoch: str, begins: int) -> Line:
    """A line as it stands, which nobody else writes before the transaction ends; nothing is waited for from before
    where its sender says that it begins: that is gone."""
    find = f"SELECT id, hall_id, upto FROM lines WHERE device_id = ? AND epoch = ?{conn.lock}"
    row = conn.row(find, [device_id, epoch])
    if row is None:
        conn.run(
            "INSERT INTO lines (device_id, epoch, hall_id, upto) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (device_id, epoch) DO NOTHING",
            [device_id, epoch, hall_id, begins - 1],
        )
        row = conn.row(find, [device_id, epoch])
        assert row is not None
    upto = max(row["upto"], begins - 1)
    if upto > row["upto"]:
        conn.run("UPDATE lines SET upto = ? WHERE id = ?", [upto, row["id"]])
    return Line(row["id"], row["hall_id"], upto)


def lines_of(conn: Conn, device_id: str) -> dict[str, int]:
    """Up to where all of a device's lines has come, by epoch."""
    rows = conn.rows("SELECT epoch, upto FROM lines WHERE device_id = ?", [device_id])
    return {row["epoch"]: row["upto"] for row in rows}


def known_hashes(conn: Conn, line: Line, first: int, last: int) -> dict[int, str]:
    """The hashes of what has come of a line between two numbers, both with it."""
    between = [line.id, first, last]
    rows = conn.rows(
        "SELECT seq, hash FROM set_aside WHERE line_id = ? AND seq BETWEEN ? AND ? AND holds = 1"
        " UNION ALL SELECT seq, hash FROM facts WHERE line_id = ? AND seq BETWEEN ? AND ?",
        between * 2,
    )
    return {row["seq"]: row["hash"] for row in rows}


def known_keys(conn: Conn, keys: Sequence[str]) -> dict[str, int]:
    """The numbers under which facts of these keys have come, from whomever."""
    among, params = conn.among("key", keys)
    rows = conn.rows(
        f"SELECT key, seq FROM set_aside WHERE holds = 1 AND {among}"
        f" UNION ALL SELECT key, seq FROM facts WHERE {among}",
        params * 2,
    )
    return {row["key"]: row["seq"] for row in rows}


def holds_keys(conn: Conn, keys: Sequence[str]) -> bool:
    """Whether facts of some of these keys are set aside and hold their numbers: seldom are there any."""
    if conn.row("SELECT 1 AS one FROM set_aside WHERE holds = 1 LIMIT 1") is None:
        return False
    among, params = conn.among("key", keys)
    return conn.row(f"SELECT 1 AS one FROM set_aside WHERE holds = 1 AND {among} LIMIT 1", params) is not None


def keep(conn: Conn, line: Line, rows: Iterable[FactRow], now: str) -> None:
    """Keeps facts as they were written. Raises DuplicateError."""
    conn.insert_all(
        "facts",
        COLUMNS,
        [
            (line.id, row.seq, row.fact.kind, row.fact.key, row.fact.created, row.fact.hash, row.fact.body, now)
            for row in rows
        ],
    )


def keep_columns(conn: Conn, line: Line, found: Columns, now: str) -> None:
    """As `keep`, for facts that were read as columns."""
    of_line, of_kind, received = repeat(line.id), repeat(found.kind), repeat(now)
    rows = zip(of_line, found.seqs, of_kind, found.keys, found.created, found.hashes, found.bodies, received)  # noqa: B905
    conn.insert_all("facts", COLUMNS, list(rows))


def set_aside(conn: Conn, line: Line, row: FactRow, fate: Fate, why: str, *, holds: bool, now: str) -> None:
    """Keeps a fact that is not taken in; the same again is kept once."""
    fact = row.fact
    conn.run(
        "INSERT INTO set_aside (line_id, seq, fate, why, holds, kind, key, created, hash, body, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (line_id, seq, hash) DO NOTHING",
        [
            line.id, row.seq, fate, why, int(holds), fact.kind, fact.key, fact.created, fact.hash, fact.body, now,
        ],
    )  # fmt: skip


def keep_upto(conn: Conn, line: Line, come: Iterable[int]) -> int:
    """Notes that numbers have come, and returns up to where all of the line has."""
    upto = contiguous(line.upto, come)
    after = [line.id, upto]
    rows = conn.rows(
        "SELECT seq FROM facts WHERE line_id = ? AND seq > ?"
        " UNION SELECT seq FROM set_aside WHERE line_id = ? AND seq > ? ORDER BY seq LIMIT ?",
        [*after * 2, MOST_BEYOND],
    )
    upto = contiguous(upto, (row["seq"] for row in rows))
    if upto != line.upto:
        conn.run("UPDATE lines SET upto = ? WHERE id = ?", [upto, line.id])
    return upto


def due(
    conn: Conn, before: str, whys: Sequence[str], kinds: Sequence[str], *, device_id: str | None, after: int
) -> list[int]:
    """The numbers, from beyond `after`, of some of what may be taken in now, of all lines or of one device's: what
    was held and whose time has come, and what of these kinds was set aside for one of these reasons."""
    of_whys, params = conn.among("s.why", whys)
    of_kinds, more = conn.among("s.kind", kinds)
    of_device, whose = ("", []) if device_id is None else (" AND l.device_id = ?", [device_id])
    rows = conn.rows(
        "SELECT s.id FROM set_aside s JOIN lines l ON l.id = s.line_id WHERE s.taken_in_at IS NULL"
        f" AND ((s.fate = 'held' AND s.created <= ?) OR (s.fate = 'dead' AND {of_whys} AND {of_kinds}))"
        f"{of_device} AND s.id > ? ORDER BY s.id LIMIT ?",
        [before, *params, *more, *whose, after, AT_ONCE],
    )
    return [row["id"] for row in rows]


def waiting(conn: Conn, ids: Sequence[int]) -> list[Aside]:
    """Those of these that still wait, which nobody else takes in before the transaction ends."""
    among, params = conn.among("id", ids)
    rows = conn.rows(
        f"SELECT * FROM set_aside WHERE taken_in_at IS NULL AND {among} ORDER BY id{conn.lock}", params
    )
    lines = {row["line_id"] for row in rows}
    if not lines:
        return []
    among, params = conn.among("id", sorted(lines))
    of = {
        row["id"]: Line(row["id"], row["hall_id"], row["upto"])
        for row in conn.rows(f"SELECT id, hall_id, upto FROM lines WHERE {among}", params)
    }
    return [_aside(row, of[row["line_id"]]) for row in rows]


def taken_in(conn: Conn, asides: Iterable[Aside], now: str) -> None:
    for aside in asides:
        conn.run("UPDATE set_aside SET taken_in_at = ? WHERE id = ?", [now, aside.id])


def still_dead(conn: Conn, aside: Aside, why: str) -> None:
    conn.run("UPDATE set_aside SET fate = 'dead', why = ? WHERE id = ?", [why, aside.id])


def count_waiting(conn: Conn) -> dict[str, int]:
    """How many facts are set aside, by their fate."""
    rows = conn.rows("SELECT fate, count(*) AS n FROM set_aside WHERE taken_in_at IS NULL GROUP BY fate")
    return {row["fate"]: row["n"] for row in rows}


def waiting_in(conn: Conn, hall_ids: Sequence[str]) -> dict[str, int]:
    """How many facts of these halls are set aside."""
    among, params = conn.among("l.hall_id", hall_ids)
    rows = conn.rows(
        "SELECT l.hall_id, count(*) AS n FROM set_aside s JOIN lines l ON l.id = s.line_id"
        f" WHERE s.taken_in_at IS NULL AND {among} GROUP BY l.hall_id",
        params,
    )
    return {row["hall_id"]: row["n"] for row in rows}


def _aside(row: Row, line: Line) -> Aside:
    fact = Fact(row["kind"], row["key"], row["created"], row["body"], row["hash"])
    return Aside(row["id"], line, row["fate"], row["why"], FactRow(row["seq"], fact))
