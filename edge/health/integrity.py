"""Whether the store's file is sound inside: `quick_check`, or thoroughly with its indexes and references.

Its repair makes indexes anew. Where rows are damaged it leaves the mark by which the services end and `ladder
migrate` mends the store (`edge.store.damage`).
"""

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing

from edge.health.check import REPORT, Check, Finding, Scene
from edge.health.store import mark_damaged, readable, repair_command
from edge.store.database import connect, translated
from edge.store.errors import StoreDamagedError, StoreError

# Reading all of the store takes a minute from a card: for pages a few times a day is often enough.
EVERY_S = 6 * 3600.0
SHOWN = 3
ADVICE = "Mark it: then the services end, and ladder migrate, before they start, restores the last backup."
# An index repeats what its table says, and can be made from it anew.
_OF_AN_INDEX = re.compile(r"missing from index|wrong # of entries in index")


def look(scene: Scene) -> Finding:
    found = readable(scene)
    if isinstance(found, Finding):
        return found
    try:
        with closing(found) as conn, translated(scene.paths.store):
            faults = _faults(conn, scene.thorough)
            strays = _strays(conn) if scene.thorough and not faults else []
    except StoreDamagedError as error:
        faults, strays = [str(error)], []
    except StoreError as error:
        return Finding("unknown", f"The store can't be asked: {error}.")
    if faults and all(_OF_AN_INDEX.search(fault) for fault in faults):
        text = f"Indexes of the store are damaged, its rows are not: {_some(faults)}."
        return Finding("bad", text, "Have them made anew.", repair_command(scene) + " --thorough")
    if faults:
        return Finding("bad", f"The store is damaged inside: {_some(faults)}.", ADVICE, repair_command(scene))
    if strays:
        text = f"The store is sound, but rows refer to what is not there: {_some(strays)}."
        return Finding("bad", text, REPORT)
    looked = "thoroughly" if scene.thorough else "quickly; --thorough looks at every index"
    return Finding("ok", f"The store is sound (looked at {looked}).")


def mend(scene: Scene) -> str | None:
    """Makes indexes anew where nothing else is damaged, which a thorough look tells; marks a store that is."""
    path = scene.paths.store
    try:
        with closing(connect(path)) as conn, translated(path):
            faults = _faults(conn, scene.thorough)
            if faults and all(_OF_AN_INDEX.search(fault) for fault in faults):
                conn.execute("REINDEX")
                return "The store's indexes were made anew."
    except StoreDamagedError as error:
        faults = [str(error)]
    if not faults:
        return None
    return mark_damaged(scene, f"the store is damaged inside: {_some(faults)}")


def _faults(conn: sqlite3.Connection, thorough: bool) -> list[str]:
    rows = conn.execute("PRAGMA integrity_check" if thorough else "PRAGMA quick_check").fetchall()
    return [str(row[0]).strip() for row in rows if row[0] != "ok"]


def _strays(conn: sqlite3.Connection) -> list[str]:
    return [f"{row[0]} row {row[1]} to {row[2]}" for row in conn.execute("PRAGMA foreign_key_check").fetchall()]


def _some(faults: Iterable[str]) -> str:
    listed = [" ".join(fault.split()) for fault in faults]
    more = len(listed) - SHOWN
    return "; ".join(listed[:SHOWN]) + (f" and {more} more" if more > 0 else "")


CHECK = Check("integrity", look, mend, EVERY_S)
