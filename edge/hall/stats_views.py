"""Which players looked at their own statistics in which week: one row a player and week, for how the hall goes.

Nothing is kept of what was looked at, or how often.
"""

import sqlite3

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import monday_of

migrations = Migrations("stats_views")


@migrations()
def stats_views_1(db: Database) -> None:
    # `week` is its Monday.
    db.execute("""
        CREATE TABLE stats_views (
            week TEXT NOT NULL,
            player_id TEXT NOT NULL REFERENCES players (id),
            PRIMARY KEY (week, player_id)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE INDEX stats_views_of ON stats_views (player_id)")


def is_noted(conn: sqlite3.Connection, player_id: str, day: str) -> bool:
    """Whether it is noted already that the player looked in the week of that day."""
    sql = "SELECT 1 FROM stats_views WHERE week = ? AND player_id = ?"
    return conn.execute(sql, [monday_of(day), player_id]).fetchone() is not None


def note(conn: sqlite3.Connection, player_id: str, day: str) -> None:
    """A player looked; a second time in the same week changes nothing. Who was erased is not noted."""
    conn.execute(
        "INSERT INTO stats_views (week, player_id) SELECT ?, id FROM players WHERE id = ? AND erased IS NULL"
        " ON CONFLICT DO NOTHING",
        [monday_of(day), player_id],
    )


def lookers(conn: sqlite3.Connection, begin: str, end: str) -> dict[str, int]:
    """How many players looked, by the Mondays from `begin` to before `end`."""
    rows = conn.execute(
        "SELECT week, count(*) AS players FROM stats_views WHERE week >= ? AND week < ? GROUP BY week",
        [begin, end],
    )
    return {row["week"]: row["players"] for row in rows}


def take_over(conn: sqlite3.Connection, from_id: str, to_id: str) -> None:
    """The weeks in which one player looked become another's."""
    conn.execute(
        "INSERT INTO stats_views SELECT week, ? FROM stats_views WHERE player_id = ? ON CONFLICT DO NOTHING",
        [to_id, from_id],
    )
    forget(conn, from_id)


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes when a player looked."""
    conn.execute("DELETE FROM stats_views WHERE player_id = ?", [player_id])
