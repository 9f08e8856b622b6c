"""Names that staff change: one that clashes, or one that nobody wants to read on a board.

The audit holds no names, so what a rename replaced is kept here, until the next rename or until the player is
erased: long enough to take a slip of the finger back.
"""

import sqlite3
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import stamp
from edge.facts import uuid7
from edge.hall import audit
from edge.hall.audit import Deed
from edge.hall.errors import HallError
from edge.hall.players import Player, clean_name, get_player, save_player

migrations = Migrations("renaming")


@migrations()
def renaming_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE renames (
            player_id TEXT PRIMARY KEY REFERENCES players (id),
            id TEXT NOT NULL,
            before TEXT NOT NULL,
            after TEXT NOT NULL,
            at TEXT NOT NULL
        ) STRICT
    """)


def rename(conn: sqlite3.Connection, player: Player, name: str, by: str, now: datetime) -> Player:
    """The player under another name; the same one again changes nothing.

    Raises PlayerError when the name can't be, or is taken.
    """
    name = clean_name(name)
    if name == player.name:
        return player
    renamed = replace(player, name=name)
    save_player(conn, renamed)
    rename_id = uuid7()
    conn.execute(
        "INSERT OR REPLACE INTO renames (player_id, id, before, after, at) VALUES (?, ?, ?, ?, ?)",
        [player.id, rename_id, player.name, name, stamp(now)],
    )
    audit.deed(conn, stamp(now), "player.renamed", f"player:{player.id}", by, after={"rename": rename_id})
    return renamed


def undo_rename(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    """Gives the earlier name back. Raises HallError when it was changed since, PlayerError when it is taken."""
    row = conn.execute(
        "SELECT * FROM renames WHERE player_id = ? AND id = ?",
        [deed.subject.removeprefix("player:"), (deed.after or {}).get("rename")],
    ).fetchone()
    player = None if row is None else get_player(conn, row["player_id"])
    if player is None or player.erased or player.name != row["after"]:
        raise HallError("undo_too_late")
    rename(conn, player, row["before"], by, now)


def take_over(conn: sqlite3.Connection, from_id: str, to_id: str) -> None:  # noqa: ARG001
    """The name of whoever turned out to be somebody else goes with them."""
    forget(conn, from_id)


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes the name that a player once had."""
    conn.execute("DELETE FROM renames WHERE player_id = ?", [player_id])
