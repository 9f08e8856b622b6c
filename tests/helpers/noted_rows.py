"""What is noted of changed rows in a store, and what may stand in them."""

import json
import sqlite3
from typing import Any

from hypothesis import strategies as st

VALUES: dict[str, tuple[Any, Any]] = {
    "TEXT": ("a", "b"), "INTEGER": (1, 2), "REAL": (1.5, 2.5), "BLOB": (b"a", b"b"),
}  # fmt: skip
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


def noted(conn: sqlite3.Connection) -> list[tuple[str, list[Any], str]]:
    """The table, the key and the columns of every change since this was asked last."""
    rows = conn.execute("SELECT tbl, key, cols FROM changes ORDER BY seq").fetchall()
    conn.execute("DELETE FROM changes")
    return [(row["tbl"], json.loads(row["key"]), row["cols"]) for row in rows]
