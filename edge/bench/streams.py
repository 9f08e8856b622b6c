"""Pages kept open on the live stream, read by one thread: what came, and when each shot's card did.

Run as `python -m edge.bench.streams HOST PORT STREAMS`; when its standard input ends it prints what it saw as
JSON. Times are those of the monotonic clock, which is the same for all processes of a machine.
"""

import json
import re
import selectors
import socket
import sys
import time
from dataclasses import asdict, dataclass, field

_ID = re.compile(rb"^id: [^@\n]*@(.+)$", re.MULTILINE)  # the version of the card, and the shot
_LIVE = b"event: live\n"
_END = b"\n\n"  # of an event


@dataclass
class Seen:
    """What each page saw: how many live states, and when the card of each shot came; and pages that were lost."""

    live_events: list[int] = field(default_factory=list)
    cards: list[dict[str, float]] = field(default_factory=list)
    lost: int = 0


class Streams:
    """Opens the pages and reads them as text comes."""

    def __init__(self, host: str, port: int, streams: int) -> None:
        self.seen = Seen([0] * streams, [{} for _ in range(streams)])
        self._left = [b""] * streams
        self._selector = selectors.DefaultSelector()
        for number in range(streams):
            page = socket.create_connection((host, port), timeout=10)
            page.sendall(
                f"GET /stream HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/event-stream\r\n\r\n".encode()
            )
            page.setblocking(False)
            self._selector.register(page, selectors.EVENT_READ, number)

    def read_until(self, stop: socket.socket | int) -> Seen:
        """Reads until something can be read from `stop`."""
        self._selector.register(stop, selectors.EVENT_READ, None)
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return self.seen
                self._read(key)

    def _read(self, key: selectors.SelectorKey) -> None:
        page, number = key.fileobj, key.data
        assert isinstance(page, socket.socket)
        try:
            got = page.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            got = b""
        now_s = time.monotonic()
        if not got:
            self._selector.unregister(page)
            self.seen.lost += 1
            return
        whole, end, self._left[number] = (self._left[number] + got).rpartition(_END)
        if end:
            self.seen.live_events[number] += whole.count(_LIVE)
            for shot in _ID.findall(whole):
                self.seen.cards[number].setdefault(shot.decode(), now_s)


def main() -> None:
    streams = Streams(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    print("open", flush=True)
    print(json.dumps(asdict(streams.read_until(sys.stdin.fileno()))))


if __name__ == "__main__":
    main()
