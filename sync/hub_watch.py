"""Whether this box is still the hub: one that was away may find that a table has taken its place.

Who knows the hall's certificate answers for it, so a box that shows it at another address and names a later term
is the hub now. Then this one lets no box in any more, and says so.
"""

import logging
import sqlite3
from collections.abc import Iterable

from edge.store import sync_state
from edge.store.database import Store
from sync.hub_client import FAILURES, HubClient

log = logging.getLogger(__name__)

REPLACED = "replaced_by"


def look_for_successor(store: Store, fingerprint: str, addresses: Iterable[str]) -> str | None:
    """The address of the box that is the hub now, or None while it is this one; kept in the store.

    Raises StoreError.
    """
    with store.read() as conn:
        own = sync_state.term(conn)
        before = successor(conn)
    found = next((address for address in addresses if _term_at(address, fingerprint) > own), None)
    if found is None:
        return before  # it may only be away
    if found != before:
        log.error("the hub is at %s now: this box lets no other in any more; enrol it there as a table", found)
        with store.write() as conn:
            sync_state.put(conn, REPLACED, found)
    return found


def successor(conn: sqlite3.Connection) -> str | None:
    """The address that `look_for_successor` has found before."""
    return sync_state.get(conn, REPLACED) or None


def _term_at(address: str, fingerprint: str) -> int:
    client = HubClient(address, fingerprint, None)
    try:
        return int(client.send("GET", "/v1/term").json()["term"])
    except (*FAILURES, ValueError, KeyError, TypeError):
        return 0
    finally:
        client.close()
