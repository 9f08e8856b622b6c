"""Closing months: what is due in which hall, asked of the data at every turn.

A turn looks for halls with a local month that has ended and is not decided, and takes each as far as it can go: to
grace, to frozen, to decided. Some hundred halls are one transaction, so a program that is killed leaves whole
halls, and the next goes on with the rest. Two at once wait for each other's halls, and find them done.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from edge.clock import from_stamp, stamp
from sync.cloud import members, names, periods, rewards, rules, standings
from sync.cloud.db import Conn, Database
from sync.cloud.deciding import Award, Decision, Score, decide
from sync.cloud.halls import zone_of
from sync.cloud.periods import OPEN_STATES, Period
from sync.cloud.rules import Rules

log = logging.getLogger(__name__)

AT_ONCE = 200  # halls in a transaction


@dataclass(slots=True)
class Closed:
    """What a turn did: how many halls' months were frozen, decided, and how many rewards that gave."""

    frozen: int = 0
    decided: int = 0
    rewards: int = 0


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be decided of a month if that were now, for a person to look at.

    `names` are those the hall tells; `passed_over` whom a person has passed over, with why; `decides_at` is when
    it is decided by itself, None where it is not, or is not frozen yet.
    """

    period: Period
    rules: Rules
    decision: Decision
    names: dict[str, str] = field(default_factory=dict)
    passed_over: dict[str, str] = field(default_factory=dict)
    decides_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Month:
    """A month of the halls of one zone, which ended then."""

    zone: str
    period: str
    ended: datetime


def close_due(db: Database, now: datetime, stopping: Callable[[], bool] = lambda: False) -> Closed:
    """Takes every hall's months as far as they can go. Raises StoreError, and then what was done stays done."""
    with db.read() as conn:
        zones = periods.zones(conn)
    done = Closed()
    for name in zones:
        zone = zone_of(name) or ZoneInfo("UTC")
        last = periods.previous(now, zone)
        with db.read() as conn:
            months = [*periods.undecided_before(conn, last), last]
        for month in months:
            _close_month(db, _Month(name, month, periods.end_of(month, zone)), now, done, stopping)
    return done


def _close_month(db: Database, month: _Month, now: datetime, done: Closed, stopping: Callable[[], bool]) -> None:
    after = ""
    while not stopping():
        with db.write() as conn:
            ids = periods.due_halls(conn, month.zone, month.period, after, AT_ONCE)
            if not ids:
                return
            _close_some(conn, ids, month, now, done)
        after = ids[-1]


def _close_some(conn: Conn, hall_ids: Sequence[str], month: _Month, now: datetime, done: Closed) -> None:
    found = periods.of_halls(conn, hall_ids, month.period)
    opened = [one for one in found.values() if one.state == "open"]
    periods.begin_grace(conn, opened, stamp(month.ended))
    to_freeze = [
        one for one in found.values() if one.state in OPEN_STATES and periods.is_told_whole(one, month.ended, now)
    ]
    periods.freeze(conn, to_freeze, now)
    done.frozen += len(to_freeze)
    just_now = {one.hall_id for one in to_freeze}
    ruled = rules.rules_of_all(conn, list(hall_ids))
    ready = [
        one
        for one in found.values()
        if (one.state == "frozen" or one.hall_id in just_now) and _is_looked_at(one, ruled[one.hall_id], now)
    ]
    done.decided += len(ready)
    done.rewards += _decide(conn, ready, ruled, now)


def _is_looked_at(period: Period, ruled: Rules, now: datetime) -> bool:
    """Whether it may be decided: a person said so, or had the time to look."""
    if period.confirmed_at is not None:
        return True
    due = decides_at(period, ruled, now)
    return due is not None and due <= now


def decides_at(period: Period, ruled: Rules, now: datetime) -> datetime | None:
    """When a month is decided by itself, None where it is not; one that is frozen just now has no stamp yet."""
    if period.held or ruled.look_hours is None:
        return None
    frozen_at = now if period.frozen_at is None else from_stamp(period.frozen_at)
    return frozen_at + timedelta(hours=ruled.look_hours)


def _decide(conn: Conn, ready: Sequence[Period], ruled: dict[str, Rules], now: datetime) -> int:
    if not ready:
        return 0
    month, hall_ids = ready[0].period, [one.hall_id for one in ready]
    scores = standings.scores_of(conn, hall_ids, month)
    over = periods.passed_over(conn, hall_ids, month)
    linked = members.of_halls(conn, hall_ids)
    taken = _rewarded(conn, month, linked)
    booked: list[tuple[str, str, Award, str | None]] = []
    decided = []
    for period in ready:
        hall_id = period.hall_id
        barred = over.get(hall_id, {}).keys() | _elsewhere(hall_id, linked[hall_id], taken)
        decision = decide(scores[hall_id], ruled[hall_id], barred)
        for one in decision.awards:
            member_id = linked[hall_id].get(one.score.player)
            booked.append((hall_id, month, one, member_id))
            if member_id is not None:
                taken.setdefault(member_id, set()).add(hall_id)
        decided.append((period, json.dumps(ruled[hall_id].to_json(), sort_keys=True), decision.nobody))
    rewards.book(conn, booked, now)
    standings.mark_winners(conn, month, [(hall_id, one.score) for hall_id, _, one, _ in booked])
    periods.keep_decided(conn, decided, now)
    return len(booked)


def preview(conn: Conn, hall_id: str, month: str, now: datetime) -> Preview:
    """What would be decided of a hall's month; nothing is written."""
    return previews(conn, [hall_id], month, now)[hall_id]


def previews(conn: Conn, hall_ids: Sequence[str], month: str, now: datetime) -> dict[str, Preview]:
    """The same of some halls, by hall; asked of the database together."""
    if not hall_ids:
        return {}
    known = periods.found_of_halls(conn, hall_ids, month)
    ruled = rules.rules_of_all(conn, list(hall_ids))
    scores = standings.scores_of(conn, hall_ids, month)
    over = periods.passed_over(conn, hall_ids, month)
    linked = members.of_halls(conn, hall_ids)
    taken = _rewarded(conn, month, linked)
    found = {}
    for hall_id in hall_ids:
        barred = over.get(hall_id, {}).keys() | _elsewhere(hall_id, linked[hall_id], taken)
        period = known.get(hall_id) or Period(hall_id, month, "open")
        at = decides_at(period, ruled[hall_id], now) if period.state == "frozen" else None
        decision = decide(scores[hall_id], ruled[hall_id], barred)
        found[hall_id] = Preview(period, ruled[hall_id], decision, {}, over.get(hall_id, {}), at)
    shown = [(one, player) for one, it in found.items() for player in _shown(it.decision, it.passed_over)]
    named = names.names_in_halls(conn, shown)
    return {hall_id: replace(it, names=named.get(hall_id, {})) for hall_id, it in found.items()}


def confirm(conn: Conn, hall_id: str, month: str, now: datetime) -> bool:
    """A person has looked at a frozen month: it is decided now; whether it was there to be decided.

    Within a transaction for writing, so that what was looked at can be compared in the same.
    """
    period = periods.lock(conn, hall_id, month)
    if period.state != "frozen":
        return False
    periods.confirm(conn, period, now)
    _decide(conn, [period], {hall_id: rules.rules_of(conn, hall_id)}, now)
    return True


def _rewarded(conn: Conn, month: str, linked: Mapping[str, Mapping[str, str]]) -> dict[str, set[str]]:
    """In which halls the members among these players, by hall and player, have a reward of the month."""
    return rewards.halls_with(conn, month, [one for of_hall in linked.values() for one in of_hall.values()])


def _elsewhere(hall_id: str, linked: Mapping[str, str], taken: Mapping[str, set[str]]) -> set[str]:
    """The players of a hall, `linked` to their members, who have a reward of the month in another."""
    return {player for player, member_id in linked.items() if taken.get(member_id, set()) - {hall_id}}


def _shown(decision: Decision, over: dict[str, str]) -> list[str]:
    scores: list[Score] = [one.score for one in decision.awards]
    scores += [one.score for some in decision.near.values() for one in some]
    return list({one.player for one in scores} | set(over))
