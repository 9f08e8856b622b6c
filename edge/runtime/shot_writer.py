"""The writer thread: every shot seen goes through it into the store, however long that can't be written."""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from calibration.whole_file import replace_file
from edge.bookkeeper import Bookkeeper
from edge.clock import from_stamp, stamp
from edge.store.database import Store
from edge.store.errors import StoreError
from edge.store.shots import Source, store_shot, store_source
from vision.live import WriterState
from vision.model import Shot, shot_from_json, shot_to_json

# Days of play. Beyond it seeing waits, frames are dropped and counted, and no shot is lost.
QUEUE_SHOTS = 10_000
FIRST_RETRY_S = 0.1
LAST_RETRY_S = 5.0
# One try waits 5 s for a store that is held, and for a slow card to take what it was given.
HANGS_AFTER_S = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SeenShot:
    """A shot with what the store wants to know besides; `ball_set` names the set in play."""

    source: Source
    shot: Shot
    played_at: datetime
    ball_set: str | None = None


class ShotWriter:
    """Stores shots in order, in a thread of its own, each tried again until it is stored.

    What can't be stored before the service ends is left in the first of the `spools` that can be written, and
    taken up at the next start; a shot that was stored after all is known by its key. A shot that the store
    will never take goes to `rejected`, a line each, so that it does not hold up the others.
    """

    def __init__(
        self,
        store: Store,
        spools: Sequence[Path],
        rejected: Path,
        queue_shots: int = QUEUE_SHOTS,
        bookkeeper: Bookkeeper | None = None,
    ) -> None:
        self.stored = 0
        self.conflicts = 0
        self.rejected = 0
        self.problem: str | None = None
        self.left_behind = False  # then its connection is in use for ever, and closing it would be the end
        self._store = store
        self._spools = tuple(spools)
        self._rejected = rejected
        self._limit = queue_shots
        self._bookkeeper = bookkeeper
        self._waiting: deque[SeenShot] = deque()
        self._changed = threading.Condition()
        self._ending = False
        self._afterwards: Callable[[], None] | None = None
        self._hurry = threading.Event()
        self._trying_from_s: float | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Begins to write, with what an earlier run left behind."""
        for spool in self._spools:
            self._waiting.extend(_read_spool(spool))
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many shots are not stored yet."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether `add` waits for room."""
        return len(self._waiting) >= self._limit

    @property
    def refused(self) -> int:
        """How many the store would not take: kept aside, or there with other content."""
        return self.conflicts + self.rejected

    @property
    def state(self) -> WriterState:
        """How it stands, for whoever looks; any thread may ask."""
        return WriterState(self.waiting, self._limit, self.stored, self.refused)

    def why_not(self, hangs_after_s: float = HANGS_AFTER_S) -> str | None:
        """Why this thread does not live; None when it does, be it that it tries the same shot again and again."""
        if not (self._thread.is_alive() or self._ending):
            return "the thread that stores shots has ended"
        from_s = self._trying_from_s
        if from_s is not None and time.monotonic() - from_s > hangs_after_s:
            return f"storing a shot hangs for {hangs_after_s:.0f} s"
        return None

    def add(self, seen: SeenShot) -> None:
        """Takes a shot over. Returns at once, unless the queue is full: then when there is room."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < self._limit or self._ending)
            self._waiting.append(seen)
            self._changed.notify_all()

    def afterwards(self, act: Callable[[], None]) -> None:
        """Lets this thread do something, once, when no shot waits. Told again before that, it does the latter."""
        with self._changed:
            self._afterwards = act
            self._changed.notify_all()

    def stop(self, timeout_s: float = 5.0) -> int:
        """Stores what waits, at most for `timeout_s`, spools the rest and returns how many those were."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        self._thread.join(timeout_s)
        self._hurry.set()
        self._thread.join(2 * timeout_s)
        if self._thread.is_alive():  # the disk hangs: what waits is kept in memory first, and known by its keys
            log.error("the thread that stores shots hangs; it is left behind")
            self.left_behind = True
            self._keep_for_later(self._spools[::-1])
            return self.waiting
        if self._waiting:
            self._keep_for_later(self._spools)
        self._act_afterwards()
        return self.waiting

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting or self._afterwards) or self._ending)
                first = self._waiting[0] if self._waiting else None
                if first is None and self._afterwards is None:
                    return
            if first is None:
                self._act_afterwards()
                continue
            if not self._store_until_done(first):
                return
            with self._changed:
                self._waiting.popleft()
                if not self._waiting:
                    self._forget_spools()
                self._changed.notify_all()

    def _act_afterwards(self) -> None:
        with self._changed:
            act, self._afterwards = self._afterwards, None
        if act is None:
            return
        try:
            with self._a_try():
                act()
        except Exception:  # it must not cost a shot
            log.exception("what was to be done after the last shot failed")

    def _store_until_done(self, seen: SeenShot) -> bool:
        """Tries until the shot is stored; False when told to hurry before that."""
        delay_s = FIRST_RETRY_S
        while True:
            try:
                with self._a_try():
                    self._store_once(seen)
            except StoreError as error:
                if self.problem is None:
                    log.warning("shots can't be stored: %s", error)
                self.problem = str(error)
            except Exception:  # it would fail for ever: keep it aside, whole, for a person to look at
                log.exception("shot %s is refused by the store; kept in %s", seen.shot.id, self._rejected)
                self._reject(seen)
                return True
            else:
                if self.problem is not None:
                    log.warning("shots are stored again")
                self.problem = None
                return True
            if self._hurry.wait(delay_s):
                return False
            delay_s = min(2 * delay_s, LAST_RETRY_S)

    def _store_once(self, seen: SeenShot) -> None:
        with self._store.write() as conn:
            store_source(conn, seen.source)
            outcome = store_shot(conn, seen.shot, seen.source.id, seen.played_at, seen.ball_set)
        if outcome == "conflict":
            self.conflicts += 1
            log.error("shot %s is stored with other content, which stays", seen.shot.id)
        elif outcome in ("stored", "amended"):
            self.stored += 1
        self._book()

    def _book(self) -> None:
        """Enters what is stored where it counts; what fails now is entered after the next shot."""
        if self._bookkeeper is None:
            return
        try:
            self._bookkeeper.book(self._got_on)
        except Exception as error:  # the shot is stored, and that is what this thread is for
            log.warning("shots can't be booked: %s", error)

    @contextmanager
    def _a_try(self) -> Iterator[None]:
        self._got_on()
        try:
            yield
        finally:
            self._trying_from_s = None

    def _got_on(self) -> None:
        self._trying_from_s = time.monotonic()

    def _reject(self, seen: SeenShot) -> None:
        self.rejected += 1
        try:
            with self._rejected.open("ab") as file:
                file.write(_spooled([seen]) + b"\n")
        except OSError as error:
            log.warning("%s can't be written: %s", self._rejected, error)

    def _keep_for_later(self, spools: Sequence[Path]) -> None:
        for spool in spools:
            try:
                replace_file(spool, _spooled(tuple(self._waiting)), durable=True)
            except OSError as error:
                log.warning("%s can't be written: %s", spool, error)
            else:
                log.error("%d shots could not be stored (%s); kept in %s", self.waiting, self.problem, spool)
                return

    def _forget_spools(self) -> None:
        for spool in self._spools:
            try:
                spool.unlink(missing_ok=True)
            except OSError as error:  # harmless: what it holds is known by its keys
                log.warning("%s can't be removed: %s", spool, error)


def _spooled(shots: Iterable[SeenShot]) -> bytes:
    rows = [
        {
            "source": asdict(s.source),
            "shot": shot_to_json(s.shot),
            "played_at": stamp(s.played_at),
            "ball_set": s.ball_set,
        }
        for s in shots
    ]
    return json.dumps(rows).encode()


def _seen(row: dict[str, Any]) -> SeenShot:
    # An earlier version's spool names no ball set.
    source, shot = Source(**row["source"]), shot_from_json(row["shot"])
    return SeenShot(source, shot, from_stamp(row["played_at"]), row.get("ball_set"))


def _read_spool(path: Path) -> list[SeenShot]:
    try:
        rows = json.loads(path.read_bytes())
        return [_seen(row) for row in rows]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s can't be read (%s): it is put aside as .unreadable", path, error)
        path.replace(path.with_suffix(".unreadable"))
        return []
