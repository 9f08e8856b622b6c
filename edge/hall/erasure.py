"""Deleting everything of a player's, for good and as they ask for it.

What names them goes at once, in one transaction: the row of the player is emptied, PIN, logins, cards, consents,
points, ratings, streaks, group, badges and the days' figures are deleted. From then on nothing leads to them.
Their shots and sessions may be half a million rows, so those go batch by batch, each in a short transaction of its
own. `erasures` remembers whose are not all gone; the box's caretaker goes on with it, after a power cut too.

What stays is what is somebody else's: the matches with their results, the opponents' shots, figures and ratings.
A match of theirs is no longer made anew from its shots (see `edge.hall.scoring`). The audit and what staff decided
for others keep the id, which leads to a row without a name. What is deleted is overwritten in the file as well, as
soon as SQLite has written its log back.
"""

import json
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge import facts
from edge.clock import stamp
from edge.hall import audit, consents, features, logins, pins, standing
from edge.hall.players import erase_player, get_player
from edge.hall.sessions import open_session_of
from edge.hall.sitting import leave_table
from edge.stats import daily
from edge.store import outbox
from edge.store.database import Store

migrations = Migrations("erasure")

BATCH = 400  # shots of one transaction
# Others who wait for the store look again after a tenth of a second at most: one of them gets it in the meantime.
PAUSE_S = 0.12
AUTHOR = "erased"  # stands where somebody mended a shot who is not here any more


@migrations()
def erasure_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE erasures (
            player_id TEXT PRIMARY KEY REFERENCES players (id),
            begun_at TEXT NOT NULL
        ) STRICT
    """)


def erase(conn: sqlite3.Connection, player_id: str, now: datetime, *, role: audit.Role, who: str | None) -> bool:
    """Deletes what names a player and notes that the rest is to go; False when there is nobody to erase.

    What goes on at the table with them is ended first. `conn` must be inside a transaction for writing.
    """
    player = get_player(conn, player_id)
    if player is None or player.erased:
        return False
    playing = open_session_of(conn, player_id)
    if playing is not None:
        leave_table(conn, playing.table_label, now, "player", now)
    _overwrite(conn)
    at = stamp(now)
    erase_player(conn, player_id, at)
    for module in (pins, logins, consents, features, standing, daily):
        module.forget(conn, player_id)
    for column in ("speaker", "withdrawn_by"):
        conn.execute(f"UPDATE said SET {column} = NULL WHERE {column} = ?", [player_id])
    audit.note(conn, at, "player.erased", f"player:{player_id}", role=role, who=who)
    outbox.append(conn, facts.erased(player_id, (), created=at))
    conn.execute("INSERT INTO erasures (player_id, begun_at) VALUES (?, ?)", [player_id, at])
    return True


def go_on(store: Store, budget_s: float, sleep: Callable[[float], None] = time.sleep, batch: int = BATCH) -> bool:
    """Deletes what is left of those who were erased, for about so long; says whether nothing is left.

    Raises StoreError, and then the rest is left.
    """
    until_s = time.monotonic() + budget_s
    while waiting(store):
        if time.monotonic() >= until_s:
            return False
        with store.write() as conn:
            _delete_some(conn, stamp(datetime.now(UTC)), batch)
        sleep(PAUSE_S)
    return True


def waiting(store: Store) -> bool:
    """Whether something is left of somebody who was erased."""
    with store.read() as conn:
        return conn.execute("SELECT 1 FROM erasures LIMIT 1").fetchone() is not None


def _delete_some(conn: sqlite3.Connection, now: str, batch: int) -> None:
    row = conn.execute("SELECT player_id FROM erasures ORDER BY begun_at, player_id LIMIT 1").fetchone()
    if row is None:  # another process was quicker
        return
    _overwrite(conn)
    player_id = row["player_id"]
    plays = conn.execute("SELECT shot_id FROM plays WHERE player_id = ? LIMIT ?", [player_id, batch])
    shots = [play["shot_id"] for play in plays]
    if shots:
        _delete_shots(conn, shots, now)
    else:
        _finish(conn, player_id)


def _delete_shots(conn: sqlite3.Connection, shots: list[str], now: str) -> None:
    """Deletes shots with what is told of them, in the store and in line to be sent."""
    for shot_id in shots:
        for row in outbox.rows_about(conn, shot_id):
            outbox.put_instead(conn, row, facts.erased(None, [shot_id], created=row.fact.created))
    conn.executemany("DELETE FROM shots WHERE id = ?", [[shot_id] for shot_id in shots])
    outbox.append(conn, facts.erased(None, shots, created=now))


def delete_shots_of(conn: sqlite3.Connection, session_id: str, now: str) -> None:
    """Deletes a player's own shots of a session that is about to go, where they were erased."""
    rows = conn.execute(
        "SELECT p.shot_id FROM plays p JOIN players pl ON pl.id = p.player_id"
        " WHERE p.session_id = ? AND pl.erased IS NOT NULL",
        [session_id],
    )
    shots = [row["shot_id"] for row in rows]
    if shots:
        _delete_shots(conn, shots, now)
    _leave_to_opponents(conn, "s.id = ?", session_id)


def _leave_to_opponents(conn: sqlite3.Connection, where: str, value: str) -> None:
    """Shots of a match of which nobody knows whose they were are the opponent's to keep."""
    conn.execute(
        "UPDATE plays SET session_id = (SELECT o.id FROM sessions s JOIN sessions o ON o.match_id = s.match_id"
        " AND o.player_id != s.player_id WHERE s.id = plays.session_id) WHERE session_id IN"
        f" (SELECT s.id FROM sessions s WHERE {where} AND EXISTS (SELECT 1 FROM sessions o"
        " WHERE o.match_id = s.match_id AND o.player_id != s.player_id))",
        [value],
    )


def _finish(conn: sqlite3.Connection, player_id: str) -> None:
    """When the last shot is gone: the sessions, and the name of the author under what they mended of others'."""
    _leave_to_opponents(conn, "s.player_id = ?", player_id)
    conn.execute("DELETE FROM sessions WHERE player_id = ?", [player_id])
    _unsign(conn, player_id)
    for module in (standing, daily):
        module.forget(conn, player_id)
    conn.execute("DELETE FROM erasures WHERE player_id = ?", [player_id])


def _unsign(conn: sqlite3.Connection, player_id: str) -> None:
    """Takes the player's id from the amendments of shots that stay, and from the facts that tell of them."""
    rows = conn.execute("SELECT * FROM amendments WHERE author = ?", [player_id]).fetchall()
    for row in rows:
        # Deleted and stored again: a trigger refuses to edit an amendment.
        conn.execute(
            "DELETE FROM amendments WHERE shot_id = ? AND revision = ?", [row["shot_id"], row["revision"]]
        )
        values = {**dict(row), "author": AUTHOR}
        marks = ", ".join("?" * len(values))
        conn.execute(f"INSERT INTO amendments ({', '.join(values)}) VALUES ({marks})", list(values.values()))
    for shot_id in {row["shot_id"] for row in rows}:
        for fact_row in outbox.rows_about(conn, shot_id):
            content = json.loads(fact_row.fact.body)
            if content.get("author") == player_id:
                content["author"] = AUTHOR
                fact = facts.make_fact(fact_row.fact.kind, content, fact_row.fact.created)
                outbox.put_instead(conn, fact_row, fact)


def _overwrite(conn: sqlite3.Connection) -> None:
    """What this connection deletes from here on is overwritten with zeros, not only given free."""
    conn.execute("PRAGMA secure_delete = ON").fetchone()
