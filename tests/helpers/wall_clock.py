"""A wall clock that a test turns, for a program of its own: hours of an evening in a minute.

Run as a script it is that program: `wall_clock.py FILE COMMAND…` is `ladder COMMAND…`, told another time than
it is. Seconds pass as always, and so do those of the monotonic clock.
"""

import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from waiting import wait_until

LOOK_S = 0.02


class WallClock:
    """How far ahead of the true time the program is to be, in a file that it looks at; in another it says what it
    has seen."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.ahead = timedelta(0)
        self.turn(timedelta(0))

    def turn(self, by: timedelta) -> None:
        """So much later, at once: a program that runs goes by it from here on."""
        self.ahead += by
        text = str(self.ahead.total_seconds())
        put(self._file, text)
        seen = seen_file(self._file)
        if seen.exists():
            wait_until(lambda: seen.read_text(encoding="utf-8") == text, lambda: "the program does not look")

    def now(self) -> datetime:
        """What the program takes for now."""
        return datetime.now(UTC) + self.ahead

    def program(self) -> list[str]:
        """What stands in for the program `ladder` at the beginning of a command."""
        return [sys.executable, os.fspath(Path(__file__)), os.fspath(self._file)]


def seen_file(file: Path) -> Path:
    return file.with_suffix(".seen")


def put(file: Path, text: str) -> None:
    """Written aside and put in place: the other side may read it at any moment."""
    aside = file.with_name(file.name + ".new")
    aside.write_text(text, encoding="utf-8")
    aside.replace(file)


def main() -> None:
    """Runs a command of ladder's by the clock in the file."""
    import time_machine

    file = Path(sys.argv[1])
    traveller = time_machine.travel(datetime.now(UTC), tick=True).start()

    def follow() -> None:
        seen = "0"
        while True:
            text = file.read_text(encoding="utf-8")
            if text != seen:
                traveller.shift(float(text) - float(seen))
                seen = text
                put(seen_file(file), seen)
            time.sleep(LOOK_S)

    threading.Thread(target=follow, daemon=True).start()
    sys.argv[:2] = ["ladder"]
    from edge.cli import main as ladder

    ladder()


if __name__ == "__main__":
    main()
