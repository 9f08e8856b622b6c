"""What a hub asks the cloud for its hall, and what it tells beside facts: the names that boards show."""

import hashlib
import json
import sqlite3
from datetime import datetime, timedelta
from typing import Any

from edge.clock import stamp
from edge.hall import rewards, takeovers, training_periods
from edge.store import sync_state
from edge.store.database import Store
from sync.hub_client import HubClient

NAMES_AGAIN = timedelta(days=1)
_HEARD, _NAMED, _NAMED_AT = "cloud_hall", "cloud_names", "cloud_names_at"


def hear_hall(store: Store, client: HubClient, now: datetime) -> bool:
    """Asks how the hall stands, and keeps it; whether it was other than before. Raises as `HubClient`, and
    StoreError."""
    with store.read() as conn:
        known = sync_state.get(conn, _HEARD)
    said = client.post("/v1/hall", {"known": known})
    if said.get("same"):
        return False
    with store.write() as conn:
        keep(conn, said, now)
        sync_state.put(conn, _HEARD, str(said["hash"]))
    return True


def keep(conn: sqlite3.Connection, said: dict[str, Any], now: datetime) -> None:
    """Keeps what the cloud says of the hall: its months, its rewards, its subscriptions."""
    rewards.hear(conn, said)
    training_periods.hear_periods(conn, said["periods"], now)
    for period in {one["period"] for one in said["periods"] if one["state"] == "decided"}:
        training_periods.take_verdict(conn, period, said["rewards"])


def tell_names(store: Store, client: HubClient, now: datetime) -> bool:
    """Tells the names that boards show, and whose account became whose, where that is other than was told;
    whether it did. Raises likewise."""
    with store.read() as conn:
        found = {"names": names_to_tell(conn), "merged": takeovers.of_members(conn)}
        told, told_at = sync_state.get(conn, _NAMED), sync_state.get(conn, _NAMED_AT)
    own = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    if told == own and told_at is not None and told_at > stamp(now - NAMES_AGAIN):
        return False
    client.post("/v1/names", found)
    with store.write() as conn:
        sync_state.put(conn, _NAMED, own)
        sync_state.put(conn, _NAMED_AT, stamp(now))
    return True


def names_to_tell(conn: sqlite3.Connection) -> dict[str, str]:
    """The names of who has a training score or a reward, and wants to be seen on boards."""
    rows = conn.execute(
        "SELECT id, name FROM players WHERE visible AND NOT guest AND erased IS NULL AND id IN"
        " (SELECT player_id FROM ladder_training_scores UNION SELECT player_id FROM subscription_rewards)"
    )
    return {row["id"]: row["name"] for row in rows}
