"""The boxes of the hall: which are enrolled, their keys, and what they last said of themselves.

A box comes in by a code that somebody reads off the hub and types at the box; it is good for half an hour and for
one box. The code itself never travels: the box proves that it knows it, together with the certificate that it
sees, so who stands between the two can neither be the hub nor learn a key.
"""

import hmac
import json
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import stamp
from edge.facts import uuid7
from edge.hall import audit
from edge.hall.errors import HallError

migrations = Migrations("devices")

DeviceRole = Literal["table", "hub"]

CODE_LASTS = timedelta(minutes=30)
CODE_CHARS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that look alike
CODE_LENGTH = 12
WRONG_TRIES = 20  # then the codes that are out are taken back
BEFORE_IS_GOOD_FOR = timedelta(days=7)  # a key that was replaced: a box that was off must come back


class DeviceError(HallError):
    """What was wanted of a box can't be."""


@migrations()
def devices_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE devices (
            id TEXT PRIMARY KEY,
            table_label TEXT NOT NULL,
            enrolled_at TEXT NOT NULL,
            removed_at TEXT,
            seen_at TEXT,
            address TEXT NOT NULL DEFAULT '',
            says TEXT NOT NULL DEFAULT '{}'
        ) STRICT
    """)
    db.execute("""
        CREATE TABLE device_keys (
            id TEXT PRIMARY KEY,
            device_id TEXT NOT NULL REFERENCES devices (id),
            secret BLOB NOT NULL,
            made_at TEXT NOT NULL,
            ends_at TEXT
        ) STRICT
    """)
    db.execute("CREATE INDEX device_keys_of ON device_keys (device_id)")
    db.execute("""
        CREATE TABLE enrolment_codes (
            code TEXT PRIMARY KEY,
            table_label TEXT NOT NULL,
            made_at TEXT NOT NULL,
            ends_at TEXT NOT NULL,
            wrong INTEGER NOT NULL DEFAULT 0,
            used_by TEXT
        ) STRICT
    """)


@dataclass(frozen=True, slots=True)
class Device:
    """A box. `says` is what it last said of itself; `address` where it was last seen."""

    id: str
    table_label: str
    enrolled_at: str
    removed_at: str | None
    seen_at: str | None
    address: str
    says: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a box proves that it knows: a code, and the certificate it sees. `nonce` makes it another each time."""

    device: str
    nonce: str
    fingerprint: str

    def by(self, code: str, side: Literal["box", "hub"]) -> str:
        """The proof of one side, in hex."""
        text = "\n".join((side, self.device, self.nonce, self.fingerprint))
        return hmac.digest(code.encode(), text.encode(), "sha256").hex()


def new_code(conn: sqlite3.Connection, table_label: str, now: datetime) -> str:
    """A code for one box, that of the table of that name."""
    code = "".join(secrets.choice(CODE_CHARS) for _ in range(CODE_LENGTH))
    conn.execute("DELETE FROM enrolment_codes WHERE ends_at < ? OR table_label = ?", [stamp(now), table_label])
    conn.execute(
        "INSERT INTO enrolment_codes (code, table_label, made_at, ends_at) VALUES (?, ?, ?, ?)",
        [code, table_label, stamp(now), stamp(now + CODE_LASTS)],
    )
    audit.note(conn, stamp(now), "device.code", "hall:boxes", role="system", who=None)
    return code


def shown_code(code: str) -> str:
    """As it is read out: `ABCD-EFGH-JKLM`."""
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


def clean_code(typed: str) -> str:
    """What was meant by what was typed. Raises DeviceError for what can be no code."""
    code = "".join(char for char in typed.upper() if char.isalnum()).replace("0", "O").replace("1", "I")
    if len(code) != CODE_LENGTH or any(char not in CODE_CHARS for char in code):
        raise DeviceError("device_code")
    return code


def enrol(conn: sqlite3.Connection, proof: Proof, given: str, now: datetime) -> tuple[str, Device, str, bytes]:
    """Takes a box in that has proved that it knows a code: the code, the box, its key's id and the key.

    The same box again gets a new key, and an earlier one ends. Raises DeviceError, after which the caller must
    commit: wrong tries are counted.
    """
    rows = conn.execute(
        "SELECT * FROM enrolment_codes WHERE used_by IS NULL AND made_at <= ? AND ends_at > ? AND wrong < ?",
        [stamp(now + CODE_LASTS), stamp(now), WRONG_TRIES],
    ).fetchall()
    row = next((row for row in rows if hmac.compare_digest(proof.by(row["code"], "box"), given)), None)
    if row is None:
        conn.execute("UPDATE enrolment_codes SET wrong = wrong + 1 WHERE used_by IS NULL")
        raise DeviceError("device_code")
    conn.execute("UPDATE enrolment_codes SET used_by = ? WHERE code = ?", [proof.device, row["code"]])
    conn.execute(
        "INSERT INTO devices (id, table_label, enrolled_at) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " table_label = excluded.table_label, enrolled_at = excluded.enrolled_at, removed_at = NULL",
        [proof.device, row["table_label"], stamp(now)],
    )
    conn.execute(
        "UPDATE device_keys SET ends_at = :now WHERE device_id = :d AND (ends_at IS NULL OR ends_at > :now)",
        {"now": stamp(now), "d": proof.device},
    )
    key_id, secret = _new_key(conn, proof.device, now)
    audit.note(conn, stamp(now), "device.enrolled", f"device:{proof.device}", role="system", who=None)
    device = get_device(conn, proof.device)
    assert device is not None
    return row["code"], device, key_id, secret


def rotate_key(conn: sqlite3.Connection, device_id: str, now: datetime) -> tuple[str, bytes]:
    """A new key for a box; the one before is good for a while yet."""
    conn.execute(
        "UPDATE device_keys SET ends_at = ? WHERE device_id = ? AND ends_at IS NULL",
        [stamp(now + BEFORE_IS_GOOD_FOR), device_id],
    )
    audit.note(conn, stamp(now), "device.new_key", f"device:{device_id}", role="system", who=None)
    return _new_key(conn, device_id, now)


def key_in_use(conn: sqlite3.Connection, device_id: str, key_id: str, now: datetime) -> bytes | None:
    """A key by which a box may sign; its first use ends the one before."""
    row = conn.execute(
        "SELECT k.secret FROM device_keys k JOIN devices d ON d.id = k.device_id"
        " WHERE k.id = ? AND k.device_id = ? AND d.removed_at IS NULL AND (k.ends_at IS NULL OR k.ends_at > ?)",
        [key_id, device_id, stamp(now)],
    ).fetchone()
    return None if row is None else bytes(row["secret"])


def has_earlier_key(conn: sqlite3.Connection, device_id: str, key_id: str, now: datetime) -> bool:
    """Whether there is one that was made before that one, still good."""
    return (
        conn.execute(
            "SELECT 1 FROM device_keys WHERE device_id = ?1 AND (ends_at IS NULL OR ends_at > ?3)"
            " AND rowid < (SELECT rowid FROM device_keys WHERE id = ?2)",
            [device_id, key_id, stamp(now)],
        ).fetchone()
        is not None
    )


def end_earlier_keys(conn: sqlite3.Connection, device_id: str, key_id: str, now: datetime) -> None:
    """A box signs with its newest key, the one without an end: those before it are good no more."""
    conn.execute(
        "UPDATE device_keys SET ends_at = :now WHERE device_id = :d AND id != :k"
        " AND (ends_at IS NULL OR ends_at > :now)"
        " AND rowid < (SELECT rowid FROM device_keys WHERE id = :k)",  # the clock may have gone back
        {"now": stamp(now), "d": device_id, "k": key_id},
    )


def remove_device(conn: sqlite3.Connection, device_id: str, by: str | None, now: datetime) -> bool:
    """A box belongs to the hall no more: it is not listened to. False where it did not."""
    done = conn.execute(
        "UPDATE devices SET removed_at = ? WHERE id = ? AND removed_at IS NULL", [stamp(now), device_id]
    ).rowcount
    if done:
        conn.execute("UPDATE device_keys SET ends_at = ? WHERE device_id = ?", [stamp(now), device_id])
        audit.note(conn, stamp(now), "device.removed", f"device:{device_id}", role="staff", who=by)
    return bool(done)


def heard(
    conn: sqlite3.Connection, device_id: str, now: datetime, address: str, says: Mapping[str, Any] | None = None
) -> None:
    """Notes that a box was heard of, where, and what it said of itself."""
    conn.execute(
        "UPDATE devices SET seen_at = ?, address = ?, says = coalesce(?, says) WHERE id = ?",
        [stamp(now), address, None if says is None else json.dumps(dict(says)), device_id],
    )


def rename(conn: sqlite3.Connection, device_id: str, table_label: str) -> bool:
    """A box says that its table is called otherwise now; False where another box's is called so."""
    return bool(
        conn.execute(
            "UPDATE devices SET table_label = :label WHERE id = :id AND NOT EXISTS"
            " (SELECT 1 FROM devices WHERE table_label = :label AND id != :id AND removed_at IS NULL)",
            {"label": table_label, "id": device_id},
        ).rowcount
    )


def get_device(conn: sqlite3.Connection, device_id: str) -> Device | None:
    """A box, or None."""
    row = conn.execute("SELECT * FROM devices WHERE id = ?", [device_id]).fetchone()
    return None if row is None else _device(row)


def devices(conn: sqlite3.Connection) -> list[Device]:
    """The boxes that are enrolled, by their tables."""
    rows = conn.execute("SELECT * FROM devices WHERE removed_at IS NULL ORDER BY table_label, id")
    return [_device(row) for row in rows]


def is_keeper(conn: sqlite3.Connection, device_id: str) -> bool:
    """Whether that box keeps the copy of the hub: the first of the hall's tables does."""
    row = conn.execute(
        "SELECT id FROM devices WHERE removed_at IS NULL ORDER BY enrolled_at, id LIMIT 1"
    ).fetchone()
    return row is not None and row["id"] == device_id


def device_at(conn: sqlite3.Connection, table_label: str) -> Device | None:
    """The box of a table."""
    row = conn.execute(
        "SELECT * FROM devices WHERE removed_at IS NULL AND table_label = ? ORDER BY enrolled_at DESC",
        [table_label],
    ).fetchone()
    return None if row is None else _device(row)


def _new_key(conn: sqlite3.Connection, device_id: str, now: datetime) -> tuple[str, bytes]:
    key_id, secret = uuid7(), secrets.token_bytes(32)
    conn.execute(
        "INSERT INTO device_keys (id, device_id, secret, made_at) VALUES (?, ?, ?, ?)",
        [key_id, device_id, secret, stamp(now)],
    )
    return key_id, secret


def _device(row: sqlite3.Row) -> Device:
    return Device(**{**dict(row), "says": json.loads(row["says"])})
