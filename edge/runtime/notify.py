"""What a service tells systemd: that it is ready, what it does, and, again and again, that it still lives.

The protocol of sd_notify(3): datagrams to the socket that $NOTIFY_SOCKET names. Without one, as under
`ladder run`, nothing is sent and no thread is started. A service needs one call:

    turns = Turns()
    with heartbeat(turns, database_answers(store)):
        while not stop.wait(5.0):
            turns.allow(600.0)  # the work that begins may take so long
            work()
            turns.allow(LIMIT_S)

It is ready once every check holds, and the watchdog is fed for as long as they do. A check says why the service
does not live, None when it does. What a new start would not cure is no reason: a camera that is unplugged, a hub
out of reach, a full disk are states, which are shown; with them as reasons the box would start again for ever. A
check that hangs feeds nothing either.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager

from edge.store.database import Store
from edge.store.errors import StoreDamagedError, StoreError

LIMIT_S = 60.0  # of a turn that nothing else is said of
READY_EVERY_S = 0.2  # so often it is looked at before it is ready
UNWATCHED_S = 10.0  # and so often after, where there is no watchdog
BEATS = 3  # in the time that the watchdog gives

log = logging.getLogger(__name__)

Check = Callable[[], str | None]


class Notifier:
    """Sends to systemd, and to nobody where `address` is None. A message that can't be sent is dropped: no service
    may fail because systemd is busy."""

    def __init__(self, address: str | None = None, watchdog_s: float | None = None) -> None:
        self.watchdog_s = watchdog_s
        self._address = None if address is None else _socket_name(address)

    def __bool__(self) -> bool:
        return self._address is not None

    def ready(self) -> None:
        self._send("READY=1")

    def status(self, text: str) -> None:
        """One line, which `systemctl status` shows."""
        self._send("STATUS=" + " ".join(text.split()))

    def beat(self) -> None:
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def extend_timeout(self, seconds: float) -> None:
        """The start or the stop that is under way takes so much longer from now on."""
        self._send(f"EXTEND_TIMEOUT_USEC={round(seconds * 1_000_000)}")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(1.0)
                sender.sendto(message.encode(), self._address)
        except OSError as error:
            log.debug("systemd was not told %s: %s", message, error)


def from_environment(environ: MutableMapping[str, str] | None = None, pid: int | None = None) -> Notifier:
    """The notifier of this process. Takes what it needs out of the environment: what the service starts is not the
    service, and gunicorn would call itself ready before it serves anything."""
    env = os.environ if environ is None else environ
    address, usec, its = (env.pop(name, "") for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"))
    ours = not its or its == str(os.getpid() if pid is None else pid)
    watched = ours and usec.isdecimal() and int(usec) > 0
    return Notifier(address or None, int(usec) / 1_000_000 if watched else None)


def _socket_name(address: str) -> str:
    """As the kernel wants it: an abstract name is written with an @."""
    return "\0" + address[1:] if address.startswith("@") else address


class Turns:
    """A loop that must come round: each turn says how long the next may take at most."""

    def __init__(self, limit_s: float = LIMIT_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.allow(limit_s)

    def allow(self, limit_s: float = LIMIT_S) -> None:
        """What comes now may take so long; `math.inf` for a rest without an end."""
        self._limit_s = limit_s
        self._due_s = self._clock() + limit_s

    def __call__(self) -> str | None:
        return f"no turn for {self._limit_s:.0f} s" if self._clock() > self._due_s else None


def database_answers(store: Store) -> Check:
    """That the store can be read. One that is held, full or out of reach answers too: a new start would not help.
    A damaged one does not: it is mended before the next start."""

    def why_not() -> str | None:
        try:
            with store.read() as conn:
                conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except StoreDamagedError as error:
            return str(error)
        except StoreError as error:
            log.debug("the watchdog is fed without the store: %s", error)
        return None

    return why_not


class Heart:
    """The thread that looks at the checks and beats."""

    def __init__(
        self, notifier: Notifier, checks: tuple[Check, ...], status: Callable[[], str] | None = None
    ) -> None:
        self._notifier = notifier
        self._checks = checks
        self._status = status
        self._ready = False
        self._told = ""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)
        self._every_s = (notifier.watchdog_s or BEATS * UNWATCHED_S) / BEATS

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._notifier.stopping()
        self._thread.join(1.0)  # a check may hang, and the service ends all the same

    def look(self) -> bool:
        """Looks once and tells systemd; says whether the service lives."""
        why_not = next((reason for check in self._checks if (reason := _asked(check)) is not None), None)
        self._tell(why_not)
        if why_not is not None:
            return False
        if not self._ready:
            self._notifier.ready()
            self._ready = True
        self._notifier.beat()
        return True

    def _tell(self, why_not: str | None) -> None:
        text = f"not well: {why_not}" if why_not is not None else self._status() if self._status else "at work"
        if text == self._told:
            return
        self._told = text
        self._notifier.status(text)
        if why_not is not None and self._ready:
            log.error("systemd's watchdog is not fed: %s", why_not)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.look()
            self._stopped.wait(self._every_s if self._ready else min(READY_EVERY_S, self._every_s))


def _asked(check: Check) -> str | None:
    try:
        return check()
    except Exception as error:  # a check that fails proves nothing
        return f"{type(error).__name__}: {error}"


@contextmanager
def heartbeat(
    *checks: Check, notifier: Notifier | None = None, status: Callable[[], str] | None = None
) -> Iterator[None]:
    """Inside the block the service is told to systemd: ready once all checks hold, alive for as long as they do.
    `status` gives a line for `systemctl status`. The notifier is that of the environment."""
    notifier = from_environment() if notifier is None else notifier
    if not notifier:
        yield
        return
    heart = Heart(notifier, checks, status)
    heart.start()
    try:
        yield
    finally:
        heart.stop()
