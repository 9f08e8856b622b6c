"""What Stripe tells by itself: noted when it comes, and looked into after.

A webhook is only a sign that something has changed: what did is asked of Stripe. So it does no harm when one comes
twice, late, or before an earlier one, and none is believed for what it says. Whoever sends it must have signed it
lately, with the secret that only Stripe and we have.
"""

import hashlib
import hmac
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from edge.clock import stamp
from sync.cloud.db import Conn, Database
from sync.cloud.steps import Steps
from sync.protocol import ProblemError

log = logging.getLogger(__name__)

MOST_BODY = 256 << 10
TOLERANCE = timedelta(minutes=5)  # both ways: no stamp far in the future is believed either
KEPT = timedelta(days=60)
AGAIN = timedelta(minutes=5)
FAMILIES = ("customer.subscription.", "customer.discount.", "invoice.", "checkout.session.")

steps = Steps(
    "webhooks",
    (
        (
            """
            CREATE TABLE stripe_events (
                id TEXT PRIMARY KEY,
                type TEXT NOT NULL,
                object_id TEXT NOT NULL,
                subscription_id TEXT NOT NULL,
                received_at TEXT NOT NULL,
                done_at TEXT
            ) {strict}
            """,
            "CREATE INDEX stripe_events_to_do ON stripe_events (received_at, id) WHERE done_at IS NULL",
        ),
        # One that can't be looked into holds up no other.
        (
            "ALTER TABLE stripe_events ADD COLUMN due_at TEXT NOT NULL DEFAULT ''",
            "DROP INDEX stripe_events_to_do",
            "CREATE INDEX stripe_events_due ON stripe_events (due_at, received_at, id) WHERE done_at IS NULL",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Event:
    """A sign that something of that subscription has changed, or that a checkout is through."""

    id: str
    type: str
    object_id: str
    subscription_id: str


def read_event(body: bytes, headers: Mapping[str, str], secret: str, now: datetime) -> Event:
    """An event that Stripe has signed. Raises ProblemError."""
    if len(body) > MOST_BODY:
        raise ProblemError(413, "too-large", "No webhook is as long as that.")
    if not secret:
        raise ProblemError(404, "no-webhooks", "This cloud was given no secret for webhooks.")
    said = {str(name).lower(): value for name, value in headers.items()}.get("stripe-signature", "")
    at, given = _signature(said)
    wanted = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(wanted.encode(), one.encode()) for one in given):
        raise ProblemError(
            400, "bad-signature", "The signature does not fit: it is not from Stripe, or the secret is another."
        )
    if abs(now - datetime.fromtimestamp(at, UTC)) > TOLERANCE:
        raise ProblemError(400, "stale", "The signature's time is not now: too old, or from the future.")
    try:
        found = json.loads(body)
        content = found["data"]["object"]
        return Event(str(found["id"]), str(found["type"]), str(content["id"]), _subscription_in(content))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ProblemError(400, "malformed", "That is no event of Stripe's.") from None


def note(conn: Conn, event: Event, now: datetime) -> bool:
    """Notes an event to be looked into; whether it is new. Those of no interest are not kept."""
    if not event.type.startswith(FAMILIES):
        return False
    return bool(
        conn.run(
            "INSERT INTO stripe_events (id, type, object_id, subscription_id, received_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO NOTHING",
            [event.id, event.type, event.object_id, event.subscription_id, stamp(now)],
        )
    )


def to_do(conn: Conn, now: datetime, limit: int) -> list[Event]:
    """Events that were not looked into and may be now, in the order in which they came."""
    rows = conn.rows(
        "SELECT id, type, object_id, subscription_id FROM stripe_events WHERE done_at IS NULL AND due_at <= ?"
        " ORDER BY due_at, received_at, id LIMIT ?",
        [stamp(now), limit],
    )
    return [Event(row["id"], row["type"], row["object_id"], row["subscription_id"]) for row in rows]


def put_off(conn: Conn, events: Sequence[Event], now: datetime) -> None:
    """These are looked into now, and again in a while if that fails."""
    if events:
        among, params = conn.among("id", [one.id for one in events])
        conn.run(f"UPDATE stripe_events SET due_at = ? WHERE {among}", [stamp(now + AGAIN), *params])


def done(db: Database, event: Event, now: datetime) -> None:
    with db.write() as conn:
        conn.run("UPDATE stripe_events SET done_at = ? WHERE id = ?", [stamp(now), event.id])


def forget_old(conn: Conn, now: datetime) -> int:
    """Stripe repeats an event for three days; what is older than two months is not kept."""
    return conn.run("DELETE FROM stripe_events WHERE done_at < ?", [stamp(now - KEPT)])


def _signature(said: str) -> tuple[int, list[str]]:
    parts = [part.partition("=") for part in said.split(",")]
    times = [value for name, _, value in parts if name.strip() == "t"]
    given = [value for name, _, value in parts if name.strip() == "v1"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= 11) or not given:
        raise ProblemError(400, "bad-signature", "There is no signature of Stripe's in it.")
    return int(times[0]), given[:5]


def _subscription_in(content: Mapping[str, Any]) -> str:
    """The subscription that an event's object is, or belongs to; empty where that is none."""
    if content.get("object") == "subscription":
        return str(content["id"])
    parent = content.get("parent") or {}
    details = parent.get("subscription_details") or {}
    found = content.get("subscription") or details.get("subscription") or ""
    return str(found.get("id", "")) if isinstance(found, dict) else str(found)
