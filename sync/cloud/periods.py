"""Periods: a hall's months, from open to decided.

A month that has ended in the hall's zone is in grace until all boxes of the hall have told all of it, at most 72
hours; then it is frozen, with a hash of its scores, and never changes again. A person may look at it then; it is
decided when they say so, or by itself some hours later. `sync.cloud.closing` takes months along that way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from edge.clock import month_after, month_before, stamp
from sync.cloud.db import Conn, Row
from sync.cloud.steps import Steps

State = Literal["open", "grace", "frozen", "decided"]
OPEN_STATES: tuple[State, ...] = ("open", "grace")

GRACE = timedelta(hours=72)

steps = Steps(
    "periods",
    (
        (
            # `told_…` is of the scores that hold: which line told them, as which number, written when.
            """
            CREATE TABLE periods (
                hall_id TEXT NOT NULL REFERENCES halls (id),
                period TEXT NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('open', 'grace', 'frozen', 'decided')),
                told_line {int} NOT NULL DEFAULT 0,
                told_seq {int} NOT NULL DEFAULT 0,
                told_at TEXT NOT NULL DEFAULT '',
                rev {int} NOT NULL DEFAULT 0,
                final {int} NOT NULL DEFAULT 0,
                players {int} NOT NULL DEFAULT 0,
                hash TEXT NOT NULL DEFAULT '',
                ended_at TEXT,
                frozen_at TEXT,
                held {int} NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
                confirmed_at TEXT,
                decided_at TEXT,
                rules TEXT,
                nobody TEXT NOT NULL DEFAULT '',
                PRIMARY KEY (hall_id, period)
            ) {strict}
            """,
            "CREATE INDEX periods_undecided ON periods (period, hall_id) WHERE state <> 'decided'",
            "CREATE INDEX halls_by_zone ON halls (zone, id)",
            # Whom a person has passed over, before it was decided.
            """
            CREATE TABLE passed_over (
                hall_id TEXT NOT NULL REFERENCES halls (id),
                period TEXT NOT NULL,
                player_id TEXT NOT NULL,
                why TEXT NOT NULL,
                by_whom TEXT NOT NULL,
                at TEXT NOT NULL,
                PRIMARY KEY (hall_id, period, player_id)
            ) {strict}
            """,
        ),
        ("CREATE INDEX periods_by_state ON periods (period, state, hall_id)",),
    ),
)


@dataclass(frozen=True, slots=True)
class Period:
    """A hall's month. `rev` is the revision of its scores that holds, 0 where none was told; `held`: it waits for
    a person; `rules` are those by which it was decided, as JSON; `nobody` says why it has no winner."""

    hall_id: str
    period: str
    state: State
    told_line: int = 0
    told_seq: int = 0
    told_at: str = ""
    rev: int = 0
    final: bool = False
    players: int = 0
    hash: str = ""
    ended_at: str | None = None
    frozen_at: str | None = None
    held: bool = False
    confirmed_at: str | None = None
    decided_at: str | None = None
    rules: str | None = None
    nobody: str = ""

    def is_before(self, line_id: int, seq: int, created: str) -> bool:
        """Whether what holds was told before that: of one line by its numbers, of two by when it was written."""
        if self.told_line == line_id:
            return self.told_seq < seq
        return self.told_at < created


def month_of(now: datetime, zone: ZoneInfo) -> str:
    """The month it is in a hall."""
    return now.astimezone(zone).date().isoformat()[:7]


def end_of(period: str, zone: ZoneInfo) -> datetime:
    """When a month ends in a hall: midnight by its own clocks, whatever they do that night."""
    return datetime.combine(date.fromisoformat(f"{month_after(period)}-01"), time(), tzinfo=zone)


def has_ended(period: str, zone: ZoneInfo, now: datetime) -> bool:
    return now >= end_of(period, zone)


def lock(conn: Conn, hall_id: str, period: str) -> Period:
    """The period, made where it is not there, which nobody else changes before the transaction ends."""
    found = conn.row(f"SELECT * FROM periods WHERE hall_id = ? AND period = ?{conn.lock}", [hall_id, period])
    if found is None:
        conn.run(
            "INSERT INTO periods (hall_id, period, state) VALUES (?, ?, 'open')"
            " ON CONFLICT (hall_id, period) DO NOTHING",
            [hall_id, period],
        )
        found = conn.row(f"SELECT * FROM periods WHERE hall_id = ? AND period = ?{conn.lock}", [hall_id, period])
        assert found is not None
    return _period(found)


def get(conn: Conn, hall_id: str, period: str) -> Period | None:
    row = conn.row("SELECT * FROM periods WHERE hall_id = ? AND period = ?", [hall_id, period])
    return None if row is None else _period(row)


def found_of_halls(conn: Conn, hall_ids: Sequence[str], period: str) -> dict[str, Period]:
    """That month of those of the halls that have it, by hall; as it stands, and not held."""
    among, params = conn.among("hall_id", list(hall_ids))
    rows = conn.rows(f"SELECT * FROM periods WHERE period = ? AND {among}", [period, *params])
    return {row["hall_id"]: _period(row) for row in rows}


def of_hall(conn: Conn, hall_id: str, limit: int = 24) -> list[Period]:
    """A hall's periods, the newest first."""
    rows = conn.rows("SELECT * FROM periods WHERE hall_id = ? ORDER BY period DESC LIMIT ?", [hall_id, limit])
    return [_period(row) for row in rows]


def keep_told(
    conn: Conn,
    period: Period,
    *,
    line_id: int,
    seq: int,
    created: str,
    rev: int,
    final: bool,
    players: int,
    hash_: str,
) -> None:
    """These scores hold now, of a period that `lock` gave."""
    conn.run(
        "UPDATE periods SET told_line = ?, told_seq = ?, told_at = ?, rev = ?, final = ?, players = ?, hash = ?"
        " WHERE hall_id = ? AND period = ?",
        [line_id, seq, created, rev, int(final), players, hash_, period.hall_id, period.period],
    )


def due_halls(conn: Conn, zone: str, period: str, after: str, limit: int) -> list[str]:
    """Halls of that zone in which that month, which has ended, is not decided; the next ones after that id.

    A hall is asked for no month before the one in which it was made.
    """
    rows = conn.rows(
        "SELECT h.id FROM halls h LEFT JOIN periods p ON p.hall_id = h.id AND p.period = ?"
        " WHERE h.zone = ? AND h.id > ? AND (p.state IS NULL OR p.state <> 'decided')"
        " AND (p.state IS NOT NULL OR substr(h.made_at, 1, 7) <= ?) ORDER BY h.id LIMIT ?",
        [period, zone, after, period, limit],
    )
    return [row["id"] for row in rows]


def undecided_before(conn: Conn, period: str) -> list[str]:
    """Months before that one which are not decided in some hall, the earliest first."""
    rows = conn.rows(
        "SELECT DISTINCT period FROM periods WHERE state <> 'decided' AND period < ? ORDER BY period", [period]
    )
    return [row["period"] for row in rows]


def zones(conn: Conn) -> list[str]:
    """The zones of all halls."""
    return [row["zone"] for row in conn.rows("SELECT DISTINCT zone FROM halls ORDER BY zone")]


def of_halls(conn: Conn, hall_ids: Sequence[str], period: str) -> dict[str, Period]:
    """That month of these halls, made where it is not there; nobody else changes it before the transaction
    ends."""
    among, params = conn.among("hall_id", list(hall_ids))
    find = f"SELECT * FROM periods WHERE period = ? AND {among} ORDER BY hall_id{conn.lock}"
    found = {row["hall_id"]: _period(row) for row in conn.rows(find, [period, *params])}
    absent = [hall_id for hall_id in hall_ids if hall_id not in found]
    for hall_id in absent:
        found[hall_id] = lock(conn, hall_id, period)
    return found


def is_told_whole(period: Period, ended: datetime, now: datetime) -> bool:
    """Whether nothing more is to be waited for, of a month that has ended then."""
    return period.final or now >= ended + GRACE


def begin_grace(conn: Conn, found: Sequence[Period], ended_at: str) -> None:
    """These months have ended."""
    _advance(conn, found, "state = 'grace', ended_at = ?", [ended_at])


def freeze(conn: Conn, found: Sequence[Period], now: datetime) -> None:
    """Nothing changes their scores any more."""
    _advance(conn, found, "state = 'frozen', frozen_at = ?", [stamp(now)])


def keep_decided(conn: Conn, found: Sequence[tuple[Period, str, str]], now: datetime) -> None:
    """These are decided: each with the rules as JSON, and why it has no winner."""
    by_what: dict[tuple[str, str], list[Period]] = {}
    for period, rules, nobody in found:
        by_what.setdefault((rules, nobody), []).append(period)
    for (rules, nobody), some in by_what.items():
        _advance(
            conn, some, "state = 'decided', decided_at = ?, rules = ?, nobody = ?", [stamp(now), rules, nobody]
        )


def _advance(conn: Conn, found: Sequence[Period], change: str, params: list[str]) -> None:
    """Changes periods of one month that are locked."""
    if not found:
        return
    among, ids = conn.among("hall_id", [one.hall_id for one in found])
    conn.run(f"UPDATE periods SET {change} WHERE period = ? AND {among}", [*params, found[0].period, *ids])


def confirm(conn: Conn, period: Period, now: datetime) -> None:
    """A person has looked: it is decided at the next turn."""
    conn.run(
        "UPDATE periods SET confirmed_at = ?, held = 0 WHERE hall_id = ? AND period = ?",
        [stamp(now), period.hall_id, period.period],
    )


def hold(conn: Conn, period: Period, held: bool) -> None:
    """It is not decided by itself, or is again."""
    conn.run(
        "UPDATE periods SET held = ? WHERE hall_id = ? AND period = ?", [int(held), period.hall_id, period.period]
    )


def pass_over(conn: Conn, period: Period, player_id: str, *, why: str, by: str, now: datetime) -> None:
    """That player can't win this month, for a reason."""
    conn.run(
        "INSERT INTO passed_over (hall_id, period, player_id, why, by_whom, at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (hall_id, period, player_id) DO NOTHING",
        [period.hall_id, period.period, player_id, why, by, stamp(now)],
    )


def take_back_passing_over(conn: Conn, period: Period, player_id: str) -> None:
    conn.run(
        "DELETE FROM passed_over WHERE hall_id = ? AND period = ? AND player_id = ?",
        [period.hall_id, period.period, player_id],
    )


def passed_over(conn: Conn, hall_ids: Sequence[str], period: str) -> dict[str, dict[str, str]]:
    """Who was passed over in that month, with why, by hall."""
    among, params = conn.among("hall_id", list(hall_ids))
    found: dict[str, dict[str, str]] = {}
    for row in conn.rows(f"SELECT * FROM passed_over WHERE period = ? AND {among}", [period, *params]):
        found.setdefault(row["hall_id"], {})[row["player_id"]] = row["why"]
    return found


def previous(now: datetime, zone: ZoneInfo) -> str:
    """The month that has ended last in a hall."""
    return month_before(month_of(now, zone))


def _period(row: Row) -> Period:
    return Period(
        row["hall_id"], row["period"], row["state"], row["told_line"], row["told_seq"], row["told_at"], row["rev"],
        bool(row["final"]), row["players"], row["hash"], row["ended_at"], row["frozen_at"], bool(row["held"]),
        row["confirmed_at"], row["decided_at"], row["rules"], row["nobody"],
    )  # fmt: skip
