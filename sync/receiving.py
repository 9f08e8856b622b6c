"""A hub takes in a batch: every fact once, in its line's order; what can't be is set aside and holds up nothing.

The answer is made after the commit, so what is acknowledged is kept, whatever happens next. Nothing overtakes what
was told of the same before and is set aside for a time: a row stands as it was told last.
"""

import json
import logging
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from edge.clock import stamp
from edge.facts import Fact
from edge.hall.taking_in import TakingInError, Touched, about, is_new, settle, take_in
from edge.store import inbox
from edge.store.database import Store
from edge.store.inbox import REFERS_DUE, REFERS_TO_NOTHING, Line
from sync.protocol import MOST_AHEAD_S, Answer, Batch, Fate, ProblemError, Row, Sorted, contiguous, sort_rows

Aside = tuple[int, Fate, str]
FROM_THE_FUTURE = "it is from the future, by the hub's clock"
WAITS = "what was told of this before is set aside for a time"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Taking:
    """One transaction's taking in."""

    conn: sqlite3.Connection
    line: Line
    now: datetime
    touched: Touched = field(default_factory=Touched)
    aside: list[Aside] = field(default_factory=list)

    @property
    def latest(self) -> str:
        """The stamp up to which a fact is believed."""
        return stamp(self.now + timedelta(seconds=MOST_AHEAD_S))

    def keep(self, row: Row, fate: Fate, why: str, due: str | None = None, of: str | None = None) -> None:
        inbox.set_aside(
            self.conn, self.line, row.seq, row.fact, fate=fate, why=why, now=stamp(self.now),
            about=about(row.fact) if of is None else of, due=due,
        )  # fmt: skip
        self.aside.append((row.seq, fate, why))


def receive(store: Store, batch: Batch, signer: str, now: datetime) -> Answer:
    """Takes in a batch that `signer` has sent, up to the first gap in its line: what comes after one is not taken
    in and not acknowledged. Raises ProblemError; StoreError, and then nothing of it is kept."""
    if batch.head.device != signer:
        raise ProblemError(403, "another-device", "A box tells its own facts, and no other's.")
    with store.write() as conn:
        line = inbox.begin_line(conn, batch.head.device, batch.head.epoch, batch.head.begins)
        taking = _Taking(conn, line, now)
        upto = contiguous(line.upto, (row.seq for row in batch.rows))
        rows = tuple(row for row in batch.rows if row.seq <= upto)
        if rows:
            _take_rows(taking, rows)
            _try_again(conn, taking.touched, now)
        _settle(conn, taking.touched, now)
        inbox.keep_upto(conn, Line(line.device, line.epoch, upto))
    return Answer(upto, stamp(now), tuple(sorted(taking.aside)))


def try_again(store: Store, now: datetime) -> None:
    """Takes in what was set aside for a time and whose time has come, though nobody tells anything just now.
    Raises StoreError."""
    with store.write() as conn:
        touched = Touched()
        _try_again(conn, touched, now)
        _settle(conn, touched, now)


def _take_rows(taking: _Taking, rows: tuple[Row, ...]) -> None:
    conn, line = taking.conn, taking.line
    known = inbox.known_hashes(conn, line, rows[0].seq, rows[-1].seq)
    rows = _but_long_known(taking, rows, known)
    found = sort_rows(rows, known, inbox.known_keys(conn, [row.fact.key for row in rows]))
    for row in found.fresh:
        _take_fresh(taking, row)
    for row in found.spoilt:
        taking.keep(row, "dead", "its content is not what was written")
    for row in found.conflicting:
        _take_conflicting(taking, row)
    inbox.note(conn, line, ((row.seq, row.fact) for row in _come(found) if row.seq not in known))


def _but_long_known(taking: _Taking, rows: tuple[Row, ...], known: Mapping[int, str]) -> tuple[Row, ...]:
    """The rows without those that have come so long ago that it is not noted any more, or that their own box said
    are gone: they are taken in no second time, and there is nothing to compare them with."""
    long_ago = [row for row in rows if row.seq <= taking.line.upto and row.seq not in known]
    for row in long_ago:
        if row.sound and row.fact.kind == "erased":
            _take_conflicting(taking, row)
    return tuple(row for row in rows if row not in long_ago) if long_ago else rows


def _come(found: Sorted) -> tuple[Row, ...]:
    return (*found.fresh, *found.spoilt, *found.conflicting)


def _take_fresh(taking: _Taking, row: Row) -> None:
    if row.fact.created > taking.latest:
        taking.keep(row, "held", FROM_THE_FUTURE, row.fact.created)
        return
    waits = _waits(taking.conn, row.fact)
    if waits is not None:
        of, due = waits
        taking.keep(row, "held", WAITS, due, of)
        return
    try:
        take_in(taking.conn, row.fact, taking.touched)
    except TakingInError as error:
        why = str(error)
        taking.keep(row, "dead", why, REFERS_DUE if why == REFERS_TO_NOTHING else None)


def _take_conflicting(taking: _Taking, row: Row) -> None:
    why = "another content came under its number or key before"
    if row.fact.kind != "erased":
        taking.keep(row, "conflict", why)
        return
    try:  # it stands in the place of what must not be told any more
        take_in(taking.conn, row.fact, taking.touched)
    except TakingInError as error:
        taking.keep(row, "dead", str(error))


def _waits(conn: sqlite3.Connection, fact: Fact) -> tuple[str, str] | None:
    """What was told before of the same and is set aside for a time, and until when; None where nothing is."""
    if not inbox.anything_due(conn):
        return None
    for of in _shots_of(fact) if fact.kind == "erased" else [about(fact)]:
        due = inbox.waits_until(conn, of)
        if due is not None and not (due == REFERS_DUE and is_new(fact)):
            return of, due
    return None


def _shots_of(fact: Fact) -> list[str]:
    """What an erasure is about."""
    try:
        return [f"shot {shot_id}" for shot_id in json.loads(fact.body)["shots"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []


def _try_again(conn: sqlite3.Connection, touched: Touched, now: datetime) -> None:
    """What was set aside for a time, for what it refers to may have come, or its own time."""
    before = stamp(now + timedelta(seconds=MOST_AHEAD_S))
    got_on = True
    while got_on:
        got_on = False
        for one in inbox.to_try_again(conn, before):
            try:
                take_in(conn, one.fact, touched)
            except TakingInError as error:
                inbox.still_dead(conn, one, str(error))
            else:
                inbox.taken_in(conn, one, stamp(now))
                got_on = True


def _settle(conn: sqlite3.Connection, touched: Touched, now: datetime) -> None:
    """Makes anew what follows. Facts are kept though that may fail: what follows can be made anew any time."""
    conn.execute("SAVEPOINT settling")
    try:
        settle(conn, touched, now)
    except sqlite3.OperationalError:  # the disk, and not what was told
        raise
    except Exception:
        log.exception("what follows from these facts can't be made anew: %d matches", len(touched.matches))
        conn.execute("ROLLBACK TO settling")
    conn.execute("RELEASE settling")
