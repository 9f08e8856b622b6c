"""The cloud's figures for Prometheus, and whether it is well. No hall is named in them."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from edge.clock import from_stamp
from sync.cloud import inbox, members, rewards
from sync.cloud.db import Database, StoreError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Counts:
    """What this process has counted since it began."""

    batches: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def batch(self) -> None:
        with self._lock:
            self.batches += 1

    def refuse(self, slug: str) -> None:
        with self._lock:
            self.refused[slug] = self.refused.get(slug, 0) + 1


def well(db: Database) -> list[str]:
    """Why the cloud is not well; nothing when it is."""
    try:
        with db.read() as conn:
            conn.row("SELECT count(*) AS n FROM schema_steps")
    except StoreError:
        return ["the database does not answer"]
    return []


def metrics(db: Database, counts: Counts, now: datetime) -> str:
    """All figures in Prometheus' text format. Raises StoreError."""
    with db.read() as conn:
        halls = conn.rows("SELECT count(*) AS n FROM halls")[0]["n"]
        acked = conn.rows("SELECT coalesce(sum(upto), 0) AS n FROM lines")[0]["n"]
        seen = conn.rows("SELECT seen_at FROM devices WHERE removed_at IS NULL")
        aside = inbox.count_waiting(conn)
        states = rewards.count_all(conn)
        drifts = rewards.count_drifts(conn) + members.count_drifts(conn)
        open_months = conn.rows("SELECT state, count(*) AS n FROM periods WHERE state <> 'decided' GROUP BY state")
        unheard = conn.rows("SELECT count(*) AS n FROM stripe_events WHERE done_at IS NULL")[0]["n"]
    ages = [(now - from_stamp(row["seen_at"])).total_seconds() for row in seen if row["seen_at"] is not None]
    fates = {f'fate="{fate}"': aside.get(fate, 0) for fate in ("conflict", "dead", "held")}
    refused = {f'why="{slug}"': count for slug, count in sorted(counts.refused.items())}
    found = [
        *_figure("ladder_cloud_halls", "gauge", "Halls", {"": halls}),
        *_figure("ladder_cloud_hubs", "gauge", "Hubs that are enrolled", {"": len(seen)}),
        *_figure(
            "ladder_cloud_hub_age_seconds", "gauge", "Since the longest silent hub was heard of", _most(ages)
        ),
        *_figure("ladder_cloud_set_aside", "gauge", "Facts that were set aside", fates),
        *_figure("ladder_cloud_batches_total", "counter", "Batches taken in", {"": counts.batches}),
        *_figure(
            "ladder_cloud_facts_acknowledged",
            "gauge",
            "Up to where all lines have come, added up",
            {"": float(acked)},
        ),
        *_figure(
            "ladder_cloud_months",
            "gauge",
            "Months that are not decided",
            {f'state="{row["state"]}"': row["n"] for row in open_months},
        ),
        *_figure(
            "ladder_cloud_rewards",
            "gauge",
            "Rewards",
            {f'state="{name}"': n for name, n in sorted(states.items())},
        ),
        *_figure("ladder_cloud_drifts", "gauge", "Where Stripe says otherwise", {"": drifts}),
        *_figure("ladder_cloud_stripe_events_waiting", "gauge", "Of Stripe's, not looked into", {"": unheard}),
        *_figure("ladder_cloud_refused_total", "counter", "Requests refused", refused),
    ]
    return "\n".join(found) + "\n"


def _most(ages: list[float]) -> dict[str, float]:
    return {"": round(max(ages), 3)} if ages else {}


def _figure(name: str, kind: str, what: str, values: Mapping[str, float]) -> Iterable[str]:
    if not values:
        return
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} {kind}"
    for label, value in values.items():
        yield f"{name}{{{label}}} {value:.15g}" if label else f"{name} {value:.15g}"
