"""The jobs as a service: a tick a minute, in a thread of its own, which is left behind when a job hangs.

Jobs are done one after the other in one thread, so that no two of them ask for the disk at once. A job that takes
longer than its limit is taken to hang. Python can't end a thread, so the program ends, is started anew like every
service, and finds in the store which job was begun and did not come to its end: that one is put off and the
others go first. Under systemd the watchdog sees the same by the same turns.
"""

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from edge.runtime.notify import Turns

log = logging.getLogger(__name__)

TICK_S = 60.0
STOP_S = 5.0
LOOK_S = 0.5


class JobHangsError(Exception):
    """A job neither ends nor lets itself be ended; only a new process gets on."""


class Ticking(Protocol):
    def tick(self) -> None: ...


def serve(
    make: Callable[[Callable[[float], None], Callable[[], bool]], Ticking],
    turns: Turns,
    stop: threading.Event,
    *,
    tick_s: float = TICK_S,
    stop_s: float = STOP_S,
    look_s: float = LOOK_S,
) -> None:
    """Ticks at once and then every `tick_s` of running time, until `stop` is set. `make` gives the ticker, given
    how it tells what time its work may take and how it asks whether to stop.

    Raises JobHangsError, and then a thread is left behind.
    """

    def work() -> None:
        while not stop.is_set():
            try:
                ticker.tick()
            except Exception:  # it must be there tomorrow too
                log.exception("the jobs can't be looked at")
            turns.allow(tick_s + STOP_S)
            stop.wait(tick_s)

    ticker = make(turns.allow, stop.is_set)
    thread = threading.Thread(target=work, name="jobs", daemon=True)
    thread.start()
    while not stop.wait(look_s):
        why_not = turns()
        if why_not is not None:
            raise JobHangsError(f"a job hangs ({why_not}): the service starts anew, and the others go first")
    thread.join(stop_s)
    if thread.is_alive():
        raise JobHangsError("a job does not stop; it is left behind")
