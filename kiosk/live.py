"""The live stream: one watcher thread a process reads `live.json` and the store; every page open listens.

Nobody is queued for: a listener that is slow simply finds the latest state when it comes back, so old states
are dropped and a shot's card is not. The event of a card carries an id, `version@shot`. A page that
reconnects names the last one it saw (`Last-Event-ID`, or `after` in the address) and is given what came since.
"""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from edge.store.errors import StoreError
from kiosk.live_state import LoadWatch, Reading, file_stamp, read_live
from kiosk.records import Entry, Records

log = logging.getLogger(__name__)

LOOK_S = 1 / 40  # how often the file is looked at; states come 10 to 30 times a second
STORE_LOOK_S = 0.05
# A shot that was stored is entered where it counts in the next moment, and its card says what it counted. When
# nobody enters it (whoever stored it was killed) the card comes without.
BOOKED_WITHIN_S = 0.5
# Changes with a shot, and has a page of its own: not told again with every movement of a ball.
LEFT_OUT = ("feel", "condition", "quality")
BEAT_S = 5.0
WAKE_S = 1.0  # a listener looks up at least this often, to see the end of the process
REMEMBERED = 60  # cards kept for those who reconnect
SHOTS_ON_PAGE = 16
RETRY_MS = 1000


def event(name: str, data: str, key: str | None = None) -> str:
    """One server-sent event. Newlines in the data become lines of their own, those in the key vanish."""
    lines = [f"event: {name}"]
    if key is not None:
        lines.append("id: " + "".join(key.splitlines()).replace("\0", ""))
    lines += [f"data: {line}" for line in data.splitlines() or [""]]
    return "\n".join(lines) + "\n\n"


def event_id(key: str, version: str) -> str:
    """The id of a card's event: the shot as it stood."""
    return f"{version}@{key}"


class Renderer(Protocol):
    """How the stream's fragments become HTML."""

    def card(self, entry: Entry) -> str: ...

    def today(self) -> str: ...

    def play(self) -> tuple[str, str, str]:
        """A word for who sits at the table, the practice's or match's score, and both players' figures."""

    def status(self, name: str, message: str) -> tuple[str, str]:
        """The pill and the notice."""

    def care(self, cares: tuple[str, ...]) -> str:
        """The way to the table's condition, and whether something needs care."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A card that went out: its number in this process, the shot and its HTML."""

    number: int
    key: str
    version: str
    html: str

    @property
    def event_id(self) -> str:
        return event_id(self.key, self.version)


@dataclass
class Slots:
    """What there is to say, each with a number that grows when it changes."""

    live: tuple[int, str] = (0, "")
    fragments: dict[str, tuple[int, str]] = field(default_factory=dict)
    arrivals: deque[Arrival] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    arrived: int = 0


class Hub:
    """Watches, and tells everybody who listens."""

    def __init__(
        self,
        live_json: Path,
        records: Records,
        renderer: Renderer,
        hello: dict[str, str],
        max_listeners: int = 24,
    ) -> None:
        self._path = live_json
        self._records = records
        self._renderer = renderer
        self._hello = json.dumps(hello)
        self.max_listeners = max_listeners
        self.listeners = 0
        self.reading = Reading()
        self._slots = Slots()
        lock = threading.RLock()
        self._changed, self._looked = threading.Condition(lock), threading.Condition(lock)
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._load = LoadWatch()
        self._sensor = LoadWatch()
        self._known: dict[str, str] = {}
        self._version: int | None = None
        self._looks = 0
        self._unbooked_s: float | None = None
        self._day = ""
        self._status: tuple[str, str] | None = None
        self._cares: tuple[str, ...] | None = None

    # The watcher.

    def start(self) -> None:
        """Begins to watch, once; the first look at shots and counts is done when it returns."""
        with self._changed:
            if self._thread is not None or self._closing.is_set():
                return
            self._thread = threading.Thread(target=self._watch, name="live", daemon=True)
        self._look_at_live()
        self._thread.start()

    def close(self) -> None:
        """Ends the watcher and every stream; safe to call from a signal handler."""
        self._closing.set()

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        store_look_s = 0.0
        while not self._closing.wait(LOOK_S):
            try:
                self._look_at_live()
                if time.monotonic() >= store_look_s:
                    self._look_at_store()
                    with self._looked:
                        self._looks += 1
                        self._looked.notify_all()
                    store_look_s = time.monotonic() + STORE_LOOK_S
            except StoreError as error:
                log.warning("the shot book can't be read: %s", error)
                store_look_s = time.monotonic() + 2.0
            except Exception:  # the stream outlives whatever a state or a shot may hold
                log.exception("the live stream stumbled")
                store_look_s = time.monotonic() + 2.0

    def _look_at_live(self) -> None:
        if file_stamp(self._path) != self.reading.stamp:
            self.reading = read_live(self._path)
            if self.reading.state is not None:
                now_s, frames = time.monotonic(), self.reading.health("frames")
                self._load.note(now_s, frames, self.reading.camera("dropped_by_overload"))
                self._sensor.note(now_s, frames, self.reading.camera("dropped_by_sensor"))
                state = {name: part for name, part in self.reading.state.items() if name not in LEFT_OUT}
                state["ball_set"] = self.reading.ball_set
                text = json.dumps(state, separators=(",", ":"))
                with self._changed:
                    self._slots.live = (self._slots.live[0] + 1, text)
                    self._changed.notify_all()
        else:
            age_s = max(0.0, time.time() - self.reading.stamp[1] / 1e9)
            self.reading = Reading(self.reading.state, age_s, self.reading.stamp)
        self._tell_status()

    def current_status(self) -> str:
        """The status with what only watching tells: frames are being dropped, by the box or by the camera."""
        status = self.reading.status
        if status == "live" and self._load.overloaded:
            return "overloaded"
        return "camera-skips" if status == "live" and self._sensor.overloaded else status

    def _tell_status(self) -> None:
        status = (self.current_status(), self.reading.message)
        if status != self._status:
            self._status = status
            pill, notice = self._renderer.status(*status)
            self._say("status", pill)
            self._say("notice", notice)
        if self.reading.cares != self._cares:
            self._cares = self.reading.cares
            self._say("care", self._renderer.care(self._cares))

    def _look_at_store(self) -> None:
        version, day = self._records.version(), self._records.day()
        if (version, day) == (self._version, self._day) or self._is_being_booked():
            return
        newest_first = self._records.recent(REMEMBERED)
        for entry in reversed(newest_first):
            if self._known.get(entry.key) != entry.version:
                self._arrive(entry)
        self._known = {entry.key: entry.version for entry in newest_first}
        self._forget_others()
        self._version, self._day = version, day
        self._say("today", self._renderer.today())
        seat, score, duel = self._renderer.play()
        self._say("score", score)
        self._say("duel", duel)
        self._say("seat", seat)

    def _is_being_booked(self) -> bool:
        """Whether what a shot counts will be known in a moment."""
        if not self._records.unbooked():
            self._unbooked_s = None
            return False
        now_s = time.monotonic()
        self._unbooked_s = now_s if self._unbooked_s is None else self._unbooked_s
        return now_s - self._unbooked_s < BOOKED_WITHIN_S

    def _arrive(self, entry: Entry) -> None:
        """Puts a card on the line; what was there before anybody watched is kept for those who reconnect."""
        html = self._renderer.card(entry)
        slots = self._slots
        with self._changed:
            slots.arrived += 1
            slots.arrivals.append(Arrival(slots.arrived, entry.key, entry.version, html))
            self._changed.notify_all()

    def _forget_others(self) -> None:
        """A card that stands otherwise now, or whose shot was erased, is told to nobody any more."""
        with self._changed:
            now = [a for a in self._slots.arrivals if self._known.get(a.key) == a.version]
            self._slots.arrivals.clear()
            self._slots.arrivals.extend(now)

    def _say(self, name: str, html: str) -> None:
        with self._changed:
            number, before = self._slots.fragments.get(name, (0, ""))
            if number and before == html:
                return
            self._slots.fragments[name] = (number + 1, html)
            self._changed.notify_all()

    # The listeners.

    def stream(self, last_seen: str | None) -> Iterator[str]:
        """The events for one listener, until it leaves or the process ends.

        `last_seen` is the event id of the newest card the page shows; None when it shows none.
        """
        with self._changed:
            self.listeners += 1
        try:
            yield f"retry: {RETRY_MS}\n\n" + event("hello", self._hello)
            yield from self._follow(last_seen)
        finally:
            with self._changed:
                self.listeners -= 1

    def _follow(self, last_seen: str | None) -> Iterator[str]:
        told: dict[str, int] = {}
        card_number = self._place_of(last_seen)
        beat_s = time.monotonic() + BEAT_S
        while not self._closing.is_set():
            with self._changed:
                texts, card_number = self._news(told, card_number)
                if not texts:
                    self._changed.wait(WAKE_S)
                    texts, card_number = self._news(told, card_number)
            if texts:
                yield "".join(texts)
                beat_s = time.monotonic() + BEAT_S
            elif time.monotonic() >= beat_s:
                yield event("beat", "")
                beat_s = time.monotonic() + BEAT_S

    def _place_of(self, last_seen: str | None) -> int:
        """The number of the card after which a listener wants the rest; a page without cards wants all."""
        with self._changed:
            if self._looks == 0 or all(a.event_id != last_seen for a in self._slots.arrivals):
                # The page may know a shot that the watcher has yet to read. A failing store is not waited for.
                enough = self._looks + 2
                self._looked.wait_for(lambda: self._looks >= enough or self._closing.is_set(), timeout=2.0)
            arrivals, arrived = list(self._slots.arrivals), self._slots.arrived
        exact = [a.number for a in arrivals if a.event_id == last_seen]
        if exact:
            return exact[0]
        # Seen before this process began, and amended since: its card is told again as it stands now.
        same_shot = [a.number - 1 for a in arrivals if last_seen and a.key == last_seen.partition("@")[2]]
        if same_shot:
            return same_shot[0]
        shown = arrivals[-SHOTS_ON_PAGE:]
        return shown[0].number - 1 if shown else arrived

    def _news(self, told: dict[str, int], card_number: int) -> tuple[list[str], int]:
        """What a listener has not been told yet; call it with the lock in hand."""
        texts = []
        for arrival in self._slots.arrivals:
            if arrival.number > card_number:
                texts.append(event("shot", arrival.html, arrival.event_id))
                card_number = arrival.number
        for name, (number, html) in self._slots.fragments.items():
            if told.get(name) != number:
                texts.append(event(name, html))
                told[name] = number
        number, state = self._slots.live
        if state and told.get("live") != number:
            texts.append(event("live", state))
            told["live"] = number
        return texts, card_number
