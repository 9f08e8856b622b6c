"""Who tells the cloud: a hub is enrolled once by a one-time code, and then signs with a key of its own.

The code is typed at the hub and never travels. The hub proves that it knows it for the address at which it found
the cloud, so a proof that somebody else has listened to is good nowhere else. A key that is replaced is good for a
while yet, until the new one was used.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from edge.clock import stamp
from edge.facts import uuid7
from sync.cloud import codes
from sync.cloud.db import Conn, Row
from sync.cloud.halls import Hall
from sync.cloud.steps import Steps
from sync.protocol import CloudProof, new_secret

CODE_LASTS = timedelta(minutes=30)
WRONG_TRIES = 20  # then the codes that are out are taken back
BEFORE_IS_GOOD_FOR = timedelta(days=7)  # a key that was replaced: a hub that was off must come back

steps = Steps(
    "devices",
    (
        (
            """
            CREATE TABLE devices (
                id TEXT PRIMARY KEY,
                hall_id TEXT NOT NULL REFERENCES halls (id),
                enrolled_at TEXT NOT NULL,
                removed_at TEXT,
                seen_at TEXT,
                ahead_s {real} NOT NULL DEFAULT 0,
                said_at TEXT,
                says TEXT NOT NULL DEFAULT '{{}}'
            ) {strict}
            """,
            "CREATE INDEX devices_of_hall ON devices (hall_id)",
            """
            CREATE TABLE device_keys (
                id TEXT PRIMARY KEY,
                device_id TEXT NOT NULL REFERENCES devices (id),
                secret {bytes} NOT NULL,
                made_at TEXT NOT NULL,
                ends_at TEXT
            ) {strict}
            """,
            "CREATE INDEX device_keys_of ON device_keys (device_id)",
            """
            CREATE TABLE enrolment_codes (
                code TEXT PRIMARY KEY,
                hall_id TEXT NOT NULL REFERENCES halls (id),
                made_at TEXT NOT NULL,
                ends_at TEXT NOT NULL,
                wrong {int} NOT NULL DEFAULT 0,
                used_by TEXT
            ) {strict}
            """,
        ),
    ),
)


class WrongCodeError(Exception):
    """No code that is out fits."""


class AnotherHallError(Exception):
    """The device belongs to another hall, whose name this is."""


@dataclass(frozen=True, slots=True)
class Device:
    """A hub. `seen_at` is when it was last heard of, `said_at` when it last told of its boxes, `ahead_s` how far
    its clock was ahead then."""

    id: str
    hall_id: str
    enrolled_at: str
    removed_at: str | None
    seen_at: str | None
    ahead_s: float
    said_at: str | None
    says: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What comes of an enrolment. `code` is for the answer's own proof, and goes no further."""

    code: str
    hall: Hall
    key_id: str
    secret: bytes


@dataclass(frozen=True, slots=True)
class Believed:
    """Whose key a request names: the device, the key, and whether it is the newest of several that are good."""

    device: Device
    secret: bytes | None
    ends_others: bool


def new_code(conn: Conn, hall: Hall, now: datetime) -> str:
    """A code for one hub of a hall; those that were given out for it before are good no more."""
    code = codes.new_code()
    conn.run("DELETE FROM enrolment_codes WHERE ends_at < ? OR hall_id = ?", [stamp(now), hall.id])
    conn.run(
        "INSERT INTO enrolment_codes (code, hall_id, made_at, ends_at) VALUES (?, ?, ?, ?)",
        [code, hall.id, stamp(now), stamp(now + CODE_LASTS)],
    )
    return code


def enrol(conn: Conn, proof: CloudProof, given: str, now: datetime) -> Enrolled:
    """Takes a hub in that has proved that it knows a code. The same again gets a new key, and an earlier one ends.

    Raises WrongCodeError, after which the caller must commit, for wrong tries are counted; AnotherHallError.
    """
    rows = conn.rows(
        "SELECT c.code, h.id, h.name, h.zone FROM enrolment_codes c JOIN halls h ON h.id = c.hall_id"
        f" WHERE c.used_by IS NULL AND c.made_at <= ? AND c.ends_at > ? AND c.wrong < ?{conn.lock}",
        [stamp(now + CODE_LASTS), stamp(now), WRONG_TRIES],
    )
    row = next((row for row in rows if hmac.compare_digest(proof.by(row["code"], "hub"), given)), None)
    if row is None:
        conn.run("UPDATE enrolment_codes SET wrong = wrong + 1 WHERE used_by IS NULL")
        raise WrongCodeError
    hall = Hall(row["id"], row["name"], row["zone"])
    _refuse_of_another(conn, proof.device, hall)
    conn.run("UPDATE enrolment_codes SET used_by = ? WHERE code = ?", [proof.device, row["code"]])
    conn.run(
        "INSERT INTO devices (id, hall_id, enrolled_at) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " enrolled_at = excluded.enrolled_at, removed_at = NULL",
        [proof.device, hall.id, stamp(now)],
    )
    _end_keys(conn, proof.device, now)
    key_id, secret = _new_key(conn, proof.device, now)
    return Enrolled(row["code"], hall, key_id, secret)


def rotate_key(conn: Conn, device_id: str, now: datetime) -> tuple[str, bytes]:
    """A new key for a hub; the one before is good for a while yet."""
    conn.run(
        "UPDATE device_keys SET ends_at = ? WHERE device_id = ? AND ends_at IS NULL",
        [stamp(now + BEFORE_IS_GOOD_FOR), device_id],
    )
    return _new_key(conn, device_id, now)


def look_up(conn: Conn, device_id: str, key_id: str, now: datetime) -> Believed | None:
    """Whose key a request names; None for a device that is not enrolled, or is no more."""
    rows = conn.rows(
        "SELECT d.*, k.id AS key_id, k.secret, k.ends_at FROM devices d"
        " LEFT JOIN device_keys k ON k.device_id = d.id AND (k.ends_at IS NULL OR k.ends_at > ?)"
        " WHERE d.id = ? AND d.removed_at IS NULL",
        [stamp(now), device_id],
    )
    if not rows:
        return None
    key = next((row for row in rows if row["key_id"] == key_id), None)
    if key is None:
        return Believed(_device(rows[0]), None, ends_others=False)
    return Believed(_device(key), bytes(key["secret"]), ends_others=len(rows) > 1 and key["ends_at"] is None)


def end_earlier_keys(conn: Conn, device_id: str, key_id: str, now: datetime) -> None:
    """A hub signs with its newest key: those that it replaced are good no more. The newest is the one that has no
    end, whatever the clock was when each was made."""
    conn.run(
        "UPDATE device_keys SET ends_at = ? WHERE device_id = ? AND ends_at > ?"
        " AND EXISTS (SELECT 1 FROM device_keys k WHERE k.id = ? AND k.ends_at IS NULL)",
        [stamp(now), device_id, stamp(now), key_id],
    )


def remove(conn: Conn, device_id: str, now: datetime) -> bool:
    """A hub is listened to no more; what it told stays. False where it was not."""
    done = conn.run(
        "UPDATE devices SET removed_at = ? WHERE id = ? AND removed_at IS NULL", [stamp(now), device_id]
    )
    _end_keys(conn, device_id, now)
    return bool(done)


def heard(conn: Conn, device_id: str, now: datetime) -> None:
    conn.run("UPDATE devices SET seen_at = ? WHERE id = ?", [stamp(now), device_id])


def keep_said(conn: Conn, device_id: str, now: datetime, ahead_s: float, says: Mapping[str, Any]) -> None:
    """Keeps what a hub says of its hall's boxes, in place of what it said before."""
    conn.run(
        "UPDATE devices SET seen_at = ?, said_at = ?, ahead_s = ?, says = ? WHERE id = ?",
        [stamp(now), stamp(now), ahead_s, json.dumps(dict(says)), device_id],
    )


def devices_of(conn: Conn, hall_ids: list[str]) -> list[Device]:
    """The hubs that are enrolled for these halls, those that told of their boxes last first."""
    if not hall_ids:
        return []
    among, params = conn.among("hall_id", hall_ids)
    rows = conn.rows(
        f"SELECT * FROM devices WHERE removed_at IS NULL AND {among}"
        " ORDER BY coalesce(said_at, seen_at, '') DESC, id DESC",
        params,
    )
    return [_device(row) for row in rows]


def _refuse_of_another(conn: Conn, device_id: str, hall: Hall) -> None:
    """A hub belongs to one hall for good: what it told of one must not come to stand under another."""
    row = conn.row(
        "SELECT h.id, h.name FROM devices d JOIN halls h ON h.id = d.hall_id WHERE d.id = ?", [device_id]
    )
    if row is not None and row["id"] != hall.id:
        raise AnotherHallError(row["name"])


def _end_keys(conn: Conn, device_id: str, now: datetime) -> None:
    conn.run(
        "UPDATE device_keys SET ends_at = ? WHERE device_id = ? AND (ends_at IS NULL OR ends_at > ?)",
        [stamp(now), device_id, stamp(now)],
    )


def _new_key(conn: Conn, device_id: str, now: datetime) -> tuple[str, bytes]:
    key_id, secret = uuid7(), new_secret()
    conn.run(
        "INSERT INTO device_keys (id, device_id, secret, made_at) VALUES (?, ?, ?, ?)",
        [key_id, device_id, secret, stamp(now)],
    )
    return key_id, secret


def _device(row: Row) -> Device:
    return Device(
        row["id"], row["hall_id"], row["enrolled_at"], row["removed_at"], row["seen_at"], row["ahead_s"],
        row["said_at"], json.loads(row["says"]),
    )  # fmt: skip
