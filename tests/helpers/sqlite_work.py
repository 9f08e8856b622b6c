"""How much work SQLite does, told in instructions of its virtual machine and so the same on every machine."""

import sqlite3
from collections.abc import Callable

EVERY = 10


def instructions(conn: sqlite3.Connection, act: Callable[[], object]) -> int:
    """The instructions that SQLite ran for `act` on this connection, to the nearest ten."""
    count = 0

    def tick() -> int:
        nonlocal count
        count += EVERY
        return 0

    conn.set_progress_handler(tick, EVERY)
    try:
        act()
    finally:
        conn.set_progress_handler(None, 0)
    return count
