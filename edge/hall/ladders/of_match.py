"""Of one match: for which ladder it counts and how sure that is, and for which it could."""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from edge.clock import stamp
from edge.hall.ladders.model import PENDING, Ladder, get_ladder, ladders, last_said
from edge.hall.ladders.pages import ladders_for
from edge.hall.ladders.settle import plays_for
from edge.hall.ladders.staff import division_at
from edge.hall.matches import Match


@dataclass(frozen=True, slots=True)
class ForLadder:
    """That a match counts for a ladder: once it is over (`counts`), until staff confirm it (`waits`), or for good
    (`final`)."""

    ladder_id: str
    ladder_name: str
    state: Literal["counts", "waits", "final"]


def for_ladder(conn: sqlite3.Connection, match: Match) -> ForLadder | None:
    """For which ladder a match counts; None for none."""
    row = conn.execute("SELECT ladder_id, final FROM ladder_results WHERE match_id = ?", [match.id]).fetchone()
    if row is not None:
        name = get_ladder(conn, row["ladder_id"]).name
        return ForLadder(row["ladder_id"], name, "final" if row["final"] else "waits")
    if match.status != "open" or match.partners is not None:
        return None
    said = last_said(conn, match.id)
    ladder_id = _challenged_for(conn, match) if said is None else said["ladder_id"]
    ladder = None if ladder_id is None else get_ladder(conn, ladder_id)
    return None if ladder is None or ladder.closed_at else ForLadder(ladder.id, ladder.name, "counts")


def may_say(conn: sqlite3.Connection, match: Match) -> list[Ladder]:
    """The ladders for which its players may say that a match counts: before anybody has scored, on a ladder's
    terms, as long as staff have not said otherwise."""
    if match.status != "open" or match.score != (0, 0) or match.partners is not None:
        return []
    said = last_said(conn, match.id)
    if said is not None and said["role"] == "staff":
        return []
    return ladders_for(conn, match.players, match.game, match.race_to)


def could_count(conn: sqlite3.Connection, match: Match) -> list[Ladder]:
    """The ladders for which staff may say that a match counts: whose division both were in when it ended."""
    if match.status == "abandoned" or match.partners is not None:
        return []
    at = None if match.ended_at is None else stamp(match.ended_at)
    found = []
    for ladder in ladders(conn):
        one, other = (division_at(conn, ladder.id, player_id, at) for player_id in match.players)
        if one is not None and one == other:
            found.append(ladder)
    return found


def _challenged_for(conn: sqlite3.Connection, match: Match) -> str | None:
    """The ladder of the challenge that a match is going to meet."""
    rows = conn.execute(
        "SELECT * FROM ladder_challenges c WHERE challenger IN (:a, :b) AND challenged IN (:a, :b)"
        f" AND {PENDING} AND made_at <= :began ORDER BY made_at, id",
        {"a": match.players[0], "b": match.players[1], "began": stamp(match.started_at)},
    )
    fits = (r["ladder_id"] for r in rows if plays_for(match.game, match.race_to, r["game"], r["race_to"]))
    return next(fits, None)
