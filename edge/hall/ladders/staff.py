"""What staff do with ladders: make and close them, put members in order, say which matches count, take any back.

Every deed is a fact with a line of the audit, after which the ladder is made anew in the same transaction. `by` is
who of the staff it was; whether they may is the caller's affair. A deed sent twice is done once.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge.clock import stamp
from edge.facts import uuid7
from edge.hall import audit
from edge.hall.ladders.model import (
    Division,
    Ladder,
    LadderError,
    Terms,
    clean_title,
    get_ladder,
    last_said,
    open_ladder,
)
from edge.hall.ladders.settle import (
    call_off_all,
    plays_for,
    settle_ladder,
    settle_match,
    settle_members,
    settle_pair,
    take_off_ladder,
)
from edge.hall.matches import Match, get_match
from edge.hall.players import get_player, name_key


@dataclass(frozen=True, slots=True)
class Member:
    """Where somebody stands on a ladder."""

    player_id: str
    division_id: str
    place: int


def create_ladder(
    conn: sqlite3.Connection,
    terms: Terms,
    divisions: Sequence[str],
    by: str,
    now: str,
    *,
    ladder_id: str | None = None,
) -> Ladder:
    """A new ladder with divisions of these names, the highest first; with an id of its own, which a page made, it
    is made once. Raises LadderError."""
    if ladder_id is not None and conn.execute("SELECT 1 FROM ladders WHERE id = ?", [ladder_id]).fetchone():
        return get_ladder(conn, ladder_id)
    terms = terms.checked()
    names = [clean_title(name) for name in divisions]
    if not names:
        raise LadderError("division_last")
    _require_different(names)
    _require_free(conn, terms.name, "")
    ladder_id = ladder_id or uuid7()
    conn.execute(
        "INSERT INTO ladders (id, name, game, race_to, challenge_range, challenge_days, made_at, made_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            ladder_id,
            terms.name,
            terms.game,
            terms.race_to,
            terms.challenge_range,
            terms.challenge_days,
            now,
            by,
        ],
    )
    for ordinal, name in enumerate(names, start=1):
        _insert_division(conn, ladder_id, name, ordinal)
    _note(conn, now, "ladder.made", ladder_id, by, after=_told(terms))
    return get_ladder(conn, ladder_id)


def change_terms(conn: sqlite3.Connection, ladder_id: str, terms: Terms, by: str, now: str) -> Ladder:
    """Other terms from now on; what was played or challenged before stays as it was. Raises LadderError."""
    before, terms = get_ladder(conn, ladder_id).terms, terms.checked()
    if terms == before:
        return get_ladder(conn, ladder_id)
    _require_free(conn, terms.name, ladder_id)
    conn.execute(
        "UPDATE ladders SET name = ?, game = ?, race_to = ?, challenge_range = ?, challenge_days = ? WHERE id = ?",
        [terms.name, terms.game, terms.race_to, terms.challenge_range, terms.challenge_days, ladder_id],
    )
    what = "ladder.renamed" if _told(terms) == _told(before) else "ladder.changed"
    _note(conn, now, what, ladder_id, by, before=_told(before), after=_told(terms))
    return get_ladder(conn, ladder_id)


def close_ladder(conn: sqlite3.Connection, ladder_id: str, by: str, now: str) -> None:
    """Nothing that ends later counts, and challenges that wait are called off. Raises LadderError."""
    if get_ladder(conn, ladder_id).closed_at is not None:
        return
    call_off_all(conn, ladder_id, by, now)
    conn.execute("UPDATE ladders SET closed_at = ? WHERE id = ?", [now, ladder_id])
    settle_ladder(conn, ladder_id)
    _note(conn, now, "ladder.closed", ladder_id, by)


def close_again(conn: sqlite3.Connection, ladder_id: str, closed_at: str, by: str, now: str) -> frozenset[str]:
    """Takes back that a ladder was opened again: it stands as when it was closed. Returns as `put_on_ladder`."""
    open_ladder(conn, ladder_id)
    call_off_all(conn, ladder_id, by, now)
    conn.execute("UPDATE ladders SET closed_at = ? WHERE id = ?", [closed_at, ladder_id])
    return settle_ladder(conn, ladder_id)


def reopen_ladder(conn: sqlite3.Connection, ladder_id: str, by: str, now: str) -> frozenset[str]:
    """Goes on with a ladder, as if it had never been closed. Returns as `put_on_ladder`; raises LadderError."""
    ladder = get_ladder(conn, ladder_id)
    if ladder.closed_at is None:
        return frozenset()
    _require_free(conn, ladder.name, ladder_id)
    conn.execute("UPDATE ladders SET closed_at = NULL WHERE id = ?", [ladder_id])
    _note(conn, now, "ladder.reopened", ladder_id, by, before={"closed_at": ladder.closed_at})
    return settle_ladder(conn, ladder_id)


def add_division(
    conn: sqlite3.Connection, ladder_id: str, name: str, by: str, now: str, *, above: str | None = None
) -> Division:
    """One more division: right above another, or the lowest. Raises LadderError."""
    ladder, name = open_ladder(conn, ladder_id), clean_title(name)
    _require_different([*(division.name for division in ladder.divisions), name])
    ids = [division.id for division in ladder.divisions]
    index = len(ids) if above is None else ids.index(ladder.division(above).id)
    division_id = _insert_division(conn, ladder_id, name, 0)
    ids.insert(index, division_id)
    conn.executemany(
        "UPDATE ladder_divisions SET ordinal = ? WHERE id = ?",
        [[ordinal, one] for ordinal, one in enumerate(ids, start=1)],
    )
    _note(conn, now, "ladder.division_added", ladder_id, by, after={"division": division_id, "ordinal": index + 1})
    return Division(division_id, name)


def rename_division(conn: sqlite3.Connection, division_id: str, name: str, by: str, now: str) -> None:
    """Raises LadderError for what is no name, or another division's."""
    ladder, name = ladder_with(conn, division_id), clean_title(name)
    _require_different([*(d.name for d in ladder.divisions if d.id != division_id), name])
    conn.execute("UPDATE ladder_divisions SET name = ? WHERE id = ?", [name, division_id])
    _note(conn, now, "ladder.division_renamed", ladder.id, by, after={"division": division_id})


def remove_division(conn: sqlite3.Connection, division_id: str, by: str, now: str) -> None:
    """Takes an empty division away, not the last. Raises LadderError."""
    ladder = ladder_with(conn, division_id)
    if len(ladder.divisions) == 1:
        raise LadderError("division_last")
    if conn.execute("SELECT 1 FROM ladder_standings WHERE division_id = ?", [division_id]).fetchone():
        raise LadderError("division_in_use")
    conn.execute("UPDATE ladder_divisions SET removed_at = ? WHERE id = ?", [now, division_id])
    _note(conn, now, "ladder.division_removed", ladder.id, by, after={"division": division_id})


def bring_back_division(conn: sqlite3.Connection, ladder_id: str, division_id: str) -> None:
    """Takes back that a division was taken away. Raises LadderError where another is called like it by now."""
    ladder = open_ladder(conn, ladder_id)
    row = conn.execute(
        "SELECT name FROM ladder_divisions WHERE id = ? AND ladder_id = ?", [division_id, ladder_id]
    ).fetchone()
    if row is None:
        raise LadderError("division_unknown")
    _require_different([*(d.name for d in ladder.divisions if d.id != division_id), row["name"]])
    conn.execute("UPDATE ladder_divisions SET removed_at = NULL WHERE id = ?", [division_id])


def ladder_with(conn: sqlite3.Connection, division_id: str) -> Ladder:
    """The open ladder of a division that is there. Raises LadderError."""
    row = conn.execute(
        "SELECT ladder_id FROM ladder_divisions WHERE id = ? AND removed_at IS NULL", [division_id]
    ).fetchone()
    if row is None:
        raise LadderError("division_unknown")
    return open_ladder(conn, row["ladder_id"])


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
    told = _place_told(before)
    _note(conn, now, "ladder.left", ladder_id, by, before=told, after={"player": player_id, "event": event})


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
    _note(conn, now, "ladder.event_withdrawn", row["ladder_id"], by, after=after)
    return frozenset().union(*(settle_members(conn, ladder_id, by, now) for ladder_id in sorted(touched)))


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
        audit.note(conn, now, "ladder.match_put", f"match:{match_id}", role=role, who=by, after=after)
    return settle_match(conn, match_id)


def take_back_said(conn: sqlite3.Connection, seq: int, by: str, now: str) -> frozenset[str]:
    """Takes back what was said of a match: what was said before holds again. Returns as `put_on_ladder`."""
    row = conn.execute(
        "UPDATE ladder_matches SET withdrawn_at = ?, withdrawn_by = ? WHERE seq = ? AND withdrawn_at IS NULL"
        " RETURNING match_id",
        [now, by, seq],
    ).fetchone()
    return frozenset() if row is None else settle_match(conn, row["match_id"])


def division_at(conn: sqlite3.Connection, ladder_id: str, player_id: str, moment: str | None) -> str | None:
    """The division of a ladder in which a player was at that moment, None being now."""
    row = conn.execute(
        "SELECT division_id FROM ladder_events WHERE player_id = ? AND ladder_id = ? AND at <= ?"
        " AND kind != 'given' AND withdrawn_at IS NULL ORDER BY at DESC, id DESC LIMIT 1",
        [player_id, ladder_id, moment or "9"],
    ).fetchone()
    return None if row is None else row["division_id"]


def _require_fitting(conn: sqlite3.Connection, match: Match, ladder: Ladder, staff: bool) -> None:
    ended_at = None if match.ended_at is None else stamp(match.ended_at)
    divisions = {division_at(conn, ladder.id, player_id, ended_at) for player_id in match.players}
    if match.partners is not None or len(divisions) != 1 or None in divisions:
        raise LadderError("ladder_match_members")
    if not staff and not plays_for(match.game, match.race_to, ladder.terms.game, ladder.terms.race_to):
        raise LadderError("ladder_match_terms")


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
    _note(conn, now, "ladder.placed", ladder_id, by, before=told, after=after)


def _require_here(conn: sqlite3.Connection, player_id: str) -> None:
    player = get_player(conn, player_id)
    if player is None or player.guest or player.erased:
        raise LadderError("ladder_player")


def _place_told(member: Member) -> dict[str, object]:
    return {"player": member.player_id, "division": member.division_id, "place": member.place}


def _insert_division(conn: sqlite3.Connection, ladder_id: str, name: str, ordinal: int) -> str:
    division_id = uuid7()
    conn.execute(
        "INSERT INTO ladder_divisions (id, ladder_id, name, ordinal) VALUES (?, ?, ?, ?)",
        [division_id, ladder_id, name, ordinal],
    )
    return division_id


def _require_different(names: Sequence[str]) -> None:
    """One ladder's divisions have different names."""
    if len({name_key(name) for name in names}) != len(names):
        raise LadderError("division_name_taken")


def _require_free(conn: sqlite3.Connection, name: str, own_id: str) -> None:
    """Of ladders that are open no two have one name."""
    rows = conn.execute("SELECT name FROM ladders WHERE closed_at IS NULL AND id != ?", [own_id])
    if name_key(name) in {name_key(row["name"]) for row in rows}:
        raise LadderError("ladder_name_taken")


def _told(terms: Terms) -> dict[str, object]:
    """Terms as the audit may hold them: without the name somebody typed."""
    return {
        "game": None if terms.game is None else terms.game.replace(" ", "-"),
        "race_to": terms.race_to,
        "challenge_range": terms.challenge_range,
        "challenge_days": terms.challenge_days,
    }


def _note(
    conn: sqlite3.Connection,
    now: str,
    what: str,
    ladder_id: str,
    by: str,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.note(conn, now, what, f"ladder:{ladder_id}", role="staff", who=by, before=before, after=after)
