"""What the checks find, for pages that ask all the time: looked at anew when due, and seldom where it costs."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from edge.health.check import Check, Finding, Scene

# What took long waits longer: looking costs a hundredth of the time at most.
REST = 100.0


@dataclass(frozen=True, slots=True)
class _Kept:
    finding: Finding
    due_s: float


class HealthWatch:
    """The findings of one process. `scene` tells how the box is at that moment.

    Slow checks are looked at in a thread of their own; until the first time they are unknown.
    """

    def __init__(
        self,
        scene: Callable[[], Scene],
        checks: Callable[[], Iterable[Check]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scene = scene
        self._checks = checks
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._looking = threading.Lock()
        self._slow: threading.Thread | None = None

    def findings(self) -> list[Finding]:
        """What is known now, in the order of the checks; costs nothing while nothing is due."""
        checks = tuple(self._checks())
        now_s = self._clock()
        due = [check for check in checks if check.name not in self._kept or self._kept[check.name].due_s <= now_s]
        if due:
            self._look(due)
        return [self._known(check) for check in checks]

    def settle(self) -> None:
        """Waits for the slow checks under way."""
        thread = self._slow
        if thread is not None:
            thread.join()

    def _look(self, due: list[Check]) -> None:
        if not self._looking.acquire(blocking=False):
            return  # another request looks, and what is known is good enough meanwhile
        try:
            scene = self._scene()
            for check in due:
                if not check.slow:
                    self._note(check, scene)
            slow = [check for check in due if check.slow]
            if slow and (self._slow is None or not self._slow.is_alive()):
                self._slow = threading.Thread(
                    target=self._look_slowly, args=[slow, scene], name="health", daemon=True
                )
                self._slow.start()
        finally:
            self._looking.release()

    def _look_slowly(self, checks: list[Check], scene: Scene) -> None:
        if sys.platform == "linux":  # where it is this thread's own: pages and frames come first
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, 0, 19)
        for check in sorted(checks, key=lambda one: one.every_s):
            self._note(check, scene)

    def _note(self, check: Check, scene: Scene) -> None:
        begin_s = self._clock()
        finding = check(scene)
        now_s = self._clock()
        self._kept[check.name] = _Kept(finding, now_s + max(check.every_s, REST * (now_s - begin_s)))

    def _known(self, check: Check) -> Finding:
        kept = self._kept.get(check.name)
        return kept.finding if kept else Finding("unknown", "It is being looked at.", check=check.name)
