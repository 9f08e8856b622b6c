"""PINs: what may be one, how it is kept, and how somebody is kept from trying them all.

The lock-out. Three wrong PINs in a row cost nothing; every further one closes the player's PIN for a while that
doubles, from 30 s to an hour, and while it is closed not even the right one is looked at. That is some 35 guesses
a day. Who wants to keep a player out can type wrong PINs for ever, so what is tried while it is closed neither
counts nor lengthens anything, an hour is the most, after a day without a wrong PIN the count begins anew, and the
other ways in (the player's phone, a card, staff's `unlock`) ask for no PIN. What is typed at tables' screens and
what comes over the network is counted apart: whoever sits in the hall's Wi-Fi keeps nobody away from a screen.

Time. A lock is measured in the machine's running time, which nobody sets. Only after a reboot the wall clock is
asked, which may be wrong then: what is stored is when a lock began, never when it ends, so it lasts no longer than
its own length from now, however the clock jumped.
"""

import hmac
import logging
import re
import secrets
import sqlite3
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import from_stamp, stamp
from edge.hall.players import PlayerError, find_player, get_player, name_key
from edge.store.database import Store

log = logging.getLogger(__name__)

migrations = Migrations("pins")

# The least that OWASP's Password Storage Cheat Sheet asks of argon2id; what a small box can spare.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
AT_ONCE = 2  # hashes in this process; each takes its memory

DIGITS = (4, 8)
FREE_TRIES = 3
FIRST_DELAY_S = 30.0
LONGEST_DELAY_S = 3600.0
FORGOTTEN_AFTER_S = 24 * 3600.0
KEPT_DAYS = 30

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MOST_NAME_CHARS = 100  # longer is nobody's name
_RUN = "01234567890"

_hashing = threading.BoundedSemaphore(AT_ONCE)


@migrations()
def pins_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE pins (
            player_id TEXT PRIMARY KEY REFERENCES players (id),
            hash TEXT NOT NULL,
            set_at TEXT NOT NULL
        ) STRICT
    """)
    # `subject` is a player's id, or `name:` and a keyed hash for a name that nobody here has; behind `network:`
    # where it did not come from a screen.
    db.execute("""
        CREATE TABLE pin_failures (
            subject TEXT PRIMARY KEY,
            failures INTEGER NOT NULL CHECK (failures > 0),
            last_failed_at TEXT NOT NULL,
            boot TEXT NOT NULL,
            last_failed_up_s REAL NOT NULL
        ) STRICT
    """)


Line = Literal["screen", "network"]  # by which a PIN came
LINES: tuple[Line, ...] = get_args(Line)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment by two clocks: the wall's, which may jump, and the seconds since the machine's boot of that id."""

    now: datetime
    boot: str
    up_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a PIN: `right` for that player, or not; then the next is looked at after `wait_s`.

    `locked`: it was not looked at. Who typed the name of nobody can't tell it from a wrong PIN.
    """

    outcome: Literal["right", "wrong", "locked"]
    player_id: str | None = None
    wait_s: float = 0.0


def this_moment() -> Moment:
    return Moment(datetime.now(UTC), _boot(), time.clock_gettime(time.CLOCK_BOOTTIME))


def clean_pin(text: str) -> str:
    """A PIN that may be set. Raises PlayerError for one that is none, or the first that anybody would try."""
    pin = text.strip()
    if not _is_pin(pin):
        raise PlayerError("pin_digits", least=DIGITS[0], most=DIGITS[1])
    if pin == (pin[:2] * DIGITS[1])[: len(pin)] or pin in _RUN or pin in _RUN[::-1]:
        raise PlayerError("pin_trivial")
    return pin


def hash_pin(pepper: bytes, pin: str, *, hasher: PasswordHasher = HASHER) -> str:
    """What is kept of a PIN. Slow: to be called outside of any transaction. Raises PlayerError as `clean_pin`."""
    peppered = _peppered(pepper, clean_pin(pin))
    with _hashing:
        return hasher.hash(peppered)


def keep_pin(conn: sqlite3.Connection, player_id: str, hashed: str, now: datetime) -> None:
    """Sets a player's PIN, in place of an earlier one; what was typed wrong before is forgotten.

    Raises PlayerError for a guest, and for somebody who is not here any more.
    """
    player = get_player(conn, player_id)
    if player is None or player.guest or player.erased:
        raise PlayerError("pin_nobody")
    conn.execute(
        "INSERT INTO pins (player_id, hash, set_at) VALUES (?, ?, ?)"
        " ON CONFLICT (player_id) DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at",
        [player_id, hashed, stamp(now)],
    )
    unlock(conn, player_id)


def has_pin(conn: sqlite3.Connection, player_id: str) -> bool:
    return conn.execute("SELECT 1 FROM pins WHERE player_id = ?", [player_id]).fetchone() is not None


def verify_name(
    store: Store,
    pepper: bytes,
    name: str,
    pin: str,
    at: Moment,
    *,
    line: Line = "screen",
    hasher: PasswordHasher = HASHER,
) -> Verdict:
    """Whether it is the PIN of the player of that name; nobody's name takes as long and is locked as soon.

    Slow: not to be called inside a transaction. Raises StoreError: what can't be counted is not looked at.
    """
    name = name[:_MOST_NAME_CHARS].encode("utf-8", "replace").decode()
    with store.read() as conn:
        player = find_player(conn, name)
    if player is not None:
        return verify(store, pepper, player.id, pin, at, line=line, hasher=hasher)
    nobody = hmac.digest(pepper, b"name " + name_key(name).encode(), "sha256").hex()
    return verify(store, pepper, f"name:{nobody}", pin, at, line=line, hasher=hasher)


def verify(
    store: Store,
    pepper: bytes,
    player_id: str,
    pin: str,
    at: Moment,
    *,
    line: Line = "screen",
    hasher: PasswordHasher = HASHER,
) -> Verdict:
    """As `verify_name`, for a player who is known by id."""
    pin = pin.strip()
    if not _is_pin(pin):
        return Verdict("wrong")  # a slip of the finger: it says nothing of any PIN, so it is not counted
    # Counted before it is looked at: else a hundred tries at once would all be looked at before the first counts.
    subject = _subject(player_id, line)
    with store.write() as conn:
        wait_s = _locked_s(conn, subject, at)
        if wait_s > 0:
            return Verdict("locked", wait_s=wait_s)
        failures = _count(conn, subject, at)
        row = conn.execute("SELECT hash FROM pins WHERE player_id = ?", [player_id]).fetchone()
    kept = None if row is None else str(row["hash"])
    right, renewed = _compare(kept, _peppered(pepper, pin), hasher)
    if right and kept is not None:
        with store.write() as conn:
            if _accept(conn, player_id, subject, kept, renewed):
                return Verdict("right", player_id)
    return Verdict("wrong", wait_s=delay_s(failures))


def delay_s(failures: int) -> float:
    """How long no PIN is looked at after so many wrong ones in a row."""
    over = failures - FREE_TRIES
    return 0.0 if over <= 0 else min(FIRST_DELAY_S * 2.0 ** min(over - 1, 20), LONGEST_DELAY_S)


def locked_s(conn: sqlite3.Connection, player_id: str, at: Moment) -> float:
    """How long a player's PIN is not looked at from now on, by one of the lines at least; 0 when it is by both."""
    standings = [_standing(conn, _subject(player_id, line), at) for line in LINES]
    return max(0.0, *(delay_s(failures) - since_s for failures, since_s, _ in standings))


def unlock(conn: sqlite3.Connection, player_id: str) -> None:
    """Forgets the wrong PINs: by staff, for a player whom somebody else keeps out."""
    for line in LINES:
        _clear(conn, _subject(player_id, line))


def forget_old(conn: sqlite3.Connection, now: datetime) -> int:
    """Deletes the wrong PINs of long ago, which count no more; returns how many rows. Late, for the clock may
    err."""
    old = stamp(now - timedelta(days=KEPT_DAYS))
    return conn.execute("DELETE FROM pin_failures WHERE last_failed_at < ?", [old]).rowcount


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes all that is here of a player."""
    conn.execute("DELETE FROM pins WHERE player_id = ?", [player_id])
    unlock(conn, player_id)


def _is_pin(text: str) -> bool:
    return re.fullmatch(rf"[0-9]{{{DIGITS[0]},{DIGITS[1]}}}", text) is not None


def _peppered(pepper: bytes, pin: str) -> bytes:
    # There are only so many PINs: without a key from outside the store, its thief would have them in an hour.
    return hmac.digest(pepper, pin.encode(), "sha256")


def _compare(kept: str | None, peppered: bytes, hasher: PasswordHasher) -> tuple[bool, str | None]:
    """Whether it is the PIN that was kept, and its hash anew when the parameters have changed since."""
    with _hashing:
        if kept is None:
            hasher.hash(peppered)  # as long as it takes with a PIN
            return False, None
        try:
            hasher.verify(kept, peppered)
        except VerifyMismatchError:
            return False, None
        except InvalidHashError:
            log.warning("what is stored of a PIN is no hash: the player must set a new one")
            return False, None
        return True, hasher.hash(peppered) if hasher.check_needs_rehash(kept) else None


def _accept(conn: sqlite3.Connection, player_id: str, subject: str, kept: str, renewed: str | None) -> bool:
    """Clears the line's count after the right PIN; False when it was changed or deleted while it was looked at."""
    current = conn.execute("SELECT 1 FROM pins WHERE player_id = ? AND hash = ?", [player_id, kept]).fetchone()
    if current is None:
        return False
    _clear(conn, subject)
    if renewed is not None:
        conn.execute("UPDATE pins SET hash = ? WHERE player_id = ?", [renewed, player_id])
    return True


def _subject(of: str, line: Line) -> str:
    return of if line == "screen" else f"{line}:{of}"


def _clear(conn: sqlite3.Connection, subject: str) -> None:
    conn.execute("DELETE FROM pin_failures WHERE subject = ?", [subject])


def _locked_s(conn: sqlite3.Connection, subject: str, at: Moment) -> float:
    """How long a PIN is not looked at; a lock from before a reboot goes on by the running time from here on."""
    failures, since_s, boot = _standing(conn, subject, at)
    wait_s = max(0.0, delay_s(failures) - since_s)
    if wait_s > 0 and boot != at.boot:
        _store(conn, subject, failures, at, since_s)
    return wait_s


def _count(conn: sqlite3.Connection, subject: str, at: Moment) -> int:
    """One more wrong PIN; returns how many there are in a row."""
    failures = _standing(conn, subject, at)[0] + 1
    _store(conn, subject, failures, at, 0.0)
    # Names of nobody have no player whose erasure would delete them.
    old = stamp(at.now - timedelta(seconds=FORGOTTEN_AFTER_S))
    for line in LINES:
        names = _subject("name:*", line)
        conn.execute("DELETE FROM pin_failures WHERE subject GLOB ? AND last_failed_at < ?", [names, old])
    return failures


def _standing(conn: sqlite3.Connection, subject: str, at: Moment) -> tuple[int, float, str]:
    """How many wrong PINs in a row, the seconds since the last, and in which boot that was noted."""
    row = conn.execute("SELECT * FROM pin_failures WHERE subject = ?", [subject]).fetchone()
    if row is None:
        return 0, 0.0, at.boot
    if row["boot"] == at.boot:
        since_s = max(0.0, at.up_s - row["last_failed_up_s"])
    else:
        since_s = max(0.0, (at.now - from_stamp(row["last_failed_at"])).total_seconds())
    return (0 if since_s >= FORGOTTEN_AFTER_S else row["failures"]), since_s, row["boot"]


def _store(conn: sqlite3.Connection, subject: str, failures: int, at: Moment, since_s: float) -> None:
    failed_at = stamp(at.now - timedelta(seconds=since_s))
    conn.execute(
        "INSERT OR REPLACE INTO pin_failures (subject, failures, last_failed_at, boot, last_failed_up_s)"
        " VALUES (?, ?, ?, ?, ?)",
        [subject, failures, failed_at, at.boot, at.up_s - since_s],
    )


@cache
def _boot() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return secrets.token_hex(8)  # every start of the process counts as a boot then
