"""Who is logged in where, tokens that open one door once, and players' cards.

Of every token only a hash is stored: who reads the store can't use them. A login on the table's screen ends soon
after its player has gone, one at the counter likewise, one on a phone after half a year without use.

The clock may jump. What is good for less than a day (a login at the screen, a QR code) is over when it was made
later than now: nobody knows how old it is. What lasts longer is not ended by a clock that was set right.
"""

import hashlib
import hmac
import json
import re
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import from_stamp, stamp
from edge.hall.players import PlayerError

migrations = Migrations("logins")

Device = Literal["screen", "phone", "counter"]
Stage = Literal["waiting", "opened", "done", "gone"]

PHONE_DAYS = 180
CLAIM_DAYS = 30
CLOCK_SLACK_S = 60.0  # a clock set right by so little ends nothing
KEPT_DAYS = 30  # so long after its end a row is deleted: late, because the end may be the clock's mistake

TOKEN_BYTES = 32
CODE_CHARS = 8
CODE_ALPHABET = "23456789BCDFGHJKMNPQRTVWXY"  # nothing to confuse, and no vowels, so no words; 37 bits in all

CARD_CHARS = (6, 32)


@migrations()
def logins_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE logins (
            hash TEXT PRIMARY KEY,
            player_id TEXT NOT NULL REFERENCES players (id),
            device TEXT NOT NULL CHECK (device IN ('screen', 'phone')),
            created TEXT NOT NULL,
            seen_at TEXT NOT NULL,
            expires_at TEXT NOT NULL
        ) STRICT
    """)
    db.execute("CREATE INDEX logins_by_player ON logins (player_id)")
    db.execute("CREATE INDEX logins_by_end ON logins (expires_at)")
    # `player_id` is whom it is for, `who` who opened or used it.
    db.execute("""
        CREATE TABLE one_time_tokens (
            hash TEXT PRIMARY KEY,
            purpose TEXT NOT NULL,
            player_id TEXT REFERENCES players (id),
            payload TEXT NOT NULL,
            created TEXT NOT NULL,
            expires TEXT NOT NULL,
            opened_at TEXT,
            used_at TEXT,
            who TEXT REFERENCES players (id)
        ) STRICT
    """)
    db.execute("CREATE INDEX one_time_tokens_by_end ON one_time_tokens (expires)")
    db.execute("""
        CREATE TABLE cards (
            hash TEXT PRIMARY KEY,
            player_id TEXT NOT NULL REFERENCES players (id),
            added TEXT NOT NULL
        ) STRICT
    """)
    db.execute("CREATE INDEX cards_by_player ON cards (player_id)")


@migrations()
def logins_2(db: Database) -> None:
    # A table's CHECK can't be changed, so the table is made anew; without one for what a device is called.
    # Whether a login of before was by PIN nobody knows: it lets its player in and staff do nothing.
    db.execute("""
        CREATE TABLE logins_anew (
            hash TEXT PRIMARY KEY,
            player_id TEXT NOT NULL REFERENCES players (id),
            device TEXT NOT NULL,
            by_pin INTEGER NOT NULL CHECK (by_pin IN (0, 1)),
            created TEXT NOT NULL,
            seen_at TEXT NOT NULL,
            expires_at TEXT NOT NULL
        ) STRICT
    """)
    db.execute(
        "INSERT INTO logins_anew SELECT hash, player_id, device, 0, created, seen_at, expires_at FROM logins"
    )
    db.execute("DROP TABLE logins")
    db.execute("ALTER TABLE logins_anew RENAME TO logins")
    db.execute("CREATE INDEX logins_by_player ON logins (player_id)")
    db.execute("CREATE INDEX logins_by_end ON logins (expires_at)")


@dataclass(frozen=True, slots=True)
class Login:
    """A login that is good now. It lasts for as long again each time it is kept alive.

    `by_pin`: whoever it was typed the PIN, which no card, code or copied cookie proves.
    """

    player_id: str
    device: Device
    seen_at: datetime
    expires_at: datetime
    by_pin: bool = False

    def due(self, now: datetime) -> bool:
        """Whether it is time to `keep_alive`: not with every page, each of which would be a write to the card."""
        since = now - self.seen_at
        return since < timedelta() or since >= min((self.expires_at - self.seen_at) / 10, timedelta(days=1))


@dataclass(frozen=True, slots=True)
class OneTime:
    """A one-time token as it stands. `player_id` is whom it is for, `who` who opened or used it.

    `gone`: there is none, or its time is over.
    """

    stage: Stage
    player_id: str | None = None
    who: str | None = None
    payload: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A card of a player's; its number is not known."""

    hash: str
    added: str


GONE = OneTime("gone")


def new_login(
    conn: sqlite3.Connection,
    player_id: str,
    device: Device,
    now: datetime,
    idle_s: float,
    *,
    by_pin: bool = False,
) -> str:
    """Logs a player in; returns the token, which is stored nowhere. `idle_s` counts everywhere but on phones."""
    delete_old(conn, now)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    lasts = timedelta(days=PHONE_DAYS) if device == "phone" else timedelta(seconds=idle_s)
    conn.execute(
        "INSERT INTO logins (hash, player_id, device, by_pin, created, seen_at, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [_hash(token), player_id, device, int(by_pin), stamp(now), stamp(now), stamp(now + lasts)],
    )
    return token


def find_login(conn: sqlite3.Connection, token: str, now: datetime) -> Login | None:
    """The login of a token, if it is good."""
    row = conn.execute(
        "SELECT player_id, device, by_pin, seen_at, expires_at FROM logins WHERE hash = ?",
        [_hash(token)],
    ).fetchone()
    if row is None:
        return None
    seen_at, expires_at = from_stamp(row["seen_at"]), from_stamp(row["expires_at"])
    if not _is_good(seen_at, expires_at, now):
        return None
    return Login(row["player_id"], row["device"], seen_at, expires_at, bool(row["by_pin"]))


def who_is(conn: sqlite3.Connection, token: str, now: datetime) -> str | None:
    """The id of the player who is logged in with that token, or None."""
    login = find_login(conn, token, now)
    return None if login is None else login.player_id


def keep_alive(conn: sqlite3.Connection, token: str, now: datetime) -> None:
    """Its player did something: the login lasts for as long again from now on."""
    login = find_login(conn, token, now)
    if login is not None:
        ends = now + (login.expires_at - login.seen_at)
        conn.execute(
            "UPDATE logins SET seen_at = ?, expires_at = ? WHERE hash = ?",
            [stamp(now), stamp(ends), _hash(token)],
        )


def log_out(conn: sqlite3.Connection, token: str) -> None:
    conn.execute("DELETE FROM logins WHERE hash = ?", [_hash(token)])


def log_out_everywhere(conn: sqlite3.Connection, player_id: str) -> None:
    """Ends all of a player's logins, and what was made to open new ones: for a new PIN, and a lost phone."""
    conn.execute("DELETE FROM logins WHERE player_id = ?", [player_id])
    conn.execute("DELETE FROM one_time_tokens WHERE player_id = ? AND used_at IS NULL", [player_id])


def make_token(
    conn: sqlite3.Connection,
    purpose: str,
    now: datetime,
    lasts_s: float,
    *,
    player_id: str | None = None,
    payload: dict[str, Any] | None = None,
) -> str:
    """A token that does one thing once (`check-in`, `phone`, …), fit for an address; it is stored nowhere."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    _insert_token(conn, token, purpose, player_id, payload, begin=now, lasts=timedelta(seconds=lasts_s))
    return token


def make_claim_code(
    conn: sqlite3.Connection, guest_id: str, now: datetime, payload: dict[str, Any] | None = None
) -> str:
    """A code by which a guest's sessions are claimed later, for a person to type: `B4KX-79QM`.

    Look it up, as purpose `claim`, by what `clean_code` makes of the typing. It is short: tries must be limited.
    """
    return make_short_code(conn, "claim", guest_id, now, timedelta(days=CLAIM_DAYS), payload=payload)


def make_short_code(
    conn: sqlite3.Connection,
    purpose: str,
    player_id: str,
    now: datetime,
    lasts: timedelta,
    *,
    payload: dict[str, Any] | None = None,
) -> str:
    """A one-time token short enough to be typed, as `make_claim_code`'s."""
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_CHARS))
    _insert_token(conn, code, purpose, player_id, payload, begin=now, lasts=lasts)
    half = CODE_CHARS // 2
    return f"{code[:half]}-{code[half:]}"


def clean_code(typed: str) -> str:
    """A claim code as it was made, of whatever case and spacing it was typed in; anything else as it is."""
    return re.sub(r"[\s-]", "", typed[:100]).upper()


def state(conn: sqlite3.Connection, token: str, purpose: str, now: datetime) -> OneTime:
    """How a token stands, for a page that waits for it: `waiting`, `opened`, `done` or `gone`."""
    row = conn.execute(
        "SELECT * FROM one_time_tokens WHERE hash = ? AND purpose = ?", [_hash(token), purpose]
    ).fetchone()
    if row is None or not _is_good(from_stamp(row["created"]), from_stamp(row["expires"]), now):
        return GONE
    stage: Stage = "done" if row["used_at"] else "opened" if row["opened_at"] else "waiting"
    return OneTime(stage, row["player_id"], row["who"], json.loads(row["payload"]))


def peek(conn: sqlite3.Connection, token: str, purpose: str, now: datetime) -> OneTime | None:
    """The token if it can still be used. For GET: whoever shows a link beforehand must not use it up."""
    found = state(conn, token, purpose, now)
    return found if found.stage in ("waiting", "opened") else None


def open_token(
    conn: sqlite3.Connection, token: str, purpose: str, now: datetime, who: str | None = None
) -> OneTime | None:
    """Notes that somebody is on it; None when it can't be used, or somebody else was faster."""
    found = peek(conn, token, purpose, now)
    if found is None or (found.stage == "opened" and found.who != who):
        return None
    conn.execute(
        "UPDATE one_time_tokens SET opened_at = coalesce(opened_at, ?), who = ? WHERE hash = ?",
        [stamp(now), who, _hash(token)],
    )
    return OneTime("opened", found.player_id, who, found.payload)


def take(
    conn: sqlite3.Connection, token: str, purpose: str, now: datetime, who: str | None = None
) -> OneTime | None:
    """Uses it, once however many ask at a time; `conn` must be inside the transaction of what it opens.

    Without `who` it is whoever opened it. None when it can't be used.
    """
    found = peek(conn, token, purpose, now)
    if found is None:
        return None
    who = who or found.who
    changed = conn.execute(
        "UPDATE one_time_tokens SET used_at = ?, who = ? WHERE hash = ? AND used_at IS NULL",
        [stamp(now), who, _hash(token)],
    ).rowcount
    return OneTime("done", found.player_id, who, found.payload) if changed else None


def withdraw(conn: sqlite3.Connection, token: str) -> None:
    """A token nobody is to use any more, because its QR code left the screen."""
    conn.execute("DELETE FROM one_time_tokens WHERE hash = ? AND used_at IS NULL", [_hash(token)])


def clean_card_number(typed: str) -> str:
    """A card's number without what readers put around it (`;04:A3:B2:C1?`, `UID 04a3b2c1`, `0x04A3B2C1`).

    Digits stay digits: whether a reader writes the number in hex or not can't be seen, so a hall's readers have to
    be set alike. Raises PlayerError for what is no number.
    """
    parts = [part.upper().removeprefix("0X") for part in re.split(r"[^0-9A-Za-z]+", typed[:200])]
    number = "".join(part for part in parts if re.fullmatch(r"[0-9A-F]+", part))
    if not CARD_CHARS[0] <= len(number) <= CARD_CHARS[1]:
        raise PlayerError("card_number")
    return number


def add_card(conn: sqlite3.Connection, key: bytes, typed: str, player_id: str, now: datetime) -> None:
    """Makes a card a player's; theirs already is well too. Raises PlayerError for no number or another's card."""
    owner = find_card(conn, key, typed)
    if owner not in (None, player_id):
        raise PlayerError("card_taken")
    if owner is None:
        conn.execute(
            "INSERT INTO cards (hash, player_id, added) VALUES (?, ?, ?)",
            [_card_hash(key, typed), player_id, stamp(now)],
        )


def find_card(conn: sqlite3.Connection, key: bytes, typed: str) -> str | None:
    """The id of the player whose card it is, or None. Raises PlayerError for no number."""
    row = conn.execute("SELECT player_id FROM cards WHERE hash = ?", [_card_hash(key, typed)]).fetchone()
    return None if row is None else str(row["player_id"])


def cards_of(conn: sqlite3.Connection, player_id: str) -> list[Card]:
    """A player's cards in the order in which they were added."""
    rows = conn.execute("SELECT hash, added FROM cards WHERE player_id = ? ORDER BY added, hash", [player_id])
    return [Card(row["hash"], row["added"]) for row in rows]


def remove_card(conn: sqlite3.Connection, player_id: str, card_hash: str) -> None:
    """Takes a card, lost or not, from its player; another's stays."""
    conn.execute("DELETE FROM cards WHERE player_id = ? AND hash = ?", [player_id, card_hash])


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes all that is here of a player."""
    conn.execute("DELETE FROM logins WHERE player_id = ?", [player_id])
    conn.execute("DELETE FROM one_time_tokens WHERE player_id = :p OR who = :p", {"p": player_id})
    conn.execute("DELETE FROM cards WHERE player_id = ?", [player_id])


def _hash(token: str) -> str:
    # The tokens are random enough for a fast hash.
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _card_hash(key: bytes, typed: str) -> str:
    # A card's number is four bytes as often as not: without the key a thief of the store would have them all.
    return hmac.digest(key, clean_card_number(typed).encode(), "sha256").hex()


def _is_good(begin: datetime, end: datetime, now: datetime) -> bool:
    lasts_long = end - begin >= timedelta(days=1)
    return now < end and (lasts_long or begin <= now + timedelta(seconds=CLOCK_SLACK_S))


def _insert_token(
    conn: sqlite3.Connection,
    token: str,
    purpose: str,
    player_id: str | None,
    payload: dict[str, Any] | None,
    *,
    begin: datetime,
    lasts: timedelta,
) -> None:
    delete_old(conn, begin)
    conn.execute(
        "INSERT INTO one_time_tokens (hash, purpose, player_id, payload, created, expires)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [_hash(token), purpose, player_id, json.dumps(payload or {}), stamp(begin), stamp(begin + lasts)],
    )


def delete_old(conn: sqlite3.Connection, now: datetime) -> int:
    """Deletes logins and tokens that ended long ago; returns how many."""
    old = stamp(now - timedelta(days=KEPT_DAYS))
    logins = conn.execute("DELETE FROM logins WHERE expires_at < ?", [old])
    tokens = conn.execute("DELETE FROM one_time_tokens WHERE expires < ?", [old])
    return logins.rowcount + tokens.rowcount
