"""Two accounts of one person become one: what one of them has moves to the other, and the first is empty then.

`edge.hall.taking_over` moves what was played and makes anew what follows from it. Here is what it can't know: who
may not be merged, and what becomes of PIN, cards, consent and wishes. The stricter wish holds: who said no to
clips or stays off the boards in one of the two, does in the one that stays. There is no way back.
"""

import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime

from edge.clock import stamp
from edge.hall import audit, consents, features, groups, logins, pins, standing
from edge.hall.errors import HallError
from edge.hall.players import Player, erase_player, get_player, save_player
from edge.hall.roles import may_act_on
from edge.hall.sessions import open_session_of
from edge.hall.taking_over import TakenOver, take_over
from edge.stats import daily


class MergeError(HallError):
    """These two can't become one."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What would move from `gone` to `stays`. `clips` is the consent that would hold, None where there is none."""

    gone: Player
    stays: Player
    sessions: int
    shots: int
    matches: int
    evenings: int
    cards: int
    clips: consents.Answer | None
    visible: bool
    member_since: str


def preview(conn: sqlite3.Connection, from_id: str, to_id: str, by: str) -> Preview:
    """What merging would do. Raises MergeError as `merge`."""
    gone, stays = _both(conn, from_id, to_id, by)
    (sessions, shots) = conn.execute(
        "SELECT count(*), (SELECT count(*) FROM plays WHERE player_id = :p) FROM sessions WHERE player_id = :p",
        {"p": from_id},
    ).fetchone()
    (matches,) = conn.execute("SELECT count(*) FROM outcomes WHERE player_id = ?", [from_id]).fetchone()
    (evenings,) = conn.execute(
        "SELECT count(*) FROM game_attendances WHERE player_id = ? AND withdrawn_at IS NULL", [from_id]
    ).fetchone()
    answer = _stricter(conn, from_id, to_id)
    return Preview(
        gone,
        stays,
        sessions,
        shots,
        matches,
        evenings,
        len(logins.cards_of(conn, from_id)),
        None if answer is None else answer.answer,
        _visible(gone, stays),
        _member_since(gone, stays),
    )


def merge(conn: sqlite3.Connection, from_id: str, to_id: str, by: str, now: datetime) -> TakenOver:
    """Makes all of one account another's; the first stays as a row without a name.

    Name, PIN, phones and settings are those of the one that stays; the first one's end. Member since is the
    earlier of the two. Raises MergeError: `merge_nobody` where one of them is not here, `merge_guest` into a
    guest, `merge_played` where they met in a match and so are two people, `merge_role` where the first has a role
    of the hall's, `merge_at_tables` while both play, `person_not_yours` where `by` may not act on them.
    """
    gone, stays = _both(conn, from_id, to_id, by)
    answer, override = _stricter(conn, from_id, to_id), _staff_s_group(conn, from_id)
    held = consents.consent_of(conn, to_id)
    _move_badges(conn, from_id, to_id)
    taken = take_over(conn, from_id, to_id, now)
    conn.execute("UPDATE cards SET player_id = ? WHERE player_id = ?", [to_id, from_id])
    if answer is not None and (held is None or held.answer != answer.answer):
        consents.give_answer(conn, to_id, answer.answer, stamp(now), by, wording_version=answer.wording_version)
    if override is not None and not groups.overridden(conn, to_id):
        groups.override(conn, to_id, override, by, stamp(now))
    coach = gone.roles & {"coach"}
    save_player(
        conn,
        replace(
            stays,
            created=_member_since(gone, stays),
            visible=_visible(gone, stays),
            roles=stays.roles | coach,
        ),
    )
    _empty(conn, from_id, now)
    before, after = {"gone": from_id}, {"sessions": taken.sessions, "shots": taken.shots}
    audit.deed(conn, stamp(now), "player.merged", f"player:{to_id}", by, before=before, after=after)
    return taken


def _move_badges(conn: sqlite3.Connection, from_id: str, to_id: str) -> None:
    """Each stands with the day on which either account had it first; what no longer holds goes when all is
    settled."""
    conn.execute(
        "INSERT INTO user_achievements (player_id, badge, earned_at, ref)"
        " SELECT ?, badge, earned_at, ref FROM user_achievements WHERE player_id = ?"
        " ON CONFLICT (player_id, badge) DO UPDATE SET earned_at = min(earned_at, excluded.earned_at)",
        [to_id, from_id],
    )


def _empty(conn: sqlite3.Connection, player_id: str, now: datetime) -> None:
    """Ends the account of which everything has moved."""
    erase_player(conn, player_id, stamp(now))  # what is booked of somebody goes only with somebody who was erased
    for module in (pins, logins, consents, features, standing, daily):
        module.forget(conn, player_id)


def _both(conn: sqlite3.Connection, from_id: str, to_id: str, by: str) -> tuple[Player, Player]:
    gone, stays, acting = (get_player(conn, one) for one in (from_id, to_id, by))
    if gone is None or stays is None or gone.erased or stays.erased or from_id == to_id:
        raise MergeError("merge_nobody")
    if stays.guest:
        raise MergeError("merge_guest")
    if gone.staff:
        raise MergeError("merge_role")
    if acting is None or not (may_act_on(acting, gone) and may_act_on(acting, stays)):
        raise MergeError("person_not_yours")
    if _met(conn, from_id, to_id):
        raise MergeError("merge_played")
    if open_session_of(conn, from_id) is not None and open_session_of(conn, to_id) is not None:
        raise MergeError("merge_at_tables")
    return gone, stays


def _met(conn: sqlite3.Connection, one: str, other: str) -> bool:
    """Whether both are in one match, as opponents or as partners; or are drawn to be.

    A result that staff entered and struck off again is no match: that is how a slip is mended first.
    """
    people = "(player_a, player_b, coalesce(partner_a, ''), coalesce(partner_b, ''))"
    in_both = f":one IN {people} AND :other IN {people}"
    found = conn.execute(
        f"SELECT 1 FROM matches m WHERE {in_both} AND (status != 'abandoned'"
        " OR EXISTS (SELECT 1 FROM sessions s WHERE s.match_id = m.id))"
        f" UNION ALL SELECT 1 FROM game_pairings WHERE {in_both} AND dropped_at IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM matches m WHERE m.id = match_id AND m.status = 'abandoned') LIMIT 1",
        {"one": one, "other": other},
    )
    return found.fetchone() is not None


def _stricter(conn: sqlite3.Connection, from_id: str, to_id: str) -> consents.Consent | None:
    """The consent that holds for both: a no if there is one, else what was answered, to whatever wording."""
    answers = [answer for one in (to_id, from_id) if (answer := consents.consent_of(conn, one)) is not None]
    return next((answer for answer in answers if answer.answer == "no"), next(iter(answers), None))


def _staff_s_group(conn: sqlite3.Connection, player_id: str) -> groups.Group | None:
    """The group into which staff put somebody."""
    return groups.group_of(conn, player_id) if groups.overridden(conn, player_id) else None


def _visible(gone: Player, stays: Player) -> bool:
    return stays.visible and (gone.visible or gone.guest)


def _member_since(gone: Player, stays: Player) -> str:
    """A guest was no member yet."""
    return stays.created if gone.guest else min(gone.created, stays.created)
