"""Groups, which are named Elite and Active and nothing else.

Who wins at least 60 % of at least 8 games over the last 10 sessions is Elite, everybody else Active. A session
here is a day on which the player struck a ball, a game a rated match of such a day. What staff decide holds until
they lift it. Every change is kept, with who made it and why.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.hall.players import get_player
from edge.hall.ratings import ELO_ELITE, rating_of
from edge.hall.streaks import Outcome, outcomes_of

migrations = Migrations("groups")

Group = Literal["elite", "active"]
Rule = Literal["win_rate", "elo"]
Why = Literal["rule", "override", "lifted"]
GROUPS: tuple[Group, ...] = get_args(Group)

SESSIONS = 10
ELITE_GAMES = 8
ELITE_WIN_PCT = 60


@migrations()
def groups_1(db: Database) -> None:
    # `changed_by` is who of the staff it was; the rule is nobody.
    db.execute("""
        CREATE TABLE group_changes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            player_id TEXT NOT NULL REFERENCES players (id),
            player_group TEXT NOT NULL CHECK (player_group IN ('elite', 'active')),
            why TEXT NOT NULL CHECK (why IN ('rule', 'override', 'lifted')),
            changed_by TEXT REFERENCES players (id),
            changed_at TEXT NOT NULL,
            CHECK ((why = 'rule') = (changed_by IS NULL))
        ) STRICT
    """)
    db.execute("CREATE INDEX group_changes_of ON group_changes (player_id, id)")
    db.execute("""
        CREATE TRIGGER group_changes_are_fixed BEFORE UPDATE ON group_changes
        BEGIN SELECT RAISE(ABORT, 'a change of group is never edited'); END
    """)
    db.execute("""
        CREATE TRIGGER group_changes_stay BEFORE DELETE ON group_changes
        WHEN (SELECT erased FROM players WHERE id = OLD.player_id) IS NULL
        BEGIN SELECT RAISE(ABORT, 'changes of group go only with a player who was erased'); END
    """)


@dataclass(frozen=True, slots=True)
class Form:
    """Rated matches of the latest sessions, and how many of them were won."""

    games: int = 0
    wins: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A player came into a group, or was kept in one by staff: when, why, and by whom of them."""

    group: Group
    why: Why
    by: str | None
    changed_at: str


@dataclass(frozen=True, slots=True)
class Membership:
    """In which group a member is; `override` is whether staff decided it."""

    player_id: str
    name: str
    group: Group
    override: bool


def form(days: Iterable[str], outcomes: Iterable[Outcome]) -> Form:
    """The form over the last ten of the days attended, in any order, and the matches of those days."""
    latest = set(sorted(set(days))[-SESSIONS:])
    won = [outcome.won for outcome in outcomes if outcome.day in latest]
    return Form(len(won), sum(won))


def group_by_win_rate(form: Form) -> Group:
    """The rule of today."""
    elite = form.games >= ELITE_GAMES and 100 * form.wins >= ELITE_WIN_PCT * form.games
    return "elite" if elite else "active"


def group_by_elo(elo: float) -> Group:
    """The rule of later."""
    return "elite" if elo >= ELO_ELITE else "active"


def settle(conn: sqlite3.Connection, player_id: str, now: str, rule: Rule = "win_rate") -> Change | None:
    """Puts a player into the group the rule says, unless staff decided; returns the change, if it is one.

    By Elo the ratings must be settled first. `conn` must be inside a transaction for writing.
    """
    if not _here(conn, player_id) or overridden(conn, player_id):
        return None
    group = _by_rule(conn, player_id, rule)
    if group == group_of(conn, player_id):
        return None
    return _append(conn, player_id, Change(group, "rule", None, now))


def override(
    conn: sqlite3.Connection, player_id: str, group: Group | None, by: str, now: str, *, rule: Rule = "win_rate"
) -> Change | None:
    """Staff put a player into a group until it is lifted, which None does: then the rule holds again, at once.

    Whether `by` may do so is the caller's affair. None is returned, and nothing kept, where nothing was to lift.
    """
    if not _here(conn, player_id):
        return None
    if group is not None:
        return _append(conn, player_id, Change(group, "override", by, now))
    if not overridden(conn, player_id):
        return None
    return _append(conn, player_id, Change(_by_rule(conn, player_id, rule), "lifted", by, now))


def group_of(conn: sqlite3.Connection, player_id: str) -> Group:
    """The group a player is in; Active before anything was decided."""
    latest = _latest(conn, player_id)
    return "active" if latest is None else latest.group


def overridden(conn: sqlite3.Connection, player_id: str) -> bool:
    """Whether staff's decision holds."""
    latest = _latest(conn, player_id)
    return latest is not None and latest.why == "override"


def memberships(conn: sqlite3.Connection) -> list[Membership]:
    """All members with their groups, by name, for staff."""
    return _memberships(conn, "NOT p.guest AND p.erased IS NULL ORDER BY p.name_key")


def membership_of(conn: sqlite3.Connection, player_id: str) -> Membership | None:
    """A player's group, or None for who is not here."""
    return next(iter(_memberships(conn, "p.erased IS NULL AND p.id = ?", player_id)), None)


def changes_of(conn: sqlite3.Connection, player_id: str) -> list[Change]:
    """Everything that was decided of a player's group, oldest first."""
    rows = conn.execute("SELECT * FROM group_changes WHERE player_id = ? ORDER BY id", [player_id])
    return [_change(row) for row in rows]


def form_of(conn: sqlite3.Connection, player_id: str) -> Form:
    """A player's form as it stands."""
    rows = conn.execute(
        "SELECT day FROM attendances WHERE player_id = ? ORDER BY day DESC LIMIT ?", [player_id, SESSIONS]
    )
    days = [row["day"] for row in rows]
    return form(days, outcomes_of(conn, player_id, days[-1])) if days else Form()


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes a player's changes of group, which stay until `erase_player` has been."""
    conn.execute("DELETE FROM group_changes WHERE player_id = ?", [player_id])


def _memberships(conn: sqlite3.Connection, which: str, *values: str) -> list[Membership]:
    rows = conn.execute(
        "SELECT p.id, p.name, coalesce(c.player_group, 'active') AS player_group, c.why IS 'override' AS override"
        " FROM players p LEFT JOIN group_changes c"
        f" ON c.id = (SELECT max(id) FROM group_changes WHERE player_id = p.id) WHERE {which}",
        values,
    )
    return [Membership(row["id"], row["name"], row["player_group"], bool(row["override"])) for row in rows]


def _here(conn: sqlite3.Connection, player_id: str) -> bool:
    player = get_player(conn, player_id)
    return player is not None and player.erased is None


def _by_rule(conn: sqlite3.Connection, player_id: str, rule: Rule) -> Group:
    if rule == "elo":
        return group_by_elo(rating_of(conn, player_id).elo)
    return group_by_win_rate(form_of(conn, player_id))


def _append(conn: sqlite3.Connection, player_id: str, change: Change) -> Change:
    conn.execute(
        "INSERT INTO group_changes (player_id, player_group, why, changed_by, changed_at) VALUES (?, ?, ?, ?, ?)",
        [player_id, change.group, change.why, change.by, change.changed_at],
    )
    return change


def _latest(conn: sqlite3.Connection, player_id: str) -> Change | None:
    row = conn.execute(
        "SELECT * FROM group_changes WHERE player_id = ? ORDER BY id DESC LIMIT 1", [player_id]
    ).fetchone()
    return None if row is None else _change(row)


def _change(row: sqlite3.Row) -> Change:
    return Change(row["player_group"], row["why"], row["changed_by"], row["changed_at"])
