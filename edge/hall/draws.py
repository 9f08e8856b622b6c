"""The month's lucky draw: entries the hall fills in, a draw that anybody can check afterwards.

A draw goes through `open` (its secret seed is made, and the seed's commitment shown), `frozen` (the tickets are
numbered, and the hash of the list is shown) and `drawn` (the room has called something out, the winners follow
from seed, list and call by `edge.hall.draw_recipe`, and the seed is shown).

Who could cheat? Staff type the call, but without the seed no call is better than another. The room makes up the
call, but knows the seed as little. The program can't swap the seed or the list: both were promised before the
call, and every player has seen the own ticket. A draw thrown away for its result stays in the history, with the
reason given. What is left is somebody who reads the box's disk, or a backup of the store, before the draw, and so
knows the seed, and who also decides the whole call: they could try calls until one suits them. So the seed lies in
a table of its own that nothing but `draw` reads, and the call should be put together by several people, once the
list is frozen.

Who does not want to be seen takes part; others see the ticket alone.
"""

import secrets
import sqlite3
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import stamp
from edge.facts import is_uuid, uuid7
from edge.hall import audit, draw_entries, draw_recipe
from edge.hall.audit import Deed
from edge.hall.draw_entries import Filled, Ticket
from edge.hall.draw_recipe import Recipe
from edge.hall.errors import HallError
from edge.hall.typed import a_month, one_line

migrations = Migrations("draws")

Reason = Literal["absent", "mistake", "doubt", "cancelled"]
State = Literal["open", "frozen", "drawn", "voided"]
REASONS: tuple[Reason, ...] = get_args(Reason)
_STATES: tuple[tuple[str, State], ...] = (
    ("voided_at", "voided"),
    ("drawn_at", "drawn"),
    ("frozen_at", "frozen"),
)

PRIZE_CHARS = (2, 80)
CALL_CHARS = (4, 80)
MOST_PRIZES = 20


@migrations()
def draws_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE lucky_draws (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            month TEXT NOT NULL,
            prize TEXT NOT NULL,
            prizes INTEGER NOT NULL CHECK (prizes > 0),
            replaces TEXT REFERENCES lucky_draws (id),
            commitment TEXT NOT NULL,
            created_at TEXT NOT NULL,
            created_by TEXT NOT NULL,
            frozen_at TEXT,
            frozen_by TEXT,
            entries_hash TEXT,
            call TEXT,
            seed TEXT,
            drawn_at TEXT,
            drawn_by TEXT,
            voided_at TEXT,
            voided_by TEXT,
            reason TEXT CHECK (reason IN ('absent', 'mistake', 'doubt', 'cancelled')),
            CHECK ((frozen_at IS NULL) = (entries_hash IS NULL)),
            CHECK ((drawn_at IS NULL) = (call IS NULL) AND (drawn_at IS NULL) = (seed IS NULL)),
            CHECK (drawn_at IS NULL OR frozen_at IS NOT NULL),
            CHECK ((voided_at IS NULL) = (reason IS NULL))
        ) STRICT
    """)
    # Never read but by the draw itself, and gone with it: whatever shows draws can't show a secret.
    db.execute("""
        CREATE TABLE lucky_draw_seeds (
            draw_id TEXT PRIMARY KEY REFERENCES lucky_draws (id),
            seed TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
    """)
    # By ticket, without rowids: where an entry stands says nothing of whose it is. An erased player's has nobody.
    db.execute("""
        CREATE TABLE lucky_draw_entries (
            draw_id TEXT NOT NULL REFERENCES lucky_draws (id),
            ticket TEXT NOT NULL,
            player_id TEXT REFERENCES players (id),
            number INTEGER,
            place INTEGER,
            PRIMARY KEY (draw_id, ticket),
            UNIQUE (draw_id, player_id),
            UNIQUE (draw_id, number),
            UNIQUE (draw_id, place)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE INDEX lucky_draw_entries_of ON lucky_draw_entries (player_id)")
    for name, columns, when in (
        ("what_it_is", "seq, id, month, prize, prizes, replaces, commitment, created_at, created_by", "1"),
        ("the_list", "frozen_at, frozen_by, entries_hash", "OLD.frozen_at IS NOT NULL"),
        ("the_result", "call, seed, drawn_at, drawn_by", "OLD.drawn_at IS NOT NULL OR OLD.voided_at IS NOT NULL"),
        ("the_end", "voided_at, voided_by, reason", "OLD.voided_at IS NOT NULL"),
    ):
        db.execute(f"""
            CREATE TRIGGER lucky_draws_keep_{name} BEFORE UPDATE OF {columns} ON lucky_draws WHEN {when}
            BEGIN SELECT RAISE(ABORT, 'what a draw has promised is never changed: void it'); END
        """)
    db.execute("""
        CREATE TRIGGER lucky_draws_stay BEFORE DELETE ON lucky_draws
        BEGIN SELECT RAISE(ABORT, 'a draw stays on record: void it'); END
    """)
    frozen = "(SELECT frozen_at FROM lucky_draws WHERE id = {}.draw_id) IS NOT NULL"
    for name, event, when in (
        ("join", "INSERT", frozen.format("NEW")),
        ("leave", "DELETE", frozen.format("OLD")),
        ("change", "UPDATE OF draw_id, ticket, number", f"OLD.number IS NOT NULL AND {frozen.format('OLD')}"),
        ("win", "UPDATE OF place", "OLD.place IS NOT NULL"),
    ):
        db.execute(f"""
            CREATE TRIGGER lucky_draw_entries_{name} BEFORE {event} ON lucky_draw_entries WHEN {when}
            BEGIN SELECT RAISE(ABORT, 'the list of a draw is fixed'); END
        """)


@dataclass(frozen=True, slots=True)
class Draw:
    """A draw as everybody may see it. The seed is there once it was drawn and not before."""

    id: str
    month: str
    prize: str
    prizes: int
    state: State
    commitment: str
    tickets: int
    created_at: str
    replaces: str | None = None
    frozen_at: str | None = None
    entries_hash: str | None = None
    call: str | None = None
    seed: str | None = None
    drawn_at: str | None = None
    voided_at: str | None = None
    reason: Reason | None = None
    winners: tuple[Ticket, ...] = ()


def create(
    conn: sqlite3.Connection, month: str, prize: str, *, by: str, now: str, prizes: int = 1, draw_id: str = ""
) -> Draw:
    """A new draw of so many equal prizes, with its entries. `conn` must be inside a transaction for writing.

    More winners than prizes serve as reserves. With the id of a draw that is there, that one: the request came
    twice. Raises HallError: `month_unknown`, `prize_length`, `prize_refused`, `prize_count`, `draw_unknown` for
    what is no id.
    """
    if draw_id and not is_uuid(draw_id):  # it stands in printed programs
        raise HallError("draw_unknown")
    known = get_draw(conn, draw_id) if draw_id else None
    if known is not None:
        return known
    prize = one_line(prize, *PRIZE_CHARS, "prize")
    if not 1 <= prizes <= MOST_PRIZES:
        raise HallError("prize_count", most=MOST_PRIZES)
    return _create(conn, a_month(month), prize, prizes, by=by, now=now, draw_id=draw_id or uuid7())


def populate(conn: sqlite3.Connection, draw_id: str, *, by: str, now: str) -> int:
    """Fills in the entries anew as the facts stand, one a player; returns how many there are.

    Who was in keeps the ticket. Raises HallError: `draw_unknown`, `draw_frozen`, `draw_drawn`, `draw_voided`.
    """
    filled = _fill(conn, _require(get_draw(conn, draw_id), "open"))
    if filled.came or filled.gone:
        audit.deed(conn, now, "draw.filled", f"draw:{draw_id}", by, after=asdict(filled))
    return filled.tickets


def freeze(conn: sqlite3.Connection, draw_id: str, *, by: str, now: str) -> Draw:
    """Fills in the entries a last time and fixes them: tickets are numbered by their ids, which are random.

    Whenever staff want; who takes part is decided now. Frozen already, it stays as it is. Raises HallError:
    `draw_unknown`, `draw_voided`, `draw_drawn`, or `draw_entries` with fewer tickets than prizes.
    """
    known = get_draw(conn, draw_id)
    if known is not None and known.state == "frozen":
        return known
    begun = _require(known, "open")
    if _fill(conn, begun).tickets < begun.prizes:
        raise HallError("draw_entries", least=begun.prizes)
    tickets = draw_entries.number(conn, draw_id)
    digest = draw_recipe.entries_hash(tickets)
    conn.execute(
        "UPDATE lucky_draws SET frozen_at = ?, frozen_by = ?, entries_hash = ? WHERE id = ?",
        [now, by, digest, draw_id],
    )
    audit.deed(conn, now, "draw.frozen", f"draw:{draw_id}", by, after={"entries": digest, "tickets": len(tickets)})
    return _draw(conn, draw_id)


def draw(conn: sqlite3.Connection, draw_id: str, call: str, *, by: str, now: str) -> Draw:
    """Draws with what the room called out, and shows the seed. A second time gives the first result.

    Raises HallError: `draw_unknown`, `draw_voided`, `draw_open` before it is frozen, `call_length`,
    `call_refused`.
    """
    known = get_draw(conn, draw_id)
    if known is not None and known.state == "drawn":
        return known
    frozen = _require(known, "frozen")
    call = one_line(call, *CALL_CHARS, "call")
    row = conn.execute("SELECT seed FROM lucky_draw_seeds WHERE draw_id = ?", [draw_id]).fetchone()
    seed, digest = row["seed"], str(frozen.entries_hash)
    taken = draw_recipe.steps(seed, draw_id, digest, call, (frozen.tickets, frozen.prizes))
    won = draw_recipe.winners(taken)
    conn.executemany(
        "UPDATE lucky_draw_entries SET place = ? WHERE draw_id = ? AND number = ?",
        [[place, draw_id, number] for place, number in enumerate(won, 1)],
    )
    conn.execute(
        "UPDATE lucky_draws SET call = ?, seed = ?, drawn_at = ?, drawn_by = ? WHERE id = ?",
        [call, seed, now, by, draw_id],
    )
    conn.execute("DELETE FROM lucky_draw_seeds WHERE draw_id = ?", [draw_id])
    audit.deed(conn, now, "draw.drawn", f"draw:{draw_id}", by, after={"tickets": list(won)})
    return _draw(conn, draw_id)


def void(conn: sqlite3.Connection, draw_id: str, reason: Reason, *, by: str, now: str) -> Draw:
    """Nothing of a draw holds any more, drawn or not; it stays in the history with the reason.

    A second time changes nothing. Raises HallError `draw_unknown`.
    """
    if reason not in REASONS:
        raise ValueError(f"no reason: {reason!r}")
    before = get_draw(conn, draw_id)
    if before is None:
        raise HallError("draw_unknown")
    if before.state == "voided":
        return before
    conn.execute(
        "UPDATE lucky_draws SET voided_at = ?, voided_by = ?, reason = ? WHERE id = ?", [now, by, reason, draw_id]
    )
    conn.execute("DELETE FROM lucky_draw_seeds WHERE draw_id = ?", [draw_id])
    audit.deed(conn, now, "draw.voided", f"draw:{draw_id}", by, after={"reason": reason, "was": before.state})
    return _draw(conn, draw_id)


def redraw(
    conn: sqlite3.Connection, draw_id: str, reason: Reason, *, by: str, now: str, prizes: int | None = None
) -> Draw:
    """Voids a draw and begins another for the same month and prize, with a seed of its own: the old one is known.

    After `absent` those who had won and were not there do not take part again. Asked twice, it is the same new
    draw. Raises HallError: `draw_unknown`, `prize_count`.
    """
    if prizes is not None and not 1 <= prizes <= MOST_PRIZES:
        raise HallError("prize_count", most=MOST_PRIZES)
    begun = replacement_of(conn, draw_id)
    if begun is not None:
        return _draw(conn, begun)
    old = void(conn, draw_id, reason, by=by, now=now)
    return _create(conn, old.month, old.prize, prizes or old.prizes, by=by, now=now, replaces=draw_id)


def get_draw(conn: sqlite3.Connection, draw_id: str) -> Draw | None:
    """One draw, or None."""
    return next(iter(_draws(conn, "d.id = ?", draw_id)), None)


def replacement_of(conn: sqlite3.Connection, draw_id: str) -> str | None:
    """The draw that was begun in place of one, or None."""
    row = conn.execute("SELECT id FROM lucky_draws WHERE replaces = ?", [draw_id]).fetchone()
    return None if row is None else str(row["id"])


def current(conn: sqlite3.Connection) -> list[Draw]:
    """The draws that are still to be held, the latest first."""
    return _draws(conn, "drawn_at IS NULL AND voided_at IS NULL ORDER BY seq DESC")


def history(conn: sqlite3.Connection, limit: int = 50) -> list[Draw]:
    """The draws that were held or voided, the latest first: everything that was ever promised."""
    return _draws(conn, "drawn_at IS NOT NULL OR voided_at IS NOT NULL ORDER BY seq DESC LIMIT ?", limit)


def recipe(conn: sqlite3.Connection, draw_id: str) -> Recipe:
    """Everything with which a draw can be done again, once it was held; one that was voided then, too.

    Raises HallError: `draw_unknown`, `draw_not_drawn`.
    """
    held = get_draw(conn, draw_id)
    if held is None:
        raise HallError("draw_unknown")
    if held.seed is None or held.call is None or held.entries_hash is None:
        raise HallError("draw_not_drawn")
    won = tuple(ticket.number for ticket in held.winners if ticket.number is not None)
    tickets = tuple(draw_entries.numbered(conn, draw_id))
    return Recipe(draw_id, held.commitment, tickets, held.entries_hash, held.call, held.seed, held.prizes, won)


def _create(
    conn: sqlite3.Connection,
    month: str,
    prize: str,
    prizes: int,
    *,
    by: str,
    now: str,
    draw_id: str = "",
    replaces: str | None = None,
) -> Draw:
    draw_id = draw_id or uuid7()
    seed = secrets.token_hex(32)
    commitment = draw_recipe.commitment(seed)
    conn.execute(
        "INSERT INTO lucky_draws (id, month, prize, prizes, replaces, commitment, created_at, created_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [draw_id, month, prize, prizes, replaces, commitment, now, by],
    )
    conn.execute("INSERT INTO lucky_draw_seeds VALUES (?, ?)", [draw_id, seed])
    after = {"month": month, "prizes": prizes, "commitment": commitment, "replaces": replaces}
    audit.deed(conn, now, "draw.created", f"draw:{draw_id}", by, after=after)
    _fill(conn, _draw(conn, draw_id))
    return _draw(conn, draw_id)


def _fill(conn: sqlite3.Connection, begun: Draw) -> Filled:
    players = set(draw_entries.eligible(conn, begun.month)) - _absent(conn, begun)
    return draw_entries.fill(conn, begun.id, players)


def _require(held: Draw | None, state: State) -> Draw:
    if held is None:
        raise HallError("draw_unknown")
    if held.state != state:
        raise HallError(f"draw_{held.state}")
    return held


def _absent(conn: sqlite3.Connection, held: Draw) -> set[str]:
    """Who won a draw that this one replaces, and was not there."""
    gone: set[str] = set()
    while held.replaces is not None:
        before = _draw(conn, held.replaces)
        if before.reason == "absent":
            gone |= {one.player_id for one in draw_entries.entries(conn, before.id) if one.place and one.player_id}
        held = before
    return gone


def _draw(conn: sqlite3.Connection, draw_id: str) -> Draw:
    """A draw that is there, as it stands now."""
    (found,) = _draws(conn, "d.id = ?", draw_id)
    return found


def _draws(conn: sqlite3.Connection, where: str, *values: str | int) -> list[Draw]:
    rows = conn.execute(
        "SELECT d.*, (SELECT count(*) FROM lucky_draw_entries e WHERE e.draw_id = d.id) AS tickets"
        f" FROM lucky_draws d WHERE {where}",
        values,
    ).fetchall()
    return [_from_row(row, draw_entries.winners(conn, row["id"])) for row in rows]


def _from_row(row: sqlite3.Row, winners: tuple[Ticket, ...]) -> Draw:
    return Draw(
        id=row["id"],
        month=row["month"],
        prize=row["prize"],
        prizes=row["prizes"],
        state=next((state for column, state in _STATES if row[column] is not None), "open"),
        commitment=row["commitment"],
        tickets=row["tickets"],
        created_at=row["created_at"],
        replaces=row["replaces"],
        frozen_at=row["frozen_at"],
        entries_hash=row["entries_hash"],
        call=row["call"],
        seed=row["seed"],
        drawn_at=row["drawn_at"],
        voided_at=row["voided_at"],
        reason=row["reason"],
        winners=winners,
    )


def _undo_created(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    """A draw made by mistake, as long as nothing but its seed was promised."""
    draw_id = deed.subject.removeprefix("draw:")
    if not _still_open(conn, deed):
        raise HallError("undo_too_late")
    void(conn, draw_id, "mistake", by=by, now=stamp(now))


def _still_open(conn: sqlite3.Connection, deed: Deed) -> bool:
    held = get_draw(conn, deed.subject.removeprefix("draw:"))
    return held is not None and held.state == "open"


UNDO = {"draw.created": _undo_created}
STILL = {"draw.created": _still_open}
