"""A whole hall as text, so that a test can hold one against another, whatever their rows' ids are."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evening import Evening

from edge.store.database import Store

RACK = tuple(str(n) for n in range(1, 10))
# When something was entered differs between an evening and what was claimed after it; so do the numbers of rows.
VOLATILE = {
    "elsewhere",
    "id",
    "seq",
    "created",
    "changed_at",
    "earned_at",
    "ref",
    "roles",
    "visible",
    "name_key",
    "guest",
}
LEFT_OUT = {
    "audit",
    "logins",
    "one_time_tokens",
    "pins",
    "identity",
    "outbox",
    "_sqlite_migrations",
    "group_changes",
}


@contextmanager
def an_evening(folder: Path) -> Iterator[Evening]:
    folder.mkdir()
    evening = Evening(folder)
    try:
        yield evening
    finally:
        evening.close()


def play_a_rack(evening: Evening) -> None:
    """The first player breaks, pots two and misses; the other runs the rack out."""
    evening.shoot("1", kind="break", on_table=RACK)
    evening.shoot("2", first="2", on_table=RACK[1:])
    evening.shoot(first="3", on_table=RACK[2:])
    for i, ball in enumerate(RACK[2:], start=2):
        evening.shoot(ball, first=ball, on_table=RACK[i:])


def everything(store: Store, names: dict[str, str]) -> dict[str, list[str]]:
    """All tables as text, with names in place of ids, without what tells only when a row was entered."""
    with store.read() as conn:
        tables = [
            row["name"]
            for row in conn.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"
            )
            if row["name"] not in LEFT_OUT
        ]
        labels = dict(names)
        for table, what in (("matches", "started_at"), ("sessions", "started_at || kind || player_id")):
            for row in conn.execute(f"SELECT id, {what} AS what FROM {table}"):
                labels[row["id"]] = f"{table} of {row['what']}"
        found = {}
        for table in tables:
            rows = [dict(row) for row in conn.execute(f"SELECT * FROM {table}")]
            # The ledger is compared by its sums, below.
            if table != "player_points":
                found[table] = sorted(_as_text(row, labels, table) for row in rows)
        sums = "SELECT player_id, month, kind, sum(half_points) AS sum FROM player_points"
        found["sums of points"] = sorted(
            _as_text(dict(row), labels, "")
            for row in conn.execute(f"{sums} GROUP BY player_id, month, kind, player_points.ref HAVING sum")
        )
        groups = "SELECT DISTINCT player_id FROM group_changes"
        found["groups"] = sorted(_as_text(dict(row), labels, "") for row in conn.execute(groups))
    return found


def _as_text(row: dict[str, Any], labels: dict[str, str], table: str) -> str:
    kept = {name: value for name, value in row.items() if name not in VOLATILE or table == "shots"}
    kept = {name: value for name, value in kept.items() if name not in ("stored_at", "amended_at")}
    text = str(kept)
    for _ in range(2):  # a session's label holds its player's id
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", lambda found: labels.get(found[0], found[0]), text)
    return text
