"""What follows for players when a session, a match or a correction is settled: points, ratings, ladders, streaks,
group, badges.

Each of these is a module of its own that makes anew what is due; this one only knows their order and gathers what
badges rest on.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime

from edge.clock import stamp
from edge.hall import badges, groups, ladders, points, ratings, streaks
from edge.hall.badges import Evidence
from edge.store import changes

LONG_RUN = 2  # shorter runs are no evidence for any badge


def settle(
    conn: sqlite3.Connection,
    player_ids: Iterable[str],
    now: datetime,
    match_id: str | None = None,
    *,
    since_month: str | None = None,
) -> None:
    """Settles players after a session; after a match as well, with what it did to ratings.

    A second time changes nothing. `since_month` is the first month in which anything changed, None when that is
    not known. `conn` must be inside a transaction for writing. At a table of a hall nothing is settled: the hub
    does it, from what all of them tell.
    """
    if changes.role_of(conn) == "table":
        return
    created = stamp(now)
    if match_id is not None:
        ratings.settle_match(conn, match_id)
        ladders.settle_match(conn, match_id)
    for player_id in dict.fromkeys(player_ids):
        points.settle(conn, player_id, created, since_month)
        streaks.settle(conn, player_id)
        groups.settle(conn, player_id, created)
        evidence = evidence_of(conn, player_id, match_id or "")
        badges.revoke_unfounded(conn, player_id, evidence)
        badges.settle(conn, player_id, evidence, created)


def evidence_of(conn: sqlite3.Connection, player_id: str, ref: str = "") -> Evidence:
    """What a player's badges rest on. There are no planned leaves yet, so one of the five waits."""
    return _evidence(conn, player_id, streaks.hill_hill_sets(conn, player_id), ref)


def latest_evidence_of(conn: sqlite3.Connection, player_id: str) -> Evidence:
    """What says how far a player has come with badges not earned yet: of the sets that went to hill-hill only
    those won since the last that was lost, so that a page need not read every match there was."""
    return _evidence(conn, player_id, [True] * streaks.hill_hill_now(conn, player_id))


def _evidence(conn: sqlite3.Connection, player_id: str, hill_hill: Sequence[bool], ref: str = "") -> Evidence:
    runs = conn.execute(
        "SELECT best_run FROM metrics_daily WHERE player_id = ? AND best_run >= ? ORDER BY date",
        [player_id, LONG_RUN],
    )
    safeties = conn.execute(
        "SELECT sum(safety_won) AS won, count(*) AS played FROM plays"
        " WHERE player_id = ? AND match_id IS NOT NULL AND safety_won IS NOT NULL"
        " GROUP BY match_id ORDER BY min(played_at)",
        [player_id],
    )
    return Evidence(
        runs=tuple(row["best_run"] for row in runs),
        safeties=tuple((row["won"], row["played"]) for row in safeties),
        hill_hill=tuple(hill_hill),
        ladder=ladders.ladder_outcomes(conn, player_id),
        ref=ref,
    )


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes what all of them hold of a player who was erased; opponents keep theirs."""
    for module in (badges, groups, points, ratings, streaks):
        module.forget(conn, player_id)
