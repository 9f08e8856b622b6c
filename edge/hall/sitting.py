"""Who is at the table: sitting down to practise, starting a match, getting up.

One table seats one sitting: a practice, or the two of a match. Whoever starts something ends what went on before.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edge.clock import stamp
from edge.hall import standing
from edge.hall.matches import Match, begin_match, get_match
from edge.hall.occasion import Occasion
from edge.hall.players import Player, get_player
from edge.hall.scoring import recount
from edge.hall.sessions import (
    EndReason,
    Session,
    begin_session,
    end_session,
    move_session,
    open_session_of,
    open_sessions,
    rejoin_session,
)


@dataclass(frozen=True, slots=True)
class Sitting:
    """The table's sessions that go on, their players in the same order, and the match, if it is one."""

    sessions: tuple[Session, ...] = ()
    players: tuple[Player, ...] = ()
    match: Match | None = None

    @property
    def taken(self) -> bool:
        return bool(self.sessions)

    def session_of(self, player_id: str) -> Session | None:
        return next((session for session in self.sessions if session.player_id == player_id), None)

    def session_for(self, player_id: str | None) -> Session:
        """The session in which somebody acts at a table that is taken: the own one, else the first."""
        own = None if player_id is None else self.session_of(player_id)
        return own or self.sessions[0]


def at_table(conn: sqlite3.Connection, table_label: str) -> Sitting:
    """What goes on at a table now."""
    sessions = open_sessions(conn, table_label)
    players = [get_player(conn, session.player_id) for session in sessions]
    match_id = next((session.match_id for session in sessions if session.match_id), None)
    match = None if match_id is None else get_match(conn, match_id)
    return Sitting(tuple(sessions), tuple(p for p in players if p is not None), match)


def in_order(sitting: Sitting) -> list[Player]:
    """The players of a sitting: of a match by their sides."""
    if sitting.match is None:
        return list(sitting.players)
    by_id = {player.id: player for player in sitting.players}
    return [by_id[player_id] for player_id in sitting.match.players]


def start_practice(
    conn: sqlite3.Connection, player_id: str, here: Occasion, goal: Mapping[str, Any] | None = None
) -> Session:
    """A player practises; what went on at the table before is over, and what they did at another."""
    get_up(conn, here.table_label, here.now, "next")
    _come_from_elsewhere(conn, [player_id], here)
    return begin_session(conn, player_id, "practice", here, goal=dict(goal or {}))


def start_match(
    conn: sqlite3.Connection,
    players: tuple[str, str],
    game: str,
    race_to: int,
    here: Occasion,
    *,
    breaks: str = "alternate",
    first_breaker: int = 0,
) -> Match:
    """Two players begin a match; what went on at the table before is over.

    Who has just checked in and struck no ball yet plays the match in that same session.
    """
    at_this = open_sessions(conn, here.table_label)
    fresh = {s.player_id: s for s in at_this if s.shots == 0 and s.match_id is None}
    match = begin_match(conn, game, race_to, players, here, breaks=breaks, first_breaker=first_breaker)
    get_up(conn, here.table_label, here.now, "next", but=[fresh[p].id for p in players if p in fresh])
    _come_from_elsewhere(conn, players, here)
    for player_id in players:
        if player_id in fresh:
            rejoin_session(conn, fresh[player_id].id, match.id, "match")
        else:
            begin_session(conn, player_id, "match", here, match_id=match.id)
    recount(conn, open_sessions(conn, here.table_label)[0], here.now)  # a scoreboard stands from the first moment
    return match


def get_up(
    conn: sqlite3.Connection, table_label: str, at: datetime, reason: EndReason, but: Iterable[str] = ()
) -> list[Session]:
    """Ends every session at a table, save those named; returns the ended. A match that is not over is
    abandoned."""
    staying = frozenset(but)
    leaving = [session for session in open_sessions(conn, table_label) if session.id not in staying]
    for session in leaving:
        end_session(conn, session.id, at, reason)
        if session.match_id is not None:
            conn.execute(
                "UPDATE matches SET status = 'abandoned', ended_at = ? WHERE id = ? AND status = 'open'",
                [stamp(at), session.match_id],
            )
    return leaving


def leave_table(
    conn: sqlite3.Connection, table_label: str, at: datetime, reason: EndReason, now: datetime
) -> list[Session]:
    """Ends a table's sitting for good: what follows from a session's end for its players is settled as well."""
    left = get_up(conn, table_label, at, reason)
    if left:
        month = min(session.day for session in left)[:7]
        standing.settle(conn, [session.player_id for session in left], now, since_month=month)
    return left


def move_table(conn: sqlite3.Connection, from_label: str, to_label: str, at: datetime) -> list[Session]:
    """A sitting goes on at another table, which must be free; returns what moved."""
    moving = open_sessions(conn, from_label)
    for session in moving:
        move_session(conn, session, to_label, at)
        if session.match_id is not None:
            conn.execute("UPDATE matches SET table_label = ? WHERE id = ?", [to_label, session.match_id])
    return moving


def _come_from_elsewhere(conn: sqlite3.Connection, player_ids: Iterable[str], here: Occasion) -> None:
    """Nobody plays at two tables: who sits down here has got up there, and a match there is off."""
    for player_id in player_ids:
        session = open_session_of(conn, player_id)
        if session is not None and session.table_label != here.table_label:
            leave_table(conn, session.table_label, here.now, "next", here.now)
