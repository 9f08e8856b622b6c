"""Results of evenings and ladders, many at once, written as the program's own functions would have written them.

What follows from them is to be settled after.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from edge.clock import stamp
from edge.facts import uuid7
from edge.hall.game_sessions import GameSession

Result = tuple[str, str, bool]  # one, other, whether the one won


def tick_all(conn: sqlite3.Connection, evening: GameSession, here: Sequence[str], at: datetime) -> None:
    """These are there on an evening."""
    conn.executemany(
        "INSERT INTO game_attendances (game_session_id, player_id, at) VALUES (?, ?, ?)",
        [[evening.id, player_id, stamp(at)] for player_id in here],
    )


def enter_all(
    conn: sqlite3.Connection,
    evening: GameSession,
    results: Sequence[Result],
    at: datetime,
    staff: str,
    *,
    racks: int = 1,
) -> list[tuple[str, str]]:
    """Enters singles of an evening that ended about then, `racks` to none; returns the matches' ids, each with
    when it ended."""
    rows, rulings, entered = [], [], []
    for place, (a, b, a_won) in enumerate(results):
        match_id, ended = uuid7(), stamp(at + timedelta(seconds=place))
        score = (racks * a_won, racks * (not a_won))
        rows.append(
            [match_id, evening.game, racks, a, b, ended, ended, evening.day, *score, a if a_won else b, evening.id]
        )
        entered.append((match_id, ended))
        rulings.append([uuid7(), match_id, ended, staff, *score])
    conn.executemany(
        "INSERT INTO matches (id, game, race_to, breaks, first_breaker, table_label, player_a, player_b,"
        " started_at, ended_at, day, status, score_a, score_b, winner, game_session_id)"
        " VALUES (?, ?, ?, 'alternate', 0, '', ?, ?, ?, ?, ?, 'over', ?, ?, ?, ?)",
        rows,
    )
    conn.executemany(
        "INSERT INTO rulings (id, match_id, at, by, verdict, score_a, score_b)"
        " VALUES (?, ?, ?, ?, 'result', ?, ?)",
        rulings,
    )
    return entered


def put_on_ladder(
    conn: sqlite3.Connection, ladder_id: str, matches: Sequence[tuple[str, str]], staff: str
) -> None:
    """These matches, each with when it ended, count for a ladder."""
    conn.executemany(
        "INSERT INTO ladder_matches (match_id, ladder_id, role, by, at) VALUES (?, ?, 'staff', ?, ?)",
        [[match_id, ladder_id, staff, ended_at] for match_id, ended_at in matches],
    )
