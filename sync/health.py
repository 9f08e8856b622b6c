"""How well a box is told and heard, in words: for the doctor, the pages, and whoever asks at the hub."""

import sqlite3
from datetime import datetime
from typing import Any

from edge.clock import from_stamp
from edge.hall.devices import Device, devices
from edge.health.check import Check, Finding, Scene, scene_of, span
from edge.health.registry import CHECKS as OWN
from edge.health.registry import examine
from edge.runtime.paths import Paths
from edge.store import changes, inbox, sync_state
from edge.store.database import Store
from edge.store.errors import StoreError
from sync import hub_watch

LIVES_S, AWAY_S = 60.0, 600.0
WAITING = 2_000  # facts; some hours of play


def in_short(paths: Paths) -> dict[str, Any]:
    """What a box says of itself: the worst that its quick checks found, and the sentences that are not well."""
    findings = examine(scene_of(paths), [check for check in OWN if not check.slow])
    order = ("bad", "warn")
    unwell = sorted((one for one in findings if one.state in order), key=lambda one: order.index(one.state))
    return {"worst": unwell[0].state if unwell else "ok", "findings": [one.text for one in unwell[:5]]}


def heard_of(box: Device, now: datetime) -> str:
    """When a box was last heard of, and what it said."""
    if box.seen_at is None:
        return "not heard of yet"
    ago_s = max(0.0, (now - from_stamp(box.seen_at)).total_seconds())
    unsent = box.says.get("unsent", 0)
    parts = ["lives" if ago_s < LIVES_S else f"not heard of for {span(ago_s)}", box.address]
    parts.append("all told" if not unsent else f"{unsent} facts behind")
    parts += [str(text) for text in box.says.get("findings", [])[:3]]
    return " · ".join(part for part in parts if part)


def look_at_sync(scene: Scene) -> Finding:
    """A table: whether the hub hears it. A hub: whether it hears its tables, and whether anything is set aside."""
    if not scene.paths.store.exists():
        return Finding("unknown", "There is no store yet.")
    try:
        with Store(scene.paths.store) as store, store.read() as conn:
            if changes.role_of(conn) == "table":
                return _table(sync_state.get(conn, "hub_seen_at"), sync_state.get(conn, "problem"),
                              sync_state.count_unsent(conn), scene.now)  # fmt: skip
            aside = inbox.count_waiting(conn)
            successor = hub_watch.successor(conn)
            if successor is not None:
                return Finding(
                    "bad",
                    f"Another box is the hall's hub now, at {successor}.",
                    "Stop this box, put its data aside, and enrol it there as a table.",
                )
            return _hub(devices(conn), sum(aside.values()), scene.now)
    except (StoreError, sqlite3.Error):  # the check of the store says what is wrong with it
        return Finding("unknown", "The store can't be read, so nothing is known of the hall's other boxes.")


CHECKS = (Check("sync", look_at_sync),)


def _table(seen_at: str | None, problem: str | None, unsent: int, now: datetime) -> Finding:
    if seen_at is None:
        return Finding(
            "warn", "The hub has not been heard of yet.", problem or "Wait a moment; else see sync's log."
        )
    ago_s = (now - from_stamp(seen_at)).total_seconds()
    behind = f", {unsent} facts wait to be told" if unsent else ""
    if ago_s > AWAY_S or problem:
        text = f"The hub was last heard of {span(max(0.0, ago_s))} ago{behind}."
        return Finding("bad" if unsent > WAITING else "warn", text, problem or "Look whether the hub runs.")
    return Finding("ok", f"The hub hears this table{behind}.")


def _hub(found: list[Device], aside: int, now: datetime) -> Finding:
    if not found:
        return Finding("ok", "This hall has one box.")
    away = [
        box.table_label
        for box in found
        if box.seen_at is None or (now - from_stamp(box.seen_at)).total_seconds() > AWAY_S
    ]
    if away:
        return Finding("warn", f"Not heard of lately: {', '.join(away)}.", "Look whether those boxes run.")
    if aside:
        return Finding("warn", f"{aside} facts of other boxes are set aside.", "See which: ladder boxes.")
    return Finding("ok", f"All {len(found)} other boxes are heard.")
