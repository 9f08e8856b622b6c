"""What staff say of a championship's matches: a result entered or linked, a walkover, any of that taken back."""

import sqlite3
from datetime import datetime

from edge.clock import stamp
from edge.hall import audit, brackets, championships, results
from edge.hall.audit import Deed
from edge.hall.brackets import Tie
from edge.hall.championships import Championship, PlayOffs, require_open
from edge.hall.errors import HallError
from edge.hall.occasion import Occasion
from edge.hall.results import Entered
from edge.hall.rulings import ruling_of


def fitting(conn: sqlite3.Connection, held: Championship, tie: Tie) -> list[str]:
    """The matches that can be linked to a match of the bracket, the latest first: between the right two, of the
    championship's game and race, not before its day, and not linked yet."""
    if tie.status != "ready":
        return []
    rows = conn.execute(
        "SELECT match_id FROM results WHERE game = :game AND race_to = :race AND day >= :day"
        " AND ((player_a, player_b) = (:a, :b) OR (player_a, player_b) = (:b, :a))"
        " AND match_id NOT IN (SELECT match_id FROM championship_results WHERE match_id IS NOT NULL)"
        " ORDER BY ended_at DESC, match_id DESC",
        {"game": held.game, "race": held.race_to, "day": held.day, "a": tie.sides[0], "b": tie.sides[1]},
    )
    return [row["match_id"] for row in rows]


def enter(
    conn: sqlite3.Connection,
    championship_id: str,
    number: int,
    *,
    winner: str,
    lost: int,
    match_id: str,
    by: str,
    here: Occasion,
) -> None:
    """A match of the bracket was played just now: `winner` has the race, the other one `lost` racks or points.

    `match_id` is made by the page, so that what is sent twice is entered once. Raises HallError: `result_score`,
    and as `set_result` does.
    """
    stand = require_open(conn, championship_id)
    held, tie = stand.championship, stand.tie(number)
    if tie.status == "over" and tie.match_id == match_id:
        return
    _require_ready(tie)
    a, b = tie.sides
    if a is None or b is None or winner not in (a, b):
        raise HallError("championship_match")
    if not 0 <= lost < held.race_to:
        raise HallError("result_score")
    score = (held.race_to, lost) if winner == a else (lost, held.race_to)
    what = Entered(match_id, ((a,), (b,)), held.game, score, here.day, here.stamp, table_label=here.table_label)
    results.enter_result(conn, what, by, here.now)
    _link_match(conn, held, tie, match_id, by=by, now=here.stamp, entered=True)


def set_result(
    conn: sqlite3.Connection, championship_id: str, number: int, match_id: str, *, by: str, now: str
) -> None:
    """Links a finished match to a match of the bracket; what is linked and does not count is replaced.

    Linked already, it stays as it is. Raises HallError: `championship_unknown`, `championship_cancelled`,
    `championship_number`, `championship_waiting` where the two are not known yet, `championship_played` where
    another match is linked, `championship_match` for a match that does not fit.
    """
    stand = require_open(conn, championship_id)
    tie = stand.tie(number)
    if tie.match_id == match_id and tie.status == "over":
        return
    _require_ready(tie)
    _link_match(conn, stand.championship, tie, match_id, by=by, now=now)


def walk_over(
    conn: sqlite3.Connection, championship_id: str, number: int, player_id: str, *, by: str, now: str
) -> None:
    """Somebody goes on without a match, since the other one does not come. Raises HallError as `set_result`."""
    tie = require_open(conn, championship_id).tie(number)
    if tie.walkover and tie.winner == player_id:
        return
    _require_ready(tie)
    if player_id not in tie.sides:
        raise HallError("championship_match")
    absent = next(one for one in tie.sides if one != player_id)
    _link(conn, championship_id, number, walkover=player_id, absent=absent)
    after = {"number": number, "player": player_id}
    audit.deed(conn, now, "championship.walkover", f"championship:{championship_id}", by, after=after)


def clear_result(conn: sqlite3.Connection, championship_id: str, number: int, *, by: str, now: str) -> None:
    """Takes back what was entered for a match of the bracket; nothing where nothing was.

    Raises HallError: `championship_followed` where the next match was played on the strength of it, and as
    `set_result` does.
    """
    _clear(conn, require_open(conn, championship_id), number, by, now)


def _require_ready(tie: Tie) -> None:
    """Raises HallError where no result can be entered: `championship_played`, `championship_waiting`."""
    if tie.status in ("over", "bye"):
        raise HallError("championship_played")
    if tie.status == "waiting":
        raise HallError("championship_waiting")


def _link_match(
    conn: sqlite3.Connection,
    held: Championship,
    tie: Tie,
    match_id: str,
    *,
    by: str,
    now: str,
    entered: bool = False,
) -> None:
    """`entered` notes that the match's result was entered for this."""
    if match_id not in fitting(conn, held, tie):
        raise HallError("championship_match")
    _link(conn, held.id, tie.number, match_id=match_id)
    after = {"number": tie.number, "match": match_id, "entered": entered}
    audit.deed(conn, now, "championship.linked", f"championship:{held.id}", by, after=after)


def _link(
    conn: sqlite3.Connection,
    championship_id: str,
    number: int,
    *,
    match_id: str | None = None,
    walkover: str | None = None,
    absent: str | None = None,
) -> None:
    conn.execute(
        "INSERT INTO championship_results (championship_id, number, match_id, walkover, absent)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (championship_id, number) DO UPDATE SET"
        " match_id = excluded.match_id, walkover = excluded.walkover, absent = excluded.absent",
        [championship_id, number, match_id, walkover, absent],
    )


def _clear(conn: sqlite3.Connection, stand: PlayOffs, number: int, by: str, now: str) -> None:
    tie, championship_id = stand.tie(number), stand.championship.id
    following = brackets.next_of(number, brackets.size_for(len(stand.players)))
    if following is not None and tie.status == "over" and stand.tie(following).status == "over":
        raise HallError("championship_followed", number=following)
    gone = conn.execute(
        "DELETE FROM championship_results WHERE championship_id = ? AND number = ?", [championship_id, number]
    ).rowcount
    if gone:
        before = {"number": number, "match": tie.match_id, "winner": tie.winner}
        audit.deed(conn, now, "championship.cleared", f"championship:{championship_id}", by, before=before)


def _undo_created(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    begun = championships.play_offs(conn, _id(deed)).begun
    if begun or not championships.cancel(conn, _id(deed), by=by, now=stamp(now)):
        raise HallError("undo_too_late")


def _undo_replaced(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    new, old = str((deed.after or {})["player"]), str((deed.before or {})["player"])
    championships.replace(conn, _id(deed), new, old, by=by, now=stamp(now))


def _undo_linked(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    """The match is not of the bracket any more; one that was entered for it goes as well."""
    after = deed.after or {}
    number, match_id = int(after["number"]), str(after["match"])
    stand = require_open(conn, _id(deed))
    if stand.tie(number).match_id != match_id:
        raise HallError("undo_too_late")
    _clear(conn, stand, number, by, stamp(now))
    if after.get("entered"):
        results.take_back(conn, _ruling_as_entered(conn, match_id), by, now)


def _undo_walkover(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    after, stand = deed.after or {}, require_open(conn, _id(deed))
    tie = stand.tie(int(after["number"]))
    if not tie.walkover or tie.winner != after["player"]:
        raise HallError("undo_too_late")
    _clear(conn, stand, tie.number, by, stamp(now))


def _undo_cleared(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    """What was entered holds again, if it still fits and nothing else was entered."""
    before = deed.before or {}
    number, match_id, at = int(before["number"]), before["match"], stamp(now)
    tie = require_open(conn, _id(deed)).tie(number)
    if tie.status != "ready" or tie.match_id is not None or tie.trouble is not None:
        raise HallError("undo_too_late")
    if match_id is None:
        walk_over(conn, _id(deed), number, str(before["winner"]), by=by, now=at)
    else:
        set_result(conn, _id(deed), number, str(match_id), by=by, now=at)


def _ruling_as_entered(conn: sqlite3.Connection, match_id: str) -> str:
    """What was ruled of a match when it was entered, if nothing was ruled of it since."""
    ruling = ruling_of(conn, match_id)
    entered = audit.latest_about(conn, f"match:{match_id}", ("match.entered",))
    if ruling is None or entered is None or (entered.after or {}).get("ruling") != ruling.id:
        raise HallError("undo_too_late")
    return ruling.id


def _id(deed: Deed) -> str:
    return deed.subject.removeprefix("championship:")


UNDO = {
    "championship.created": _undo_created,
    "championship.replaced": _undo_replaced,
    "championship.linked": _undo_linked,
    "championship.walkover": _undo_walkover,
    "championship.cleared": _undo_cleared,
}
