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

LOOK_S = 0.02


class WallClock:
    """How far ahead of the true time the program is to be, kept in a file that it looks at."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.ahead = timedelta(0)
        self.turn(timedelta(0))

    def turn(self, by: timedelta) -> None:
        """So much later, at once: the program has seen it by its next answer but one."""
        self.ahead += by
        # Written aside and put in place: the program may read it at any moment.
        aside = self._file.with_suffix(".new")
        aside.write_text(str(self.ahead.total_seconds()), encoding="utf-8")
        aside.replace(self._file)

    def now(self) -> datetime:
        """What the program takes for now."""
        return datetime.now(UTC) + self.ahead

    def program(self) -> list[str]:
        """What stands in for the program `ladder` at the beginning of a command."""
        return [sys.executable, os.fspath(Path(__file__)), os.fspath(self._file)]


def main() -> None:
    """Runs a command of ladder's by the clock in the file."""
    import time_machine

    file = Path(sys.argv[1])
    traveller = time_machine.travel(datetime.now(UTC), tick=True).start()
    at = 0.0

    def follow() -> None:
        nonlocal at
        while True:
            wanted = float(file.read_text(encoding="utf-8"))
            if wanted != at:
                traveller.shift(wanted - at)
                at = wanted
            time.sleep(LOOK_S)

    threading.Thread(target=follow, daemon=True).start()
    sys.argv[:2] = ["ladder"]
    from edge.cli import main as ladder

    ladder()


if __name__ == "__main__":
    main()
