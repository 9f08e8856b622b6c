"""The month's two votes: its MVP and its best teammate, each chosen by those who came.

A member who attended in the month has one vote of either kind, for another member who attended and wants to be
seen. It may be changed until the month's awards are published. Who voted for whom is kept so that it can be
changed, and shown to nobody: not to staff, not in the audit, not to the voters themselves on a screen of the hall.
A vote counts while both sides still attended, as the facts stand when it is counted.
"""

import sqlite3
from dataclasses import dataclass
from typing import Literal, get_args

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.hall.errors import HallError
from edge.hall.occasion import Occasion

migrations = Migrations("votes")

Kind = Literal["mvp", "best_teammate"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@migrations()
def votes_1(db: Database) -> None:
    # No stamps and no rowids: beside the audit's, they would tell who voted when.
    db.execute("""
        CREATE TABLE award_votes (
            month TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('mvp', 'best_teammate')),
            voter TEXT NOT NULL REFERENCES players (id),
            candidate TEXT NOT NULL REFERENCES players (id),
            PRIMARY KEY (month, kind, voter),
            CHECK (voter != candidate)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("""
        CREATE TABLE vote_closings (
            month TEXT PRIMARY KEY,
            closed_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
    """)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who can be voted for."""

    player_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many votes somebody has, for staff alone."""

    player_id: str
    name: str
    votes: int


Ballots = dict[Kind, list[Count]]


def candidates(conn: sqlite3.Connection, month: str, voter: str) -> list[Candidate]:
    """Whom a player can vote for: the others who attended that month and want to be seen, by name."""
    rows = conn.execute(
        "SELECT p.id, p.name FROM players p WHERE p.visible AND NOT p.guest AND p.erased IS NULL"
        " AND p.id != :voter AND p.id IN"
        " (SELECT player_id FROM attendances WHERE day BETWEEN :month || '-01' AND :month || '-31')"
        " ORDER BY p.name_key",
        {"month": month, "voter": voter},
    )
    return [Candidate(row["id"], row["name"]) for row in rows]


def vote(conn: sqlite3.Connection, month: str, kind: Kind, *, voter: str, candidate: str, here: Occasion) -> None:
    """Gives a vote, or changes the one given. `conn` must be inside a transaction for writing.

    Raises HallError: `vote_closed` once the awards are published, or for a month to come; `vote_own` for
    oneself; `vote_attend` for voters who are no member or did not attend; `vote_candidate` for somebody for whom
    no vote can be given.
    """
    if kind not in KINDS:
        raise ValueError(f"no vote: {kind!r}")
    if not is_open(conn, month, here):
        raise HallError("vote_closed")
    if voter == candidate:
        raise HallError("vote_own")
    if not may_vote(conn, month, voter):
        raise HallError("vote_attend")
    if candidate not in {one.player_id for one in candidates(conn, month, voter)}:
        raise HallError("vote_candidate")
    conn.execute(
        "INSERT INTO award_votes (month, kind, voter, candidate) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (month, kind, voter) DO UPDATE SET candidate = excluded.candidate",
        [month, kind, voter, candidate],
    )


def may_vote(conn: sqlite3.Connection, month: str, player_id: str) -> bool:
    """Whether somebody is a member who attended that month."""
    row = conn.execute(
        "SELECT 1 FROM attendances a JOIN players p ON p.id = a.player_id WHERE a.player_id = :p"
        " AND a.day BETWEEN :month || '-01' AND :month || '-31' AND NOT p.guest AND p.erased IS NULL LIMIT 1",
        {"p": player_id, "month": month},
    )
    return row.fetchone() is not None


def is_open(conn: sqlite3.Connection, month: str, here: Occasion) -> bool:
    """Whether votes of that month can be given and changed."""
    closed = conn.execute("SELECT 1 FROM vote_closings WHERE month = ?", [month]).fetchone()
    return closed is None and month <= here.month


def voted(conn: sqlite3.Connection, month: str, voter: str) -> frozenset[Kind]:
    """Which of the two votes a player has given, for their own eyes; for whom is not told."""
    rows = conn.execute("SELECT kind FROM award_votes WHERE month = ? AND voter = ?", [month, voter])
    return frozenset(row["kind"] for row in rows)


def counts(conn: sqlite3.Connection, month: str) -> Ballots:
    """For staff: the votes each candidate has of each kind, most first. Whoever is not to be seen by now is left
    out."""
    rows = conn.execute(
        "WITH here AS (SELECT player_id FROM attendances WHERE day BETWEEN :month || '-01' AND :month || '-31')"
        " SELECT v.kind, v.candidate, c.name, count(*) AS votes FROM award_votes v"
        " JOIN players c ON c.id = v.candidate JOIN players o ON o.id = v.voter WHERE v.month = :month"
        " AND c.visible AND NOT c.guest AND c.erased IS NULL AND NOT o.guest AND o.erased IS NULL"
        " AND v.candidate IN here AND v.voter IN here"
        " GROUP BY v.kind, v.candidate ORDER BY votes DESC, c.name_key",
        {"month": month},
    )
    found: Ballots = {kind: [] for kind in KINDS}
    for row in rows:
        found[row["kind"]].append(Count(row["candidate"], row["name"], row["votes"]))
    return found


def close(conn: sqlite3.Connection, month: str, now: str) -> None:
    """No vote of that month is given or changed from now on."""
    conn.execute("INSERT OR IGNORE INTO vote_closings (month, closed_at) VALUES (?, ?)", [month, now])


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes the votes a player gave, and those given to them."""
    conn.execute("DELETE FROM award_votes WHERE :p IN (voter, candidate)", {"p": player_id})


def take_over(conn: sqlite3.Connection, from_id: str, to_id: str) -> None:
    """Two players turn out to be one: they keep one vote of a kind, the second one's own if there are two.

    A vote that would be for oneself is none.
    """
    both = {"f": from_id, "t": to_id}
    conn.execute(
        "DELETE FROM award_votes WHERE (voter = :f AND candidate = :t) OR (voter = :t AND candidate = :f)", both
    )
    conn.execute("UPDATE award_votes SET candidate = :t WHERE candidate = :f", both)
    conn.execute("UPDATE OR IGNORE award_votes SET voter = :t WHERE voter = :f", both)
    conn.execute("DELETE FROM award_votes WHERE voter = :f", both)
