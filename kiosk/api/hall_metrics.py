"""The figures of a hall of several boxes for Prometheus."""

from collections.abc import Iterable
from datetime import UTC, datetime

from edge.clock import from_stamp
from edge.hall import devices
from edge.store import changes, inbox, sync_state
from edge.store.database import Store
from edge.store.errors import StoreError
from edge.store.inbox import Fate
from kiosk.api.prometheus import Metric

FATES: tuple[Fate, ...] = ("conflict", "dead", "held")


def of_hall(store: Store) -> Iterable[Metric]:
    """At a table, how far its facts are told; at a hub, when its tables were heard of, and what is set aside."""
    now = datetime.now(UTC)
    try:
        with store.read() as conn:
            if changes.role_of(conn) == "table":
                seen_at = sync_state.get(conn, "hub_seen_at")
                unsent = float(sync_state.count_unsent(conn))
                yield Metric("ladder_sync_unsent", "Facts that the hub has not acknowledged", unsent)
                if seen_at is not None:
                    yield Metric(
                        "ladder_sync_hub_age_seconds", "Since the hub was last heard of", _since(seen_at, now)
                    )
                return
            boxes = devices.devices(conn)
            aside = inbox.count_waiting(conn)
    except StoreError:
        return
    seen = {one.table_label: _since(one.seen_at, now) for one in boxes if one.seen_at is not None}
    if seen:
        behind = {one.table_label: float(one.says.get("unsent", 0)) for one in boxes}
        yield Metric("ladder_box_age_seconds", "Since each other box was last heard of", seen, label="table")
        yield Metric("ladder_box_unsent", "Facts that wait at each other box", behind, label="table")
    fates: dict[str, float] = {fate: float(aside.get(fate, 0)) for fate in FATES}
    yield Metric("ladder_set_aside", "Facts of other boxes that are kept and not believed", fates, label="fate")


def _since(stamp: str, now: datetime) -> float:
    return max(0.0, (now - from_stamp(stamp)).total_seconds())
