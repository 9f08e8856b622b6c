"""What the owner's page shows: every hall with its boxes, what is wrong, how much was played."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from edge.clock import from_stamp
from sync.cloud import boxes, days, devices, halls, inbox
from sync.cloud.boxes import Box, Said
from sync.cloud.days import HallDay
from sync.cloud.db import Conn
from sync.cloud.devices import Device
from sync.cloud.halls import Hall

DAYS = 14
AT_ONCE = 40  # halls on a page
MANY, KEPT_FOR = 500, timedelta(seconds=30)
MOST_HALLS, MOST_ASKED = 1_000_000, 10_000
LIVE = timedelta(minutes=5)  # a hub says hello every minute
FEW_UNSENT = 50  # as many wait while somebody plays

State = Literal["live", "silent", "unknown", "never"]
Care = Literal["bad", "warn", "ok"]
_CARES: tuple[Care, ...] = ("bad", "warn", "ok")


@dataclass(frozen=True, slots=True)
class BoxView:
    """A box of a hall. `silent_for` and `behind_for` are None where that can't be told; `words` says what calls
    for care most."""

    label: str
    is_hub: bool
    version: str
    state: State
    silent_for: timedelta | None
    unsent: int
    behind_for: timedelta | None
    care: Care
    words: str
    advice: str
    more: int


@dataclass(frozen=True, slots=True)
class HallView:
    """A hall. `days` has None for a day of which nothing was told; the last is today in the hall."""

    hall: Hall
    state: State
    heard_for: timedelta | None
    hubs: int
    set_aside: int
    boxes: tuple[BoxView, ...]
    first_day: str = ""
    last_day: str = ""
    days: tuple[HallDay | None, ...] = ()

    @property
    def care(self) -> Care:
        if self.state == "silent":
            return "bad"
        found = {box.care for box in self.boxes} | ({"warn"} if self.set_aside or self.hubs > 1 else set())
        return next((care for care in _CARES if care in found), "ok")

    @property
    def live(self) -> int:
        return sum(box.state == "live" for box in self.boxes)


@dataclass(frozen=True, slots=True)
class Overview:
    """A page of the halls, those that call for care first, and figures over all of them."""

    halls: tuple[HallView, ...]
    count: int
    boxes: int
    live: int
    in_need: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Standing:
    """All halls in the order in which they are shown, and figures over them, as they were at that moment."""

    at: datetime
    ids: tuple[str, ...]
    boxes: int
    live: int
    in_need: int


class Memory:
    """How many halls stand, kept for a while: to look at each for every page would take long. Few are looked at
    each time."""

    def __init__(self) -> None:
        self._kept: Standing | None = None

    def standing(self, conn: Conn, now: datetime) -> Standing:
        kept = self._kept
        if kept is not None and timedelta(0) <= now - kept.at < KEPT_FOR:
            return kept
        found = _standing(conn, now)
        self._kept = found if len(found.ids) > MANY else None
        return found


def look(conn: Conn, now: datetime, memory: Memory, page: int = 1) -> Overview:
    """All halls, of which those of one page are looked at as they are now, with their days."""
    standing = memory.standing(conn, now)
    pages = max(1, -(-len(standing.ids) // AT_ONCE))
    page = min(max(1, page), pages)
    ids = standing.ids[AT_ONCE * (page - 1) : AT_ONCE * page]
    seen = {one.hall.id: one for one in _seen(conn, halls.some(conn, ids), now)}
    shown = [seen[hall_id] for hall_id in ids if hall_id in seen]
    return Overview(
        tuple(_with_days(conn, shown, now)),
        len(standing.ids),
        standing.boxes,
        standing.live,
        standing.in_need,
        page,
        pages,
    )


def _standing(conn: Conn, now: datetime) -> Standing:
    seen = _seen(conn, halls.halls(conn, limit=MOST_HALLS), now)
    seen.sort(key=lambda one: (_CARES.index(one.care), one.state == "never"))
    return Standing(
        now,
        tuple(one.hall.id for one in seen),
        sum(len(one.boxes) for one in seen),
        sum(one.live for one in seen),
        sum(one.care != "ok" for one in seen),
    )


def _seen(conn: Conn, found: Sequence[Hall], now: datetime) -> list[HallView]:
    """These halls with their boxes, in the order given."""
    ids = [hall.id for hall in found]
    hubs: dict[str, list[Device]] = {hall_id: [] for hall_id in ids}
    aside: dict[str, int] = {}
    for first in range(0, len(ids), MOST_ASKED):
        some = ids[first : first + MOST_ASKED]
        for hub in devices.devices_of(conn, some):
            hubs[hub.hall_id].append(hub)
        aside |= inbox.waiting_in(conn, some)
    return [_hall(hall, hubs[hall.id], aside.get(hall.id, 0), now) for hall in found]


def _hall(hall: Hall, hubs: Sequence[Device], set_aside: int, now: datetime) -> HallView:
    if not hubs or hubs[0].seen_at is None:
        return HallView(hall, "never", None, len(hubs), set_aside, ())
    hub = hubs[0]
    heard_for = now - from_stamp(hubs[0].seen_at)
    state: State = "live" if heard_for <= LIVE else "silent"
    lately = sum(one.seen_at is not None and now - from_stamp(one.seen_at) <= LIVE for one in hubs)
    said = boxes.said_of(hub.says)
    shown = tuple(_box(box, hub, said, state, now) for box in _in_order(_with_hub(hub, said)))
    return HallView(hall, state, _at_least_none(heard_for), max(1, lately), set_aside, shown)


def _with_hub(hub: Device, said: Said) -> list[Box]:
    """The boxes, the hub itself among them in any case."""
    if any(box.device == hub.id for box in said.boxes):
        return list(said.boxes)
    return [Box(hub.id, "Hub", "hub", said.version, None, 0, None, "ok", ()), *said.boxes]


def _in_order(found: list[Box]) -> list[Box]:
    return sorted(found, key=lambda box: [(len(part), part) for part in box.label.casefold().split()])


def _box(box: Box, hub: Device, said: Said, hub_state: State, now: datetime) -> BoxView:
    said_at = now if hub.said_at is None else from_stamp(hub.said_at)
    then = said_at + timedelta(seconds=hub.ahead_s)  # by the hub's own clock
    is_hub = box.device == hub.id
    unsent, since = (said.unsent, said.waiting_since) if is_hub else (box.unsent, box.waiting_since)
    behind_for = None if since is None or not unsent else _at_least_none(then - from_stamp(since))
    state, silent_for = _silence(box, hub_state, then)
    if is_hub and hub.seen_at is not None:
        state, silent_for = hub_state, _at_least_none(now - from_stamp(hub.seen_at))
    care, words, advice = _what_calls(box, state, unsent, behind_for)
    more = sum(finding.state in ("bad", "warn") for finding in box.findings) - bool(words and state == "live")
    return BoxView(
        box.label or "A box", is_hub, box.version, state, silent_for, unsent, behind_for, care, words, advice,
        max(0, more),
    )  # fmt: skip


def _silence(box: Box, hub_state: State, then: datetime) -> tuple[State, timedelta | None]:
    """Whether a box lives, and for how long it has been silent; of others than the hub, the hub must tell."""
    if box.seen_at is None or hub_state != "live":
        return "unknown", None
    silent_for = _at_least_none(then - from_stamp(box.seen_at))
    return ("live" if silent_for <= LIVE else "silent"), silent_for


def _at_least_none(duration: timedelta) -> timedelta:
    """What clocks that differ would make less than nothing."""
    return max(timedelta(0), duration)


def _what_calls(box: Box, state: State, unsent: int, behind_for: timedelta | None) -> tuple[Care, str, str]:
    if state == "silent":
        return "bad", "Nothing is heard of it.", "Look whether it has power and network."
    worst = next((one for name in ("bad", "warn") for one in box.findings if one.state == name), None)
    if box.worst != "ok" and worst is not None and worst.text:
        return box.worst, worst.text, worst.advice
    if box.worst != "ok":
        return box.worst, "A check of this box calls for a look.", "Run ladder doctor there."
    if unsent > FEW_UNSENT and behind_for is not None and behind_for > LIVE:
        return "warn", "What was played waits to be told.", ""
    return "ok", "", ""


def _with_days(conn: Conn, shown: Sequence[HallView], now: datetime) -> list[HallView]:
    today = {one.hall.id: now.astimezone(one.hall.zone_info).date() for one in shown}
    if not shown:
        return []
    first = min(today.values()) - timedelta(days=DAYS - 1)
    told = days.days_between(conn, list(today), first.isoformat(), max(today.values()).isoformat())
    found = []
    for one in shown:
        last = today[one.hall.id]
        names = [(last - timedelta(days=ago)).isoformat() for ago in reversed(range(DAYS))]
        those = tuple(told[one.hall.id].get(name) for name in names)
        found.append(
            HallView(
                one.hall, one.state, one.heard_for, one.hubs, one.set_aside, one.boxes, names[0], names[-1], those
            )
        )
    return found
