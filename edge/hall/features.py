"""What the hall's features keep of a player: one list for everything that is done to all of them.

Each module has `forget(conn, player_id)`, for a player who was erased, and `take_over(conn, from_id, to_id)`, for
two who turn out to be one. Points, ratings and the like are derived: `edge.hall.standing` makes those anew.
"""

import sqlite3
from types import ModuleType

from edge.hall import (
    awards,
    calls,
    championships,
    draw_entries,
    game_sessions,
    ladders,
    pairings,
    renaming,
    rewards,
    stats_views,
    training,
    votes,
)
from edge.stats import odd_patterns

FEATURES: tuple[ModuleType, ...] = (
    game_sessions,
    ladders,
    pairings,
    votes,
    awards,
    draw_entries,
    championships,
    calls,
    renaming,
    rewards,
    stats_views,
    training,
    odd_patterns,
)


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes what they keep of a player who was erased."""
    for module in FEATURES:
        module.forget(conn, player_id)


def take_over(conn: sqlite3.Connection, from_id: str, to_id: str) -> None:
    """What they keep of one player becomes another's."""
    for module in FEATURES:
        module.take_over(conn, from_id, to_id)
