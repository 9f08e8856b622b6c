"""Who is on a ladder, and where: staff put members in order and take them off.

Every deed is a fact with a line of the audit, after which the ladder is made anew in the same transaction. `by` is
who of the staff it was; whether they may is the caller's affair. A deed sent twice is done once.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from edge.hall import audit
from edge.hall.ladders.model import LadderError, open_ladder
from edge.hall.ladders.settle import settle_ladder, settle_members, settle_pair, take_off_ladder
from edge.hall.ladders.setup import ladder_with
from edge.hall.players import get_player


@dataclass(frozen=True, slots=True)
class Member:
    """Where somebody stands on a ladder."""

    player_id: str
    division_id: str
    place: int


def member_of(conn: sqlite3.Connection, ladder_id: str, player_id: str) -> Member | None:
    """Where a player stands on a ladder now; None for who is no member."""
    row = conn.execute(
        "SELECT division_id, place FROM ladder_standings WHERE ladder_id = ? AND player_id = ?",
        [ladder_id, player_id],
    ).fetchone()
    return None if row is None else Member(player_id, *row)


def division_sizes(conn: sqlite3.Connection, ladder_id: str) -> Counter[str]:
    """How many members each division of a ladder has."""
    rows = conn.execute(
        "SELECT division_id, count(*) FROM ladder_standings WHERE ladder_id = ? GROUP BY division_id", [ladder_id]
    )
    return Counter(dict(rows))


def add_members(conn: sqlite3.Connection, division_id: str, player_ids: Iterable[str], by: str, now: str) -> None:
    """Puts players at the end of a division, in that order; who stands on the ladder already stays there.

    Raises LadderError for a guest, or somebody who was erased.
    """
    ladder = ladder_with(conn, division_id)
    for player_id in dict.fromkeys(player_ids):
        if member_of(conn, ladder.id, player_id) is None:
            _place(conn, ladder.id, player_id, by, now, division_id=division_id)
    settle_ladder(conn, ladder.id)


def place_member(
    conn: sqlite3.Connection, division_id: str, player_id: str, by: str, now: str, *, place: int | None = None
) -> None:
    """Puts a member at a place of a division, None being its end; those from there on go down by one. Who stands
    there already stays, and nobody comes onto a ladder by it.

    Challenges of theirs are called off where they come from another division. Raises LadderError.
    """
    ladder = ladder_with(conn, division_id)
    if place is not None and place < 1:
        raise LadderError("ladder_place")
    before = member_of(conn, ladder.id, player_id)
    there = Member(player_id, division_id, place or division_sizes(conn, ladder.id)[division_id])
    if before is None or before == there:
        return
    _place(conn, ladder.id, player_id, by, now, division_id=division_id, place=place, before=before)
    settle_members(conn, ladder.id, by, now)


def remove_member(conn: sqlite3.Connection, ladder_id: str, player_id: str, by: str, now: str) -> None:
    """Takes a player off a ladder; the others move up. Raises LadderError for a ladder that is closed."""
    ladder = open_ladder(conn, ladder_id)
    before = member_of(conn, ladder.id, player_id)
    if before is None:
        return
    event = take_off_ladder(conn, ladder_id, player_id, by, now)
    told, after = _place_told(before), {"player": player_id, "event": event}
    audit.deed(conn, now, "ladder.left", f"ladder:{ladder_id}", by, before=told, after=after)


def withdraw_event(conn: sqlite3.Connection, event_id: int, by: str, now: str) -> frozenset[str]:
    """Takes back that somebody was placed, left, or was given a win: it never happened. A challenge whose win is
    taken back waits again.

    Returns the players for whom other matches count now, so that their badges can be settled. Raises LadderError.
    """
    row = conn.execute("SELECT * FROM ladder_events WHERE id = ?", [event_id]).fetchone()
    if row is None:
        raise LadderError("ladder_event_unknown")
    if row["withdrawn_at"] is not None:
        return frozenset()
    open_ladder(conn, row["ladder_id"])
    _require_here(conn, row["player_id"])  # nobody who was erased comes back
    conn.execute("UPDATE ladder_events SET withdrawn_at = ?, withdrawn_by = ? WHERE id = ?", [now, by, event_id])
    touched = {row["ladder_id"]}
    if row["kind"] == "given":
        conn.execute(
            "UPDATE ladder_challenges SET ended_at = NULL, ended_as = NULL, ended_by = NULL WHERE id = ?",
            [row["challenge_id"]],
        )
        touched |= settle_pair(conn, row["player_id"], row["other"])
    after = {"event": event_id, "kind": row["kind"]}
    audit.deed(conn, now, "ladder.event_withdrawn", f"ladder:{row['ladder_id']}", by, after=after)
    return frozenset().union(*(settle_members(conn, ladder_id, by, now) for ladder_id in sorted(touched)))


def division_at(conn: sqlite3.Connection, ladder_id: str, player_id: str, moment: str | None) -> str | None:
    """The division of a ladder in which a player was at that moment, None being now."""
    row = conn.execute(
        "SELECT division_id FROM ladder_events WHERE player_id = ? AND ladder_id = ? AND at <= ?"
        " AND kind != 'given' AND withdrawn_at IS NULL ORDER BY at DESC, id DESC LIMIT 1",
        [player_id, ladder_id, moment or "9"],
    ).fetchone()
    return None if row is None else row["division_id"]


def _place(
    conn: sqlite3.Connection,
    ladder_id: str,
    player_id: str,
    by: str,
    now: str,
    *,
    division_id: str,
    place: int | None = None,
    before: Member | None = None,
) -> None:
    """Writes that a player stands there from now on, who stood `before`; the ladder is to be settled."""
    _require_here(conn, player_id)
    event = conn.execute(
        "INSERT INTO ladder_events (ladder_id, kind, player_id, division_id, place, at, by)"
        " VALUES (?, 'placed', ?, ?, ?, ?, ?)",
        [ladder_id, player_id, division_id, place, now, by],
    ).lastrowid
    told = None if before is None else _place_told(before)
    after: dict[str, object] = {"player": player_id, "division": division_id, "place": place, "event": event}
    audit.deed(conn, now, "ladder.placed", f"ladder:{ladder_id}", by, before=told, after=after)


def _require_here(conn: sqlite3.Connection, player_id: str) -> None:
    player = get_player(conn, player_id)
    if player is None or player.guest or player.erased:
        raise LadderError("ladder_player")


def _place_told(member: Member) -> dict[str, object]:
    return {"player": member.player_id, "division": member.division_id, "place": member.place}
