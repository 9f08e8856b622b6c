"""What staff do at the tables: they start, join, move and stop what goes on there, sitting and clock together.

Every deed is one line of the audit, so that one tap takes it back (`edge.hall.floor_undo`). A page that is out of
date does no harm: a start wants a free table, a stop and a move want the state that the page showed
(`edge.hall.glance.Seen.mark`).
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from edge.clock import stamp
from edge.hall import audit, clocks
from edge.hall.clocks import Clock, ClockError
from edge.hall.glance import Seen, look_at, whereabouts
from edge.hall.occasion import Occasion
from edge.hall.players import get_player, new_guest
from edge.hall.sessions import Session, open_sessions
from edge.hall.sitting import leave_table, move_table, start_match, start_practice
from edge.hall.tables import HallTable, TableError, label_now

LOOKED_BACK = 8  # deeds on one table, among which one that was sent twice is found


@dataclass(frozen=True, slots=True)
class Hand:
    """Who of the staff acts, when, and at what price of the hall's; clocks count in steps of `step_min`."""

    by: str
    now: datetime
    day: str
    cents_per_hour: int = 0
    step_min: int = 1

    @property
    def stamp(self) -> str:
        return stamp(self.now)

    def at(self, table: HallTable) -> Occasion:
        return Occasion(self.now, self.day, table.label)

    def price(self, table: HallTable) -> int:
        return table.price(self.cents_per_hour)


@dataclass(frozen=True, slots=True)
class Start:
    """Who begins: nobody by name (the clock alone), one who practises, or the two of a match.

    None among the players stands for a guest; `once` is what the page made up for this one start.
    """

    once: str
    players: tuple[str | None, ...] = ()
    game: str = "8-ball"
    race_to: int = 1
    clock: bool = True


def start(conn: sqlite3.Connection, table: HallTable, wish: Start, hand: Hand) -> bool:
    """Begins at a table where nobody sits; a clock that runs there goes on. False when this was done already.

    Raises HallError.
    """
    if _done_already(conn, table, wish.once):
        return False
    seen = look_at(conn, _there(table))
    if seen.sitting.taken or (seen.clock is not None and not wish.players):
        raise TableError("table_taken")
    if seen.state == "left":  # what they owe would become somebody else's
        raise TableError("table_clock_runs")
    if not wish.players and not wish.clock:
        raise TableError("table_nobody")
    here = hand.at(table)
    _sit_down(conn, here, wish, _people(conn, here, wish.players))
    begun = None
    if wish.clock and seen.clock is None:
        begun = clocks.start_clock(conn, here, hand.price(table), hand.step_min)
    after = {"once": wish.once, "sessions": ids(open_sessions(conn, table.label)), "clock": id_of(begun)}
    audit.deed(conn, hand.stamp, "table.started", f"table:{table.id}", hand.by, after=after)
    return True


def join(conn: sqlite3.Connection, table: HallTable, wish: Start, hand: Hand) -> bool:
    """Somebody comes to the one who practises there, and the two begin a match. False when this was done already.

    `wish.players` is the one who comes. Raises HallError.
    """
    if _done_already(conn, table, wish.once):
        return False
    sitting = look_at(conn, _there(table)).sitting
    if len(sitting.sessions) != 1 or sitting.match is not None:
        raise TableError("table_changed")
    here, first, guests = hand.at(table), sitting.sessions[0], int(sitting.players[0].guest)
    second = _people(conn, here, wish.players, guests)[0]
    if first.player_id == second:
        raise TableError("table_two_alike")
    match = start_match(conn, (first.player_id, second), wish.game, wish.race_to, here)
    after = {"once": wish.once, "sessions": ids(open_sessions(conn, table.label)), "match": match.id}
    before = {"session": first.id, "since": stamp(first.started_at), "day": first.day}
    audit.deed(conn, hand.stamp, "table.joined", f"table:{table.id}", hand.by, before=before, after=after)
    return True


def stop(conn: sqlite3.Connection, table: HallTable, mark: str, hand: Hand) -> Clock | None:
    """Ends what goes on at a table, and its clock, which is returned. Where nothing goes on nothing happens.

    Raises HallError when something else goes on than the page showed.
    """
    seen = look_at(conn, table)
    if not seen.sitting.taken and seen.clock is None:
        return None
    _require_mark(seen, mark)
    match = seen.sitting.match
    left = leave_table(conn, table.label, hand.now, "staff", hand.now)
    if seen.clock is not None:
        clocks.stop_clock(conn, seen.clock.id, hand.now)
    broken_off = match is not None and match.status == "open"
    after = {
        "sessions": ids(left),
        "clock": id_of(seen.clock),
        "match": match.id if match is not None and broken_off else None,
    }
    audit.deed(conn, hand.stamp, "table.stopped", f"table:{table.id}", hand.by, after=after)
    return None if seen.clock is None else clocks.get_clock(conn, seen.clock.id)


def move(conn: sqlite3.Connection, table: HallTable, to: HallTable, mark: str, hand: Hand) -> None:
    """Sitting and clock go on at another table, which must be free. Raises HallError."""
    seen, target = look_at(conn, table), look_at(conn, _there(to))
    if seen.state == "free":
        raise TableError("table_changed")
    _require_mark(seen, mark)
    _require_free(target)
    moved = move_table(conn, table.label, to.label, hand.now)
    if seen.clock is not None:
        clocks.move_clock(conn, seen.clock.id, hand.at(to), hand.price(to))
    after = {"to": to.id, "sessions": ids(moved), "clock": id_of(seen.clock)}
    audit.deed(conn, hand.stamp, "table.moved", f"table:{table.id}", hand.by, after=after)


def start_clock(conn: sqlite3.Connection, table: HallTable, hand: Hand, *, from_check_in: bool) -> None:
    """The clock of those who checked in by themselves, from now or from their check-in; one that runs goes on.

    Raises HallError where nobody is checked in.
    """
    seen = look_at(conn, _there(table))
    if seen.clock is not None:
        return
    since = seen.since
    if since is None:
        raise TableError("table_changed")
    begun = min(since, hand.now) if from_check_in else hand.now
    clock = clocks.start_clock(conn, hand.at(table), hand.price(table), hand.step_min, begun)
    audit.deed(conn, hand.stamp, "clock.started", f"clock:{clock.id}", hand.by)


def stop_clock(conn: sqlite3.Connection, clock: Clock, hand: Hand) -> None:
    """Stops a clock alone; those at the table play on."""
    if clocks.stop_clock(conn, clock.id, hand.now):
        audit.deed(conn, hand.stamp, "clock.stopped", f"clock:{clock.id}", hand.by)


def resume_clock(conn: sqlite3.Connection, clock: Clock, hand: Hand) -> None:
    """A clock that was stopped goes on at its table, as if it had not been. Raises HallError."""
    if clock.running:
        return
    if clock.voided:
        raise ClockError("clock_gone")
    clocks.resume_clock(conn, clock, label_now(conn, clock.table_label), hand.now)
    before = {"stopped": stamp_of(clock.stopped_at)}
    audit.deed(conn, hand.stamp, "clock.resumed", f"clock:{clock.id}", hand.by, before=before)


def correct_clock(conn: sqlite3.Connection, clock: Clock, which: clocks.End, moment: datetime, hand: Hand) -> None:
    """The clock began, or ended, at another moment. Raises HallError."""
    held = clock.start if which == "start" else clock.end
    if (clock.from_when if which == "start" else clock.until_when) == moment:
        return
    clocks.correct_clock(conn, clock, which, moment, hand.now)
    before, after = {"moment": stamp_of(held)}, {"which": which, "moment": stamp(moment)}
    audit.deed(conn, hand.stamp, "clock.corrected", f"clock:{clock.id}", hand.by, before=before, after=after)


def waive_clock(conn: sqlite3.Connection, clock: Clock, hand: Hand, *, waived: bool) -> None:
    """Nothing is to be paid for it; or it is after all."""
    if clock.waived != waived:
        clocks.waive_clock(conn, clock.id, hand.now, waived=waived)
        audit.deed(conn, hand.stamp, "clock.waived" if waived else "clock.charged", f"clock:{clock.id}", hand.by)


def ids(sessions: Sequence[Session]) -> list[str]:
    return [session.id for session in sessions]


def id_of(clock: Clock | None) -> str | None:
    return None if clock is None else clock.id


def stamp_of(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)


def _people(conn: sqlite3.Connection, here: Occasion, players: Sequence[str | None], guests: int = 0) -> list[str]:
    """Ids of those who come, new guests among them. Raises TableError for who can't."""
    named = [player_id for player_id in players if player_id is not None]
    if len(set(named)) < len(named):
        raise TableError("table_two_alike")
    where, found = whereabouts(conn), []
    for player_id in players:
        if player_id is None:
            guests += 1
            found.append(new_guest(conn, here.stamp, guests).id)
            continue
        player = get_player(conn, player_id)
        if player is None or player.erased:
            raise TableError("table_nobody")
        if where.get(player_id, here.table_label) != here.table_label:
            raise TableError("table_player_elsewhere")
        found.append(player_id)
    return found


def _sit_down(conn: sqlite3.Connection, here: Occasion, wish: Start, people: list[str]) -> None:
    if len(people) == 1:
        start_practice(conn, people[0], here)
    elif len(people) == 2:
        start_match(conn, (people[0], people[1]), wish.game, wish.race_to, here)


def _done_already(conn: sqlite3.Connection, table: HallTable, once: str) -> bool:
    """Whether this very start was sent before."""
    deeds = audit.about(conn, f"table:{table.id}", LOOKED_BACK)
    return any((deed.after or {}).get("once") == once for deed in deeds)


def _there(table: HallTable) -> HallTable:
    if table.retired:
        raise TableError("table_gone")
    return table


def _require_mark(seen: Seen, mark: str) -> None:
    if seen.mark != mark:
        raise TableError("table_changed")


def _require_free(seen: Seen) -> None:
    if seen.sitting.taken or seen.clock is not None:
        raise TableError("table_taken")
