"""The month's awards: previewed, then published, then fixed.

What is due follows from the facts (`edge.hall.award_rules`). Staff publish what they have just seen. A late or
corrected result then changes nothing by itself: `differences` tells what would be otherwise, and `republish`
makes it so. What is taken back is marked, never deleted.

Staff may give anybody a title by hand. Whoever does not want to be seen has it for their own eyes.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import stamp
from edge.facts import uuid7
from edge.hall import audit, award_rules, votes
from edge.hall.audit import Deed
from edge.hall.award_rules import SEEN, Due, Preview, calculate
from edge.hall.errors import HallError
from edge.hall.occasion import Occasion
from edge.hall.players import require_member
from edge.hall.typed import a_month, one_line

migrations = Migrations("awards")

Kind = award_rules.Kind | Literal["manual"]
KINDS: tuple[Kind, ...] = (*get_args(award_rules.Kind), "manual")
TITLE_CHARS = (3, 40)


@migrations()
def awards_1(db: Database) -> None:
    # The player may change, when two players turn out to be one; the title is of those given by hand.
    db.execute("""
        CREATE TABLE monthly_awards (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            month TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('top1', 'top2', 'top3', 'progress_star', 'consistency_king',
                'mvp', 'best_teammate', 'manual')),
            title TEXT NOT NULL,
            player_id TEXT NOT NULL REFERENCES players (id),
            given_at TEXT NOT NULL,
            given_by TEXT NOT NULL,
            withdrawn_at TEXT,
            withdrawn_by TEXT,
            CHECK ((kind = 'manual') = (title != ''))
        ) STRICT
    """)
    db.execute("""
        CREATE UNIQUE INDEX monthly_awards_once ON monthly_awards (month, kind, title, player_id)
        WHERE withdrawn_at IS NULL
    """)
    db.execute("CREATE INDEX monthly_awards_of ON monthly_awards (player_id, month)")
    db.execute("""
        CREATE TRIGGER monthly_awards_are_fixed
        BEFORE UPDATE OF seq, id, month, kind, title, given_at, given_by ON monthly_awards
        BEGIN SELECT RAISE(ABORT, 'an award is never edited: withdraw it'); END
    """)
    db.execute("""
        CREATE TRIGGER monthly_awards_stay_withdrawn BEFORE UPDATE OF withdrawn_at, withdrawn_by ON monthly_awards
        WHEN OLD.withdrawn_at IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'an award that was withdrawn stays so'); END
    """)
    db.execute("""
        CREATE TRIGGER monthly_awards_stay BEFORE DELETE ON monthly_awards
        WHEN (SELECT erased FROM players WHERE id = OLD.player_id) IS NULL
        BEGIN SELECT RAISE(ABORT, 'awards go only with a player who was erased'); END
    """)
    db.execute("""
        CREATE TABLE award_months (
            month TEXT PRIMARY KEY,
            published_at TEXT NOT NULL,
            published_by TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
    """)


@dataclass(frozen=True, slots=True)
class Award:
    """An award as it was given; a `title` is of those given by hand."""

    id: str
    month: str
    kind: Kind
    title: str
    player_id: str
    name: str
    given_at: str
    withdrawn_at: str | None = None


@dataclass(frozen=True, slots=True)
class Differences:
    """What publishing anew would do: awards that no longer hold, and those that do now."""

    gone: tuple[Award, ...] = ()
    new: tuple[Due, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gone or self.new)


def publish(conn: sqlite3.Connection, month: str, *, by: str, here: Occasion, seen: str) -> list[Award]:
    """Fixes a month's awards as staff have seen them, and closes its votes; returns all that everybody sees now,
    titles given by hand among them. `conn` must be inside a transaction for writing.

    `seen` is the digest of the preview they looked at. Raises HallError: `awards_month` before the hall's month
    is over, `awards_published` for the second time, `awards_changed` where the facts are others by now.
    """
    if a_month(month) >= here.month:
        raise HallError("awards_month")
    if is_published(conn, month):
        raise HallError("awards_published")
    preview = calculate(conn, month)
    _require_seen(preview, seen)
    conn.execute("INSERT INTO award_months VALUES (?, ?, ?)", [month, here.stamp, by])
    votes.close(conn, month, here.stamp)
    _give(conn, month, preview.due, by, here.stamp)
    audit.deed(
        conn,
        here.stamp,
        "awards.published",
        f"month:{month}",
        by,
        after={"awards": [[one.kind, one.player_id] for one in preview.due]},
    )
    return awards_of_month(conn, month)


def differences(conn: sqlite3.Connection, month: str, preview: Preview | None = None) -> Differences:
    """What would be otherwise if a published month were published today; nothing for one that was not.

    What staff took back by hand is not given again by that.
    """
    if not is_published(conn, month):
        return Differences()
    preview = preview or calculate(conn, month)
    held = [award for award in awards_of_month(conn, month, staff=True) if award.kind != "manual"]
    due = {(one.kind, one.player_id) for one in preview.due}
    had = {(award.kind, award.player_id) for award in held} | _taken_back(conn, month)
    return Differences(
        tuple(award for award in held if (award.kind, award.player_id) not in due),
        tuple(one for one in preview.due if (one.kind, one.player_id) not in had),
    )


def republish(conn: sqlite3.Connection, month: str, *, by: str, here: Occasion, seen: str) -> Differences:
    """Withdraws of a published month what no longer holds and gives what does; returns both.

    Titles given by hand stay. Raises HallError: `awards_unpublished`, or `awards_changed` as `publish` does.
    """
    if not is_published(conn, month):
        raise HallError("awards_unpublished")
    preview = calculate(conn, month)
    _require_seen(preview, seen)
    changes = differences(conn, month, preview)
    if not changes:
        return changes
    for award in changes.gone:
        _mark_withdrawn(conn, award.id, by, here.stamp)
    _give(conn, month, changes.new, by, here.stamp)
    audit.deed(
        conn,
        here.stamp,
        "awards.republished",
        f"month:{month}",
        by,
        before={"awards": [[award.kind, award.player_id] for award in changes.gone]},
        after={"awards": [[one.kind, one.player_id] for one in changes.new]},
    )
    return changes


def grant(conn: sqlite3.Connection, month: str, title: str, player_id: str, *, by: str, here: Occasion) -> Award:
    """Gives a member a title by hand. Players see it once the month is published, which may be at once.

    The same title twice is one. Raises HallError: `award_title_length`, `award_title_refused`, `award_member`
    for guests and whoever is gone, `award_month` for a month that has not begun.
    """
    title = one_line(title, *TITLE_CHARS, "award_title")
    if a_month(month) > here.month:
        raise HallError("award_month")
    player = require_member(conn, player_id, "award_member")
    for award in awards_of_month(conn, month, staff=True):
        if (award.kind, award.title, award.player_id) == ("manual", title, player_id):
            return award
    award_id = _insert(conn, month, "manual", player_id, title=title, by=by, now=here.stamp)
    after = {"month": month, "player": player_id}
    audit.deed(conn, here.stamp, "award.granted", f"award:{award_id}", by, after=after)
    return Award(award_id, month, "manual", title, player_id, player.name, here.stamp)


def withdraw(conn: sqlite3.Connection, award_id: str, by: str, now: str) -> bool:
    """Takes one award back; says whether it still stood."""
    award = get_award(conn, award_id)
    if award is None or award.withdrawn_at is not None:
        return False
    _mark_withdrawn(conn, award_id, by, now)
    before = {"month": award.month, "kind": award.kind, "player": award.player_id}
    audit.deed(conn, now, "award.withdrawn", f"award:{award_id}", by, before=before)
    return True


def is_published(conn: sqlite3.Connection, month: str) -> bool:
    """Whether a month's awards were published."""
    return conn.execute("SELECT 1 FROM award_months WHERE month = ?", [month]).fetchone() is not None


def published_months(conn: sqlite3.Connection) -> list[str]:
    """The months that were published, the latest first."""
    return [row["month"] for row in conn.execute("SELECT month FROM award_months ORDER BY month DESC")]


def awards_of_month(conn: sqlite3.Connection, month: str, *, staff: bool = False) -> list[Award]:
    """A month's awards that hold, the top three first, equal ones by name.

    Everybody sees those of a published month whose players want to be seen; staff see all.
    """
    if not staff and not is_published(conn, month):
        return []
    seen = "" if staff else f" AND {SEEN}"
    rows = conn.execute(
        "SELECT a.*, p.name FROM monthly_awards a JOIN players p ON p.id = a.player_id"
        f" WHERE a.month = ? AND a.withdrawn_at IS NULL{seen} ORDER BY p.name_key, a.seq",
        [month],
    )
    return sorted(map(_award, rows), key=lambda award: KINDS.index(award.kind))


def awards_of(conn: sqlite3.Connection, player_id: str) -> list[Award]:
    """A player's own awards of published months, the latest first."""
    rows = conn.execute(
        "SELECT a.*, p.name FROM monthly_awards a JOIN players p ON p.id = a.player_id"
        " WHERE a.player_id = ? AND a.withdrawn_at IS NULL AND a.month IN (SELECT month FROM award_months)"
        " ORDER BY a.month DESC, a.seq",
        [player_id],
    )
    return [_award(row) for row in rows]


def get_award(conn: sqlite3.Connection, award_id: str) -> Award | None:
    """One award, withdrawn ones too, or None."""
    row = conn.execute(
        "SELECT a.*, p.name FROM monthly_awards a JOIN players p ON p.id = a.player_id WHERE a.id = ?",
        [award_id],
    ).fetchone()
    return None if row is None else _award(row)


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes a player's awards; they go only once `erase_player` has been."""
    conn.execute("DELETE FROM monthly_awards WHERE player_id = ?", [player_id])


def take_over(conn: sqlite3.Connection, from_id: str, to_id: str) -> None:
    """Gives a player the awards of one who turned out to be the same. What both have stays where it
    is, and goes with `forget`."""
    conn.execute(
        "UPDATE monthly_awards AS a SET player_id = :t WHERE player_id = :f AND (withdrawn_at IS NOT NULL"
        " OR NOT EXISTS (SELECT 1 FROM monthly_awards b WHERE b.player_id = :t AND b.withdrawn_at IS NULL"
        " AND (b.month, b.kind, b.title) = (a.month, a.kind, a.title)))",
        {"f": from_id, "t": to_id},
    )


def _taken_back(conn: sqlite3.Connection, month: str) -> set[tuple[str, str]]:
    """Which awards of a month staff took back themselves, each as its kind and whose it was."""
    rows = conn.execute(
        "SELECT kind, player_id FROM monthly_awards a WHERE month = ? AND withdrawn_at IS NOT NULL AND EXISTS"
        " (SELECT 1 FROM audit d WHERE d.subject = 'award:' || a.id AND d.what = 'award.withdrawn')",
        [month],
    )
    return {(row["kind"], row["player_id"]) for row in rows}


def _require_seen(preview: Preview, seen: str) -> None:
    if preview.digest != seen:
        raise HallError("awards_changed")


def _give(conn: sqlite3.Connection, month: str, due: Iterable[Due], by: str, now: str) -> None:
    for one in due:
        _insert(conn, month, one.kind, one.player_id, title="", by=by, now=now)


def _insert(
    conn: sqlite3.Connection, month: str, kind: Kind, player_id: str, *, title: str, by: str, now: str
) -> str:
    award_id = uuid7()
    conn.execute(
        "INSERT INTO monthly_awards (id, month, kind, title, player_id, given_at, given_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [award_id, month, kind, title, player_id, now, by],
    )
    return award_id


def _mark_withdrawn(conn: sqlite3.Connection, award_id: str, by: str, now: str) -> None:
    conn.execute("UPDATE monthly_awards SET withdrawn_at = ?, withdrawn_by = ? WHERE id = ?", [now, by, award_id])


def _award(row: sqlite3.Row) -> Award:
    return Award(
        row["id"],
        row["month"],
        row["kind"],
        row["title"],
        row["player_id"],
        row["name"],
        row["given_at"],
        row["withdrawn_at"],
    )


def _undo_granted(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    if not withdraw(conn, deed.subject.removeprefix("award:"), by, stamp(now)):
        raise HallError("undo_too_late")


def _undo_withdrawn(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    """What was withdrawn stays so: the same is given anew, unless somebody has done that since."""
    award = get_award(conn, deed.subject.removeprefix("award:"))
    if award is None:
        raise HallError("undo_too_late")
    same = (award.kind, award.title, award.player_id)
    if any((one.kind, one.title, one.player_id) == same for one in awards_of_month(conn, award.month, staff=True)):
        raise HallError("undo_too_late")
    new = _insert(conn, award.month, award.kind, award.player_id, title=award.title, by=by, now=stamp(now))
    after = {"month": award.month, "player": award.player_id}
    audit.deed(conn, stamp(now), "award.granted", f"award:{new}", by, after=after)


UNDO = {"award.granted": _undo_granted, "award.withdrawn": _undo_withdrawn}
