"""Ladder challenges: a player asks somebody a few places above for a match, and there are days to play it.

A challenge waits until a match meets it, which is derived, or somebody ends it. Nothing happens to one by the
clock: that it is overdue is read off its deadline, and staff decide what becomes of it.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from edge.facts import uuid7
from edge.hall import audit
from edge.hall.ladders.members import Member, member_of
from edge.hall.ladders.model import MOST_DAYS, PENDING, LadderError, Terms, open_ladder
from edge.hall.ladders.settle import settle_ladder, settle_pair
from edge.hall.occasion import Occasion

State = Literal["open", "declined", "overdue", "met", "withdrawn", "called_off", "given"]

_SELECT = """
    SELECT c.*, l.name AS ladder_name, a.name AS challenger_name, b.name AS challenged_name
    FROM ladder_challenges c JOIN ladders l ON l.id = c.ladder_id
    JOIN players a ON a.id = c.challenger JOIN players b ON b.id = c.challenged
"""

_SOONEST = "ORDER BY c.deadline, c.made_at, c.id"


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge on a ladder, for a match of `game`, None being any, and at least that race.

    `deadline` is the hall's last day for it; `ended_as` says how it ended without a match, `met_by` by which one.
    """

    id: str
    ladder_id: str
    ladder_name: str
    division_id: str
    players: tuple[str, str]
    names: tuple[str, str]
    game: str | None
    race_to: int
    made_at: str
    deadline: str
    declined_at: str | None = None
    ended_at: str | None = None
    ended_as: Literal["withdrawn", "called_off", "given"] | None = None
    met_by: str | None = None

    @property
    def pending(self) -> bool:
        """Whether it waits, for a match or for staff."""
        return self.ended_as is None and self.met_by is None

    def state(self, today: str) -> State:
        """How it stands on the hall's day `today`."""
        if self.met_by is not None:
            return "met"
        if self.ended_as is not None:
            return self.ended_as
        if self.declined_at is not None:
            return "declined"
        return "overdue" if self.deadline < today else "open"


def challenge(
    conn: sqlite3.Connection, ladder_id: str, challenger: str, challenged: str, here: Occasion
) -> Challenge:
    """A player challenges another; the same again while it waits is the same. Raises LadderError."""
    ladder = open_ladder(conn, ladder_id)
    pending = challenges(conn, ladder_id)
    for known in pending:
        if known.players == (challenger, challenged):
            return known
    if challenger == challenged:
        raise LadderError("challenge_self")
    own, other = (member_of(conn, ladder_id, player_id) for player_id in (challenger, challenged))
    if own is None:
        raise LadderError("challenge_member")
    refused = LadderError("challenge_range") if other is None else refusal(ladder.terms, own, other, pending)
    if refused is not None:
        raise refused
    deadline = date.fromisoformat(here.day) + timedelta(days=ladder.terms.challenge_days)
    challenge_id = uuid7()
    conn.execute(
        "INSERT INTO ladder_challenges"
        " (id, ladder_id, division_id, challenger, challenged, game, race_to, made_at, deadline)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            challenge_id,
            ladder_id,
            own.division_id,
            challenger,
            challenged,
            ladder.terms.game,
            ladder.terms.race_to,
            here.stamp,
            deadline.isoformat(),
        ],
    )
    return get_challenge(conn, challenge_id)


def refusal(terms: Terms, own: Member, other: Member, pending: Sequence[Challenge]) -> LadderError | None:
    """Why a member may not challenge another while those challenges wait on their ladder; None where they may."""
    if own.division_id != other.division_id or not 1 <= own.place - other.place <= terms.challenge_range:
        return LadderError("challenge_range")
    return _busy(pending, own.player_id, other.player_id)


def make_challenge(
    conn: sqlite3.Connection, ladder_id: str, challenger: str, challenged: str, here: Occasion, *, by: str
) -> Challenge:
    """Staff make a challenge for two players, by the rules of any. Raises LadderError."""
    pending = {known.id for known in challenges(conn, ladder_id)}
    made = challenge(conn, ladder_id, challenger, challenged, here)
    if made.id not in pending:
        audit.deed(conn, here.stamp, "challenge.made", f"challenge:{made.id}", by)
    return made


def decline(conn: sqlite3.Connection, challenge_id: str, by: str, now: str) -> None:
    """Who was challenged does not want to play; staff decide what becomes of it. Raises LadderError."""
    known = _require_pending(conn, challenge_id)
    if by != known.players[1]:
        raise LadderError("challenge_not_yours")
    if known.declined_at is None:
        conn.execute("UPDATE ladder_challenges SET declined_at = ? WHERE id = ?", [now, challenge_id])


def withdraw_challenge(conn: sqlite3.Connection, challenge_id: str, by: str, now: str) -> None:
    """Who challenged does not want to any more. Raises LadderError."""
    known = get_challenge(conn, challenge_id)
    if by != known.players[0]:
        raise LadderError("challenge_not_yours")
    if known.ended_as == "withdrawn":
        return
    _end(conn, _require_pending(conn, challenge_id), "withdrawn", by, now)


def extend(conn: sqlite3.Connection, challenge_id: str, deadline: str, by: str, here: Occasion) -> None:
    """Staff give the two until another day of the hall, also where it was declined. Raises LadderError."""
    known = _require_pending(conn, challenge_id)
    deadline = _day_within(deadline, here.day)
    conn.execute(
        "UPDATE ladder_challenges SET deadline = ?, declined_at = NULL WHERE id = ?", [deadline, challenge_id]
    )
    before, after = {"deadline": known.deadline, "declined_at": known.declined_at}, {"deadline": deadline}
    subject = f"challenge:{challenge_id}"
    audit.deed(conn, here.stamp, "challenge.extended", subject, by, before=before, after=after)


def unextend(conn: sqlite3.Connection, challenge_id: str, deadline: str, declined_at: str | None) -> None:
    """Takes an extension back: the deadline it had, and that it was declined. Raises LadderError."""
    _require_pending(conn, challenge_id)
    conn.execute(
        "UPDATE ladder_challenges SET deadline = ?, declined_at = ? WHERE id = ?",
        [deadline, declined_at, challenge_id],
    )


def call_off(conn: sqlite3.Connection, challenge_id: str, by: str, now: str) -> None:
    """Staff end a challenge, and nothing follows from it. Raises LadderError."""
    known = get_challenge(conn, challenge_id)
    if known.ended_as == "called_off":
        return
    _end(conn, _require_pending(conn, challenge_id), "called_off", by, now)
    audit.deed(conn, now, "challenge.called_off", f"challenge:{challenge_id}", by)


def call_on_again(conn: sqlite3.Connection, challenge_id: str) -> frozenset[str]:
    """Takes back that a challenge was called off: it waits again, or a match since has met it.

    Returns the players for whom other matches count now. Raises LadderError where either has another challenge by
    now, or the two are not together on the ladder.
    """
    known = get_challenge(conn, challenge_id)
    if known.ended_as != "called_off":
        raise LadderError("challenge_over")
    open_ladder(conn, known.ladder_id)
    busy = _busy(challenges(conn, known.ladder_id), *known.players)
    if busy is not None:
        raise busy
    there = [member_of(conn, known.ladder_id, player_id) for player_id in known.players]
    if any(member is None or member.division_id != known.division_id for member in there):
        raise LadderError("challenge_range")
    conn.execute(
        "UPDATE ladder_challenges SET ended_at = NULL, ended_as = NULL, ended_by = NULL WHERE id = ?",
        [challenge_id],
    )
    touched = {known.ladder_id, *settle_pair(conn, *known.players)}
    return frozenset().union(*(settle_ladder(conn, ladder_id) for ladder_id in sorted(touched)))


def give_win(conn: sqlite3.Connection, challenge_id: str, to: str, by: str, now: str) -> None:
    """Staff give one side the win of a challenge that was not played: it moves as a won match does, without points
    or ratings, and stands in nobody's record. Raises LadderError."""
    known = get_challenge(conn, challenge_id)
    if to not in known.players:
        raise LadderError("challenge_not_yours")
    if known.ended_as == "given" and _given_to(conn, challenge_id) == to:
        return
    _require_pending(conn, challenge_id)
    open_ladder(conn, known.ladder_id)
    other = known.players[1] if to == known.players[0] else known.players[0]
    _end(conn, known, "given", by, now)
    event = conn.execute(
        "INSERT INTO ladder_events (ladder_id, kind, player_id, other, challenge_id, at, by)"
        " VALUES (?, 'given', ?, ?, ?, ?, ?)",
        [known.ladder_id, to, other, challenge_id, now, by],
    ).lastrowid
    settle_ladder(conn, known.ladder_id)
    after = {"to": to, "event": event}
    audit.deed(conn, now, "challenge.given", f"challenge:{challenge_id}", by, after=after)


def get_challenge(conn: sqlite3.Connection, challenge_id: str) -> Challenge:
    """One challenge. Raises LadderError where there is none of that id."""
    row = conn.execute(f"{_SELECT} WHERE c.id = ?", [challenge_id]).fetchone()
    if row is None:
        raise LadderError("challenge_unknown")
    return _challenge(row)


def challenges(conn: sqlite3.Connection, ladder_id: str) -> list[Challenge]:
    """A ladder's challenges that wait, those to be played soonest first."""
    rows = conn.execute(f"{_SELECT} WHERE c.ladder_id = ? AND {PENDING} {_SOONEST}", [ladder_id])
    return [_challenge(row) for row in rows]


def count_challenges(conn: sqlite3.Connection, ladder_id: str) -> int:
    """How many challenges wait on a ladder."""
    row = conn.execute(
        f"SELECT count(*) AS n FROM ladder_challenges c WHERE c.ladder_id = ? AND {PENDING}", [ladder_id]
    ).fetchone()
    return int(row["n"])


def overdue(conn: sqlite3.Connection, today: str) -> list[Challenge]:
    """What waits for staff, over all ladders: challenges whose deadline is over, and those that were declined."""
    rows = conn.execute(
        f"{_SELECT} WHERE {PENDING} AND (c.deadline < ? OR c.declined_at IS NOT NULL) {_SOONEST}",
        [today],
    )
    return [_challenge(row) for row in rows]


def challenges_of(conn: sqlite3.Connection, player_id: str) -> list[Challenge]:
    """What waits of a player's, made or had, over all ladders."""
    rows = conn.execute(
        f"{_SELECT} WHERE {PENDING} AND c.challenger = :p UNION ALL"
        f" {_SELECT} WHERE {PENDING} AND c.challenged = :p ORDER BY deadline, made_at, id",
        {"p": player_id},
    )
    return [_challenge(row) for row in rows]


def _require_pending(conn: sqlite3.Connection, challenge_id: str) -> Challenge:
    known = get_challenge(conn, challenge_id)
    if not known.pending:
        raise LadderError("challenge_over")
    return known


def _busy(pending: Sequence[Challenge], challenger: str, challenged: str) -> LadderError | None:
    """Nobody makes two challenges at a time, or has two."""
    if any(known.players[0] == challenger for known in pending):
        return LadderError("challenge_made")
    if any(known.players[1] == challenged for known in pending):
        return LadderError("challenge_taken")
    return None


def _given_to(conn: sqlite3.Connection, challenge_id: str) -> str | None:
    row = conn.execute(
        "SELECT player_id FROM ladder_events WHERE challenge_id = ? AND withdrawn_at IS NULL", [challenge_id]
    ).fetchone()
    return None if row is None else row["player_id"]


def _end(conn: sqlite3.Connection, known: Challenge, how: str, by: str, now: str) -> None:
    conn.execute(
        "UPDATE ladder_challenges SET ended_at = ?, ended_as = ?, ended_by = ? WHERE id = ?",
        [now, how, by, known.id],
    )
    for ladder_id in settle_pair(conn, *known.players):
        settle_ladder(conn, ladder_id)


def _day_within(typed: str, today: str) -> str:
    """A day from today on, no farther off than a ladder's terms may be. Raises LadderError."""
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        raise LadderError("challenge_day") from None
    if not 0 <= (day - date.fromisoformat(today)).days <= MOST_DAYS:
        raise LadderError("challenge_day")
    return day.isoformat()


def _challenge(row: sqlite3.Row) -> Challenge:
    return Challenge(
        id=row["id"],
        ladder_id=row["ladder_id"],
        ladder_name=row["ladder_name"],
        division_id=row["division_id"],
        players=(row["challenger"], row["challenged"]),
        names=(row["challenger_name"], row["challenged_name"]),
        game=row["game"],
        race_to=row["race_to"],
        made_at=row["made_at"],
        deadline=row["deadline"],
        declined_at=row["declined_at"],
        ended_at=row["ended_at"],
        ended_as=row["ended_as"],
        met_by=row["met_by"],
    )
