"""The cloud takes in a batch: every fact once; what can't be is set aside and holds up nothing.

One transaction a batch, and as many round trips to the database however many facts there are. The answer is made
after the commit, so what is acknowledged is kept, whatever happens next. A batch that is all new and as it should
be goes in by columns; any other is looked at fact by fact.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from edge.clock import stamp
from sync.cloud import days, inbox, standings
from sync.cloud.columns import Columns, read_columns
from sync.cloud.db import Conn, Database, DuplicateError
from sync.cloud.devices import Device
from sync.cloud.inbox import Line
from sync.cloud.kind import FOR_A_LATER_VERSION, UNKNOWN, DeadError, Kind, Told
from sync.protocol import MOST_AHEAD_S, Answer, Batch, Fate, ProblemError, Row, sort_rows, unpack

KINDS: dict[str, Kind] = {kind.name: kind for kind in (days.KIND, standings.KIND)}

Aside = tuple[int, Fate, str]


def receive(db: Database, body: bytes, device: Device, now: datetime) -> Answer:
    """Takes in a batch that `device` has sent. Raises ProblemError; StoreError, and then nothing of it is kept."""
    columns = read_columns(body, list(KINDS))
    if columns is not None and columns.head.device == device.id and max(columns.created) <= _latest(now):
        answer = _receive_columns(db, columns, device, now)
        if answer is not None:
            return answer
    return receive_one_by_one(db, unpack(body), device, now)


def receive_one_by_one(db: Database, batch: Batch, device: Device, now: datetime) -> Answer:
    """As `receive`, for any batch."""
    if batch.head.device != device.id:
        raise ProblemError(403, "another-device", "A hub tells its own facts, and no other's.")
    try:
        return _receive(db, batch, device, now)
    except DuplicateError:  # the same key has come from elsewhere at the same moment: now it is known
        return _receive(db, batch, device, now)


def take_up(db: Database, now: datetime, device_id: str | None = None) -> int:
    """Looks again at what was set aside for a time; returns how many facts were taken in. Raises StoreError.

    Of one device that is what was from the future; of all also what an earlier version of this program did not
    know.
    """
    whys = FOR_A_LATER_VERSION if device_id is None else ()
    taken = after = 0
    while True:
        with db.write() as conn:
            ids = inbox.due(conn, _latest(now), whys, list(KINDS), device_id=device_id, after=after)
            if not ids:
                return taken
            after = ids[-1]
            taken += sum(_take_up(conn, asides, now) for asides in _by_line(inbox.waiting(conn, ids)))


def _receive_columns(db: Database, found: Columns, device: Device, now: datetime) -> Answer | None:
    """None where some of it has come before, or is odd: nothing is kept of it then."""
    kind = KINDS[found.kind]
    contents = kind.read_all(found.bodies, found.created)
    if contents is None:
        return None
    told = list(map(Told, found.seqs, found.created, contents))
    try:
        with db.write() as conn:
            line = inbox.begin_line(conn, device.id, device.hall_id, found.head.epoch, found.head.begins)
            if inbox.known_hashes(conn, line, found.seqs[0], found.seqs[-1]) or inbox.holds_keys(conn, found.keys):
                return None
            inbox.keep_columns(conn, line, found, stamp(now))
            kind.take_in(conn, line, told)
            upto = inbox.keep_upto(conn, line, found.seqs)
    except DuplicateError:  # a key that has come before, of which the table itself knows
        return None
    return Answer(upto, stamp(now))


def _receive(db: Database, batch: Batch, device: Device, now: datetime) -> Answer:
    head, rows = batch.head, batch.rows
    with db.write() as conn:
        line = inbox.begin_line(conn, device.id, device.hall_id, head.epoch, head.begins)
        aside = _take_rows(conn, line, rows, now) if rows else []
        upto = inbox.keep_upto(conn, line, [row.seq for row in rows])
    return Answer(upto, stamp(now), tuple(aside))


def _take_rows(conn: Conn, line: Line, rows: Sequence[Row], now: datetime) -> list[Aside]:
    known = inbox.known_hashes(conn, line, rows[0].seq, rows[-1].seq)
    found = sort_rows(rows, known, inbox.known_keys(conn, [row.fact.key for row in rows]))
    fresh, doubled = _first_of_each_key(found.fresh)
    ready, dead = _read(fresh, now)
    _keep(conn, line, ready, now)
    asides: list[tuple[Row, Fate, str]] = dead
    asides += [(row, "dead", "its content is not what was written") for row in found.spoilt]
    asides += [
        (row, "conflict", "another content came under its number or key before")
        for row in (*found.conflicting, *doubled)
    ]
    for row, fate, why in asides:
        inbox.set_aside(conn, line, row, fate, why, holds=row.seq not in known, now=stamp(now))
    return sorted((row.seq, fate, why) for row, fate, why in asides)


def _first_of_each_key(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows of which each has a key of its own, and the rest."""
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.fact.key, row)
    return list(first.values()), [row for row in rows if first[row.fact.key] is not row]


def _read(rows: Iterable[Row], now: datetime) -> tuple[list[tuple[Row, Any]], list[tuple[Row, Fate, str]]]:
    """What can be taken in of rows, with what was read in each; and what not, with its fate."""
    latest = _latest(now)
    ready: list[tuple[Row, Any]] = []
    aside: list[tuple[Row, Fate, str]] = []
    for row in rows:
        kind = KINDS.get(row.fact.kind)
        if row.fact.created > latest:
            aside.append((row, "held", "it is from the future, by the cloud's clock"))
        elif kind is None:
            aside.append((row, "dead", UNKNOWN))
        else:
            try:
                ready.append((row, kind.read(row.fact)))
            except DeadError as error:
                aside.append((row, "dead", str(error)))
    return ready, aside


def _keep(conn: Conn, line: Line, ready: Sequence[tuple[Row, Any]], now: datetime) -> None:
    inbox.keep(conn, line, (row for row, _ in ready), stamp(now))
    by_kind: dict[str, list[Told]] = defaultdict(list)
    for row, content in ready:
        by_kind[row.fact.kind].append(Told(row.seq, row.fact.created, content))
    for name, told in by_kind.items():
        KINDS[name].take_in(conn, line, told)


def _take_up(conn: Conn, asides: Sequence[inbox.Aside], now: datetime) -> int:
    """Takes in what can be of one line's; the rest is dead. Returns how many were taken in."""
    of = {aside.row: aside for aside in asides}
    ready, dead = _read(of, now)
    _keep(conn, asides[0].line, ready, now)
    inbox.taken_in(conn, (of[row] for row, _ in ready), stamp(now))
    for row, _, why in dead:
        inbox.still_dead(conn, of[row], why)
    return len(ready)


def _by_line(asides: Iterable[inbox.Aside]) -> list[list[inbox.Aside]]:
    lines: dict[int, list[inbox.Aside]] = defaultdict(list)
    for aside in asides:
        lines[aside.line.id].append(aside)
    return list(lines.values())


def _latest(now: datetime) -> str:
    return stamp(now + timedelta(seconds=MOST_AHEAD_S))
