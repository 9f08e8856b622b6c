"""Of one match: for which ladder it counts and how sure that is, for which it could, and who says so."""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from edge.clock import stamp
from edge.hall import audit
from edge.hall.ladders.members import division_at
from edge.hall.ladders.model import PENDING, Ladder, LadderError, get_ladder, ladders, last_said, open_ladder
from edge.hall.ladders.pages import ladders_for
from edge.hall.ladders.settle import plays_for, settle_match
from edge.hall.matches import Match, get_match


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


def put_on_ladder(
    conn: sqlite3.Connection,
    match_id: str,
    ladder_id: str | None,
    by: str | None,
    now: str,
    *,
    staff: bool = False,
) -> frozenset[str]:
    """Says for which ladder a match counts; with None, for none, even where it would meet a challenge.

    Players say so before its first rack is won, of a match on the ladder's terms, and staff's word stands over
    theirs; staff say so at any time. Returns the players for whom another match counts now, whom
    `edge.hall.standing` is to settle: badges may follow. Raises LadderError.
    """
    match = get_match(conn, match_id)
    if match is None or match.status == "abandoned":
        raise LadderError("ladder_match_unknown")
    latest = last_said(conn, match_id)
    if latest is not None and latest["ladder_id"] == ladder_id and (not staff or latest["role"] == "staff"):
        return frozenset()
    if not staff and (match.status != "open" or match.score != (0, 0)):
        raise LadderError("ladder_match_begun")
    if not staff and latest is not None and latest["role"] == "staff":
        raise LadderError("ladder_match_decided")
    if ladder_id is not None:
        _require_fitting(conn, match, open_ladder(conn, ladder_id), staff)
    role: audit.Role = "staff" if staff else "player"
    seq = conn.execute(
        "INSERT INTO ladder_matches (match_id, ladder_id, role, by, at) VALUES (?, ?, ?, ?, ?)",
        [match_id, ladder_id, role, by, now],
    ).lastrowid
    if staff:
        after = {"ladder": ladder_id, "said": seq}
        audit.deed(conn, now, "ladder.match_put", f"match:{match_id}", by, after=after)
    return settle_match(conn, match_id)


def take_back_said(conn: sqlite3.Connection, seq: int, by: str, now: str) -> frozenset[str]:
    """Takes back what was said of a match: what was said before holds again. Returns as `put_on_ladder`."""
    row = conn.execute(
        "UPDATE ladder_matches SET withdrawn_at = ?, withdrawn_by = ? WHERE seq = ? AND withdrawn_at IS NULL"
        " RETURNING match_id",
        [now, by, seq],
    ).fetchone()
    return frozenset() if row is None else settle_match(conn, row["match_id"])


def _require_fitting(conn: sqlite3.Connection, match: Match, ladder: Ladder, staff: bool) -> None:
    ended_at = None if match.ended_at is None else stamp(match.ended_at)
    divisions = {division_at(conn, ladder.id, player_id, ended_at) for player_id in match.players}
    if match.partners is not None or len(divisions) != 1 or None in divisions:
        raise LadderError("ladder_match_members")
    if not staff and not plays_for(match.game, match.race_to, ladder.terms.game, ladder.terms.race_to):
        raise LadderError("ladder_match_terms")


def _challenged_for(conn: sqlite3.Connection, match: Match) -> str | None:
    """The ladder of the challenge that a match is going to meet."""
    rows = conn.execute(
        "SELECT * FROM ladder_challenges c WHERE challenger IN (:a, :b) AND challenged IN (:a, :b)"
        f" AND {PENDING} AND made_at <= :began ORDER BY made_at, id",
        {"a": match.players[0], "b": match.players[1], "began": stamp(match.started_at)},
    )
    fits = (r["ladder_id"] for r in rows if plays_for(match.game, match.race_to, r["game"], r["race_to"]))
    return next(fits, None)
