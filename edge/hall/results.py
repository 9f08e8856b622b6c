"""Results by staff: entering one, correcting, confirming and striking one, and taking any of that back.

Each is a ruling (`edge.hall.rulings`) with a line of the audit; the match, the ladder, points, ratings and all
that follows for everybody in it are made anew in the same transaction.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from edge.clock import stamp
from edge.hall import audit, standing
from edge.hall.audit import Deed
from edge.hall.errors import HallError
from edge.hall.game_sessions import get_evening, tick
from edge.hall.matches import MOST_POINTS, Match, Side, are_sides, get_match, keep_result
from edge.hall.players import GAMES, get_player
from edge.hall.rulings import Ruling, put_ruling, ruling_of, withdraw_ruling
from edge.hall.scoring import fold_match
from edge.hall.sessions import sessions_of_match

Score = tuple[int, int]


class ResultError(HallError):
    """A result can't be what was wanted."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A result as staff enter it: who played whom at what, and how it ended.

    `day` and `ended_at` say when it was played, not when it is entered; `id` is the match's, made by the page, so
    that one sent twice is entered once.
    """

    id: str
    sides: tuple[Side, Side]
    game: str
    score: Score
    day: str
    ended_at: str
    game_session_id: str | None = None
    table_label: str = ""


def enter_result(conn: sqlite3.Connection, what: Entered, by: str, now: datetime) -> Match:
    """A match that was played, singles or doubles; the same again is the same. Who plays in an evening is there.

    Raises ResultError, and EveningError for an evening that does not count.
    """
    known = get_match(conn, what.id)
    if known is not None:
        if known.sides != what.sides or ruling_of(conn, what.id) is None:
            raise ResultError("result_known")
        return known
    _require_sides(conn, what.sides)
    if what.game not in GAMES:
        raise ResultError("result_game")
    _require_score(what.score)
    (a, *a_partner), (b, *b_partner) = what.sides
    conn.execute(
        "INSERT INTO matches (id, game, race_to, breaks, first_breaker, table_label, player_a, player_b,"
        " partner_a, partner_b, started_at, day, status, game_session_id)"
        " VALUES (?, ?, ?, 'alternate', 0, ?, ?, ?, ?, ?, ?, ?, 'open', ?)",
        [
            what.id,
            what.game,
            max(what.score),
            what.table_label,
            a,
            b,
            next(iter(a_partner), None),
            next(iter(b_partner), None),
            what.ended_at,
            what.day,
            what.game_session_id,
        ],
    )
    if what.game_session_id is not None:
        evening = get_evening(conn, what.game_session_id)
        assert evening is not None  # the store refuses a match of an evening that is none
        tick(conn, evening, [*what.sides[0], *what.sides[1]], by, now)
    return _rule(conn, what.id, what.score, by, now, what="match.entered", ended_at=what.ended_at)


def correct(conn: sqlite3.Connection, match_id: str, score: Score, by: str, now: datetime) -> Match:
    """How a match ended, whatever was known of it before. Raises ResultError."""
    _require_score(score)
    return _rule(conn, match_id, score, by, now, what="match.corrected")


def confirm(conn: sqlite3.Connection, match_id: str, score: Score, by: str, now: datetime) -> Match:
    """A match ended as it stands, which is final now. `score` is what staff saw when they confirmed.

    Raises ResultError: `result_changed` where it stands otherwise by now, `result_open` where it is not over.
    """
    match = get_match(conn, match_id)
    if match is None or match.status != "over":
        raise ResultError("result_open")
    if match.score != score:
        raise ResultError("result_changed")
    ruling = ruling_of(conn, match_id)
    if ruling is not None and ruling.score == score:
        return match
    return _rule(conn, match_id, _as_decided(match), by, now, what="match.confirmed")


def _as_decided(match: Match) -> Score:
    """The score that says who won. Who was given the match at the table is given the racks that were missing: of a
    ruling the higher score has won. Raises ResultError where nobody won.
    """
    if match.winner is None:
        raise ResultError("result_score")
    side = match.players.index(match.winner)
    own, other = match.score[side], match.score[1 - side]
    own = own if own > other else max(match.race_to, other + 1)
    return (own, other) if side == 0 else (other, own)


def strike(conn: sqlite3.Connection, match_id: str, by: str, now: datetime) -> Match:
    """A match does not count. Raises ResultError."""
    return _rule(conn, match_id, None, by, now, what="match.struck")


def take_back(conn: sqlite3.Connection, ruling_id: str, by: str, now: datetime) -> Match:
    """Takes back what was ruled of a match: it stands as it did before. Raises ResultError."""
    row = conn.execute("SELECT match_id FROM rulings WHERE id = ?", [ruling_id]).fetchone()
    match = None if row is None else get_match(conn, row["match_id"])
    if match is None:
        raise ResultError("result_unknown")
    _require_all_there(conn, match)
    ruling = withdraw_ruling(conn, ruling_id, by, stamp(now))
    if ruling is None:
        return match
    return _settle(conn, match, ruling, by, now, what="match.ruling_withdrawn")


def _rule(
    conn: sqlite3.Connection,
    match_id: str,
    score: Score | None,
    by: str,
    now: datetime,
    *,
    what: str,
    ended_at: str | None = None,
) -> Match:
    match = get_match(conn, match_id)
    if match is None:
        raise ResultError("result_unknown")
    _require_all_there(conn, match)
    ruling = put_ruling(conn, match_id, score, by, stamp(now))
    return _settle(conn, match, ruling, by, now, what=what, ended_at=ended_at)


def _settle(
    conn: sqlite3.Connection,
    before: Match,
    ruling: Ruling,
    by: str,
    now: datetime,
    *,
    what: str,
    ended_at: str | None = None,
) -> Match:
    if sessions_of_match(conn, before.id):
        fold_match(conn, before)
    else:
        _keep_ruled(conn, before, ended_at or stamp(before.ended_at or before.started_at))
    standing.settle(conn, before.everybody, now, before.id, since_month=before.day[:7])
    match = get_match(conn, before.id)
    assert match is not None  # it was there before
    after = {**_told(match), "ruling": ruling.id, "evening": match.game_session_id}
    audit.deed(conn, stamp(now), what, f"match:{match.id}", by, before=_told(before), after=after)
    return match


def _keep_ruled(conn: sqlite3.Connection, match: Match, ended_at: str) -> None:
    """Keeps how a match stands of which nothing is known but what was ruled."""
    ruling = ruling_of(conn, match.id)
    if ruling is None or ruling.winner is None:
        keep_result(conn, match, "abandoned", ended_at, score=match.score, winner=None)
        return
    match = replace(match, race_to=max(ruling.score))  # a race to what the winner has
    conn.execute("UPDATE matches SET race_to = ? WHERE id = ?", [match.race_to, match.id])
    winner = match.players[ruling.winner]
    keep_result(conn, match, "over", ended_at, score=ruling.score, winner=winner)


def _told(match: Match) -> dict[str, object]:
    return {"status": match.status, "score": list(match.score)}


def _require_score(score: Score) -> None:
    if not (0 <= min(score) < max(score) <= MOST_POINTS):
        raise ResultError("result_score")


def _require_sides(conn: sqlite3.Connection, sides: tuple[Sequence[str], Sequence[str]]) -> None:
    if not are_sides(sides):
        raise ResultError("result_sides")
    players = [get_player(conn, player_id) for player_id in (*sides[0], *sides[1])]
    if any(player is None or player.erased for player in players):
        raise ResultError("result_sides")


def _require_all_there(conn: sqlite3.Connection, match: Match) -> None:
    """What somebody played who was erased is never made anew: half of it is gone."""
    if any(player is None or player.erased for player in (get_player(conn, one) for one in match.everybody)):
        raise ResultError("result_former")


def _undo_ruling(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    """Undoes what was ruled, as long as nobody has ruled anything since."""
    ruling = ruling_of(conn, deed.subject.removeprefix("match:"))
    if ruling is None or ruling.id != (deed.after or {}).get("ruling"):
        raise ResultError("undo_too_late")
    take_back(conn, ruling.id, by, now)


UNDO = dict.fromkeys(("match.entered", "match.corrected", "match.confirmed", "match.struck"), _undo_ruling)
