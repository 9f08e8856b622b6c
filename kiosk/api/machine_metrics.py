"""The box's figures for Prometheus that are of its machine, its store and its services."""

import sqlite3
from collections.abc import Iterable

from edge.health.check import Finding, State
from edge.health.machine import Machine
from edge.health.shots import waiting_shots
from edge.health.store import size, wal
from edge.store.errors import StoreError
from kiosk.api.prometheus import Metric
from kiosk.box import Box

GRADES: dict[State, float] = {"ok": 0.0, "warn": 1.0, "bad": 2.0}


def findings(found: Iterable[Finding]) -> Iterable[Metric]:
    """What each check found; one that does not know says nothing."""
    grades = {one.check: GRADES[one.state] for one in found if one.state in GRADES}
    what = "What each check found: 0 well, 1 worth a look, 2 bad"
    return (Metric("ladder_health", what, grades, label="check"),)


def of_machine(box: Box, machine: Machine) -> Iterable[Metric]:
    room, memory = machine.room(box.paths.data), machine.memory()
    if room is not None:
        yield Metric("ladder_disk_free_bytes", "Free on the data's disk", float(room.free_bytes))
        yield Metric("ladder_disk_total_bytes", "Size of the data's disk", float(room.total_bytes))
    if memory is not None:
        yield Metric("ladder_memory_available_bytes", "Memory free for use", float(memory.available_bytes))
        yield Metric("ladder_memory_total_bytes", "Memory of the machine", float(memory.total_bytes))
    yield Metric("ladder_temperature_celsius", "Heat of the machine's hottest part", machine.temperature_c())
    up_s, what = machine.services(box.paths.data), "How long each service has run"
    yield Metric("ladder_service_uptime_seconds", what, up_s, label="service")


def of_store(box: Box, found: Iterable[Finding]) -> Iterable[Metric]:
    path = box.paths.store
    current = any(one.check == "store" and one.state in ("ok", "warn") for one in found)
    yield Metric("ladder_database_bytes", "Size of the store", float(size(path)))
    yield Metric("ladder_database_wal_bytes", "Size of the store's log", float(size(wal(path))))
    yield Metric("ladder_database_schema_current", "1 while the store is of this version", float(current))
    yield Metric(
        "ladder_shots_unstored", "Shots in files that wait for the store", float(waiting_shots(box.paths))
    )
    try:
        with box.store.read() as conn:
            yield Metric("ladder_outbox_waiting", "Facts that wait to be sent", float(_waiting(conn)))
    except StoreError:
        return


def _waiting(conn: sqlite3.Connection) -> int:
    """By the ends of the line, which has no gaps: counting all of it takes long where nobody sends."""
    first, last, acked = conn.execute(
        "SELECT (SELECT min(seq) FROM outbox), (SELECT max(seq) FROM outbox), (SELECT max(acked) FROM sync_lines)"
    ).fetchone()
    return 0 if first is None else max(0, int(last) - max(int(first) - 1, acked or 0))
