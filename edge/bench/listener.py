"""People at the kiosk, without a browser: pages kept open on the live stream, and pages fetched again and again.

Run as `python -m edge.bench.listener URL LISTENERS`; when its standard input ends it prints what it saw as JSON.
"""

import json
import re
import sys
import threading
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass, field

PAGES = ("/", "/api/live", "/api/shots?limit=20", "/live.jpg", "/metrics", "/healthz")
FETCH_EVERY_S = 0.5
TIMEOUT_S = 10.0
_STATUS = re.compile(r'data-status="([a-z-]+)"')


@dataclass
class Heard:
    """What came: live states of each open page, statuses told, pages fetched, and what went wrong."""

    live_events: list[int] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    pages: int = 0
    errors: list[str] = field(default_factory=list)


class Listeners:
    """Opens the pages and keeps count until told to stop."""

    def __init__(self, url: str, listeners: int) -> None:
        self.heard = Heard(live_events=[0] * listeners)
        self._url = url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._listen, args=[i], daemon=True) for i in range(listeners)]
        self._threads.append(threading.Thread(target=self._fetch, daemon=True))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> Heard:
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S)
        return self.heard

    def _listen(self, number: int) -> None:
        try:
            with urllib.request.urlopen(f"{self._url}/stream", timeout=TIMEOUT_S) as stream:
                name = ""
                for raw in stream:
                    if self._stop.is_set():
                        return
                    line = raw.decode("utf-8").rstrip("\n")
                    name = line.removeprefix("event: ") if line.startswith("event: ") else name
                    self._note(number, name, line)
        except (OSError, ValueError) as error:
            self.heard.errors.append(f"/stream: {error}")

    def _note(self, number: int, name: str, line: str) -> None:
        if not line.startswith("data: "):
            return
        if name == "live":
            self.heard.live_events[number] += 1
        for status in _STATUS.findall(line) if name == "status" else ():
            if status not in self.heard.statuses:
                self.heard.statuses.append(status)

    def _fetch(self) -> None:
        while not self._stop.wait(FETCH_EVERY_S):
            for page in PAGES:
                self._fetch_one(page)

    def _fetch_one(self, page: str) -> None:
        try:
            with urllib.request.urlopen(self._url + page, timeout=TIMEOUT_S) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            if error.code not in (404, 503):  # no picture yet, not well yet
                self.heard.errors.append(f"{page}: {error}")
        except OSError as error:
            self.heard.errors.append(f"{page}: {error}")
        else:
            self.heard.pages += 1


def main() -> None:
    listeners = Listeners(sys.argv[1], int(sys.argv[2]))
    listeners.start()
    sys.stdin.read()
    print(json.dumps(asdict(listeners.stop())))


if __name__ == "__main__":
    main()
