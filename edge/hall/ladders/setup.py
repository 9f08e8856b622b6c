"""What staff make of ladders and their divisions: begun, changed, named, closed and opened again.

Every deed is a line of the audit, and one sent twice is done once. `by` is who of the staff it was; whether they
may is the caller's affair.
"""

import sqlite3
from collections.abc import Sequence

from edge.facts import uuid7
from edge.hall import audit
from edge.hall.ladders.model import Division, Ladder, LadderError, Terms, clean_title, get_ladder, open_ladder
from edge.hall.ladders.settle import call_off_all, settle_ladder
from edge.hall.players import game_word, name_key


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
    audit.deed(conn, now, "ladder.made", f"ladder:{ladder_id}", by, after=_told(terms))
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
    audit.deed(conn, now, what, f"ladder:{ladder_id}", by, before=_told(before), after=_told(terms))
    return get_ladder(conn, ladder_id)


def close_ladder(conn: sqlite3.Connection, ladder_id: str, by: str, now: str) -> None:
    """Nothing that ends later counts, and challenges that wait are called off. Raises LadderError."""
    if get_ladder(conn, ladder_id).closed_at is not None:
        return
    call_off_all(conn, ladder_id, by, now)
    conn.execute("UPDATE ladders SET closed_at = ? WHERE id = ?", [now, ladder_id])
    settle_ladder(conn, ladder_id)
    audit.deed(conn, now, "ladder.closed", f"ladder:{ladder_id}", by)


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
    audit.deed(conn, now, "ladder.reopened", f"ladder:{ladder_id}", by, before={"closed_at": ladder.closed_at})
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
    after = {"division": division_id, "ordinal": index + 1}
    audit.deed(conn, now, "ladder.division_added", f"ladder:{ladder_id}", by, after=after)
    return Division(division_id, name)


def rename_division(conn: sqlite3.Connection, division_id: str, name: str, by: str, now: str) -> None:
    """Raises LadderError for what is no name, or another division's."""
    ladder, name = ladder_with(conn, division_id), clean_title(name)
    _require_different([*(d.name for d in ladder.divisions if d.id != division_id), name])
    conn.execute("UPDATE ladder_divisions SET name = ? WHERE id = ?", [name, division_id])
    audit.deed(conn, now, "ladder.division_renamed", f"ladder:{ladder.id}", by, after={"division": division_id})


def remove_division(conn: sqlite3.Connection, division_id: str, by: str, now: str) -> None:
    """Takes an empty division away, not the last. Raises LadderError."""
    ladder = ladder_with(conn, division_id)
    if len(ladder.divisions) == 1:
        raise LadderError("division_last")
    if conn.execute("SELECT 1 FROM ladder_standings WHERE division_id = ?", [division_id]).fetchone():
        raise LadderError("division_in_use")
    conn.execute("UPDATE ladder_divisions SET removed_at = ? WHERE id = ?", [now, division_id])
    audit.deed(conn, now, "ladder.division_removed", f"ladder:{ladder.id}", by, after={"division": division_id})


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
        "game": None if terms.game is None else game_word(terms.game),
        "race_to": terms.race_to,
        "challenge_range": terms.challenge_range,
        "challenge_days": terms.challenge_days,
    }
