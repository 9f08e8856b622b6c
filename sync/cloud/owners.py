"""Who may look at the owner's page: an address and a password, and the sign-ins that hold.

The lock-out. Five wrong passwords in a row cost nothing; every further one closes the address for a while that
doubles, from 30 s to an hour, and while it is closed not even the right one is looked at. The address of nobody
takes as long and closes as soon. A sign-in is kept as the hash of what the browser holds.
"""

import hashlib
import hmac
import re
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from edge.clock import from_stamp, stamp
from edge.facts import uuid7
from sync.cloud.db import Conn, Database
from sync.cloud.steps import Steps

HASHER = PasswordHasher()  # the parameters that RFC 9106 recommends for a machine like this
AT_ONCE = 2  # hashes in this process; each takes its memory

LEAST_CHARS, MOST_CHARS = 12, 200
FREE_TRIES = 5
FIRST_DELAY_S, LONGEST_DELAY_S = 30.0, 3600.0
FORGOTTEN_AFTER = timedelta(days=1)
IDLE, LASTS = timedelta(hours=12), timedelta(days=7)

_WORD = "abcdefghjkmnpqrstuvwxyz23456789"
_hashing = threading.BoundedSemaphore(AT_ONCE)

steps = Steps(
    "owners",
    (
        (
            """
            CREATE TABLE owners (
                id TEXT PRIMARY KEY,
                email TEXT NOT NULL,
                email_key TEXT NOT NULL UNIQUE,
                hash TEXT NOT NULL,
                set_at TEXT NOT NULL
            ) {strict}
            """,
            # `subject` is the hash of an address, whether somebody has it or not.
            """
            CREATE TABLE owner_failures (
                subject TEXT PRIMARY KEY,
                failures {int} NOT NULL,
                last_at TEXT NOT NULL
            ) {strict}
            """,
            """
            CREATE TABLE sign_ins (
                id TEXT PRIMARY KEY,
                owner_id TEXT NOT NULL REFERENCES owners (id),
                made_at TEXT NOT NULL,
                seen_at TEXT NOT NULL
            ) {strict}
            """,
            "CREATE INDEX sign_ins_of ON sign_ins (owner_id)",
            "CREATE TABLE secrets (name TEXT PRIMARY KEY, secret {bytes} NOT NULL) {strict}",
        ),
        (
            """
            CREATE TABLE owner_tokens (
                id TEXT PRIMARY KEY,
                owner_id TEXT NOT NULL REFERENCES owners (id),
                made_at TEXT NOT NULL
            ) {strict}
            """,
        ),
    ),
)


class OwnerError(Exception):
    """What was wanted can't be; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Owner:
    id: str
    email: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a password: `right`, with what the browser is to hold; or not, and the wait for the next."""

    outcome: Literal["right", "wrong", "locked"]
    token: str = ""
    wait_s: float = 0.0


def clean_email(text: str) -> str:
    """Raises OwnerError."""
    email = text.strip()
    if len(email) > 254 or not email.isprintable() or not re.fullmatch(r"[^\s@]+@[^\s@]+", email):
        raise OwnerError(f"{text[:80]!r} is no e-mail address")
    return email


def new_password() -> str:
    """One that nobody guesses, to be shown once: five groups of five."""
    return "-".join("".join(secrets.choice(_WORD) for _ in range(5)) for _ in range(5))


def hash_password(password: str, hasher: PasswordHasher = HASHER) -> str:
    """Slow: to be called outside of any transaction. Raises OwnerError for a password that is too short."""
    if not LEAST_CHARS <= len(password) <= MOST_CHARS:
        raise OwnerError(f"a password has {LEAST_CHARS} to {MOST_CHARS} characters")
    with _hashing:
        return hasher.hash(password)


def keep(conn: Conn, email: str, hashed: str, now: datetime) -> bool:
    """Sets an owner's password; every sign-in with the one before ends. Returns whether the owner is new."""
    email = clean_email(email)
    row = conn.row("SELECT id FROM owners WHERE email_key = ?", [_key(email)])
    owner_id = uuid7() if row is None else row["id"]
    conn.run(
        "INSERT INTO owners (id, email, email_key, hash, set_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (email_key) DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at",
        [owner_id, email, _key(email), hashed, stamp(now)],
    )
    conn.run("DELETE FROM sign_ins WHERE owner_id = ?", [owner_id])
    conn.run("DELETE FROM owner_failures WHERE subject = ?", [_subject(email)])
    return row is None


def sign_in(db: Database, email: str, password: str, now: datetime, hasher: PasswordHasher = HASHER) -> Verdict:
    """Whether it is the password of that address. Slow: not for inside a transaction. Raises StoreError."""
    subject = _subject(email)
    with db.write() as conn:  # counted before it is looked at, or a hundred at once would all be looked at first
        conn.run(
            "INSERT INTO owner_failures (subject, failures, last_at) VALUES (?, 0, ?)"
            " ON CONFLICT (subject) DO NOTHING",
            [subject, stamp(now)],
        )
        wait_s, failures = _standing(conn, subject, now)
        if wait_s > 0:
            return Verdict("locked", wait_s=wait_s)
        failures += 1
        conn.run(
            "UPDATE owner_failures SET failures = ?, last_at = ? WHERE subject = ?",
            [failures, stamp(now), subject],
        )
        conn.run("DELETE FROM owner_failures WHERE last_at < ?", [stamp(now - FORGOTTEN_AFTER)])
        row = conn.row("SELECT id, hash FROM owners WHERE email_key = ?", [_key(email)])
    right = _compare(None if row is None else row["hash"], password, hasher)
    if not right or row is None:
        return Verdict("wrong", wait_s=delay_s(failures))
    with db.write() as conn:
        conn.run("DELETE FROM owner_failures WHERE subject = ?", [subject])
        token = _begin(conn, row["id"], row["hash"], now)
    return Verdict("wrong") if token is None else Verdict("right", token)


def delay_s(failures: int) -> float:
    """How long no password is looked at after so many wrong ones in a row."""
    over = failures - FREE_TRIES
    return 0.0 if over <= 0 else min(FIRST_DELAY_S * 2.0 ** min(over - 1, 20), LONGEST_DELAY_S)


def who(db: Database, token: str, now: datetime) -> Owner | None:
    """Who holds that, if it still holds; it is prolonged by being used. Raises StoreError."""
    with db.read() as conn:
        row = conn.row(
            "SELECT o.id, o.email, s.made_at, s.seen_at FROM sign_ins s JOIN owners o ON o.id = s.owner_id"
            " WHERE s.id = ?",
            [_hashed(token)],
        )
    if row is None:
        return None
    made, seen = from_stamp(row["made_at"]), from_stamp(row["seen_at"])
    if now - made > LASTS or now - seen > IDLE:
        sign_out(db, token)
        return None
    if now - seen > timedelta(minutes=1):
        with db.write() as conn:
            conn.run("UPDATE sign_ins SET seen_at = ? WHERE id = ?", [stamp(now), _hashed(token)])
    return Owner(row["id"], row["email"])


def new_token(conn: Conn, email: str, now: datetime) -> str:
    """A token by which a program of an owner's may ask, to be shown once; those from before hold no more.

    Raises OwnerError.
    """
    row = conn.row("SELECT id FROM owners WHERE email_key = ?", [_key(email)])
    if row is None:
        raise OwnerError(f"{email[:80]} is no owner: ladder cloud owner makes one")
    conn.run("DELETE FROM owner_tokens WHERE owner_id = ?", [row["id"]])
    token = f"ladder_{secrets.token_urlsafe(32)}"
    conn.run(
        "INSERT INTO owner_tokens (id, owner_id, made_at) VALUES (?, ?, ?)",
        [_hashed(token), row["id"], stamp(now)],
    )
    return token


def who_by_token(db: Database, token: str) -> Owner | None:
    """Whose program holds that. Raises StoreError."""
    with db.read() as conn:
        row = conn.row(
            "SELECT o.id, o.email FROM owner_tokens t JOIN owners o ON o.id = t.owner_id WHERE t.id = ?",
            [_hashed(token)],
        )
    return None if row is None else Owner(row["id"], row["email"])


def sign_out(db: Database, token: str) -> None:
    """What the browser held holds no more. Raises StoreError."""
    with db.write() as conn:
        conn.run("DELETE FROM sign_ins WHERE id = ?", [_hashed(token)])


def form_secret(db: Database) -> bytes:
    """The secret by which forms are known to be ours; made when it is first asked for. Raises StoreError."""
    with db.read() as conn:  # a page waits for no one who writes
        row = conn.row("SELECT secret FROM secrets WHERE name = 'forms'")
    if row is not None:
        return bytes(row["secret"])
    with db.write() as conn:
        conn.run(
            "INSERT INTO secrets (name, secret) VALUES ('forms', ?) ON CONFLICT (name) DO NOTHING",
            [secrets.token_bytes(32)],
        )
        row = conn.row("SELECT secret FROM secrets WHERE name = 'forms'")
        assert row is not None
        return bytes(row["secret"])


def form_token(secret: bytes, held: str) -> str:
    """What a form carries for a browser that holds that cookie."""
    return hmac.digest(secret, f"form {held}".encode(), "sha256").hex()


def _begin(conn: Conn, owner_id: str, hashed: str, now: datetime) -> str | None:
    """None where the password was changed while it was looked at."""
    if conn.row("SELECT 1 AS is_so FROM owners WHERE id = ? AND hash = ?", [owner_id, hashed]) is None:
        return None
    conn.run("DELETE FROM sign_ins WHERE made_at < ? OR seen_at < ?", [stamp(now - LASTS), stamp(now - IDLE)])
    token = secrets.token_urlsafe(32)
    conn.run(
        "INSERT INTO sign_ins (id, owner_id, made_at, seen_at) VALUES (?, ?, ?, ?)",
        [_hashed(token), owner_id, stamp(now), stamp(now)],
    )
    return token


def _standing(conn: Conn, subject: str, now: datetime) -> tuple[float, int]:
    """How long an address is closed yet, and how many wrong passwords in a row there were."""
    row = conn.row(f"SELECT failures, last_at FROM owner_failures WHERE subject = ?{conn.lock}", [subject])
    if row is None:
        return 0.0, 0
    since = now - from_stamp(row["last_at"])
    if since < timedelta(0):  # the clock was set back: closed for its own length from now, and no longer
        conn.run("UPDATE owner_failures SET last_at = ? WHERE subject = ?", [stamp(now), subject])
        since = timedelta(0)
    if since >= FORGOTTEN_AFTER:
        return 0.0, 0
    return max(0.0, delay_s(row["failures"]) - since.total_seconds()), row["failures"]


def _compare(kept: str | None, password: str, hasher: PasswordHasher) -> bool:
    with _hashing:
        try:
            hasher.verify(kept or _hash_of_nobody(hasher), password[: MOST_CHARS + 1])
        except (VerifyMismatchError, InvalidHashError):
            return False
    return kept is not None


@cache
def _hash_of_nobody(hasher: PasswordHasher) -> str:
    return hasher.hash(secrets.token_hex())


def _key(email: str) -> str:
    return email.strip().casefold()


def _subject(email: str) -> str:
    return _hashed(_key(email))


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
