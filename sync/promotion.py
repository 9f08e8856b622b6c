"""A table becomes the hub: its copy of the hub takes the place of its own store, with all that is only here added.

The box keeps its own identity, with a new epoch; the hall's certificate and keys are the hub's, so the other
tables know the new hub when they find it, and tell it again what it has not heard.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from calibration.whole_file import replace_file
from edge.clock import stamp
from edge.hall import audit, devices
from edge.locks import LockHeldError, file_lock
from edge.runtime.paths import Paths
from edge.runtime.role import set_aside
from edge.store import changes, inbox, outbox, swap, sync_state
from edge.store.alone import alone
from edge.store.database import Store, connect, translated
from edge.store.swap import Plan
from sync import protocol
from sync.copying import HubCopy
from sync.enrolment import HUB_PORT
from sync.hub_client import FAILURES, HubClient
from sync.hub_file import Hub, load_hub
from sync.protocol import Answer
from sync.receiving import receive
from sync.sending import Sender

# Of the copy: what is the hall's and not the old hub's own.
HALLS = ("secrets.json", "hub.pem")
STOP = "sudo systemctl stop ladder.target"
SECTION = f"\n[hub]\nport = {HUB_PORT}\n"


class PromotionError(Exception):
    """This table can't be made the hub; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """What was done: the new term, how many facts of this table the old hub had not heard, and where the store
    lies that this table had."""

    term: int
    added: int
    aside: Path


def promote(paths: Paths, now: datetime, *, force: bool = False) -> Promoted:
    """Makes the table at `paths` the hub, with its services stopped, as `ladder run` does for as long.

    Without `force` only where the hub is out of reach. Killed at any moment it can be called again. Raises
    PromotionError, StoreError, HubFileError, OSError.
    """
    hub = load_hub(paths.hub)
    copy = HubCopy(paths.hub_copy)
    if hub is None:
        raise PromotionError("this box is no table of a hall, so there is nothing to promote")
    if not copy.path.exists():
        raise PromotionError(
            "this box keeps no copy of the hub: promote the one that does (ladder doctor at each box says which),"
            " or restore a snapshot of the hub here"
        )
    for name in HALLS:
        if not (paths.hub_copy / name).exists():
            raise PromotionError(f"the copy of the hub lacks {name}, by which other tables would know this box")
    if not force and _hub_answers(hub):
        raise PromotionError("the hub answers: stop it first, or say --force and stop it at once after")
    with _stopped(paths):
        added = _add_own(paths, copy, hub.device, now)
        term = _make_hub(copy, hub.device, hub.table_label, hub.term + 1, now)
        for name in HALLS:
            replace_file(paths.data / name, (paths.hub_copy / name).read_bytes(), durable=True, private=True)
        aside = _put_in_place(paths, copy, now)
        _name_port(paths)
        paths.hub.replace(aside / paths.hub.name)
    shutil.rmtree(paths.hub_copy, ignore_errors=True)
    return Promoted(term, added, aside)


def _hub_answers(hub: Hub) -> bool:
    client = HubClient.of(hub)
    try:
        client.post("/v1/hello", {})
    except FAILURES:
        return False
    finally:
        client.close()
    return True


@contextmanager
def _stopped(paths: Paths) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(set_aside(paths))
            stack.enter_context(file_lock(paths.watching))
        except LockHeldError as error:
            raise PromotionError(f"the box runs: stop its services first, with {STOP} ({error})") from error
        yield


@dataclass(frozen=True, slots=True)
class _Copy:
    """The copy of the hub, told as the hub was."""

    store: Store
    device: str
    now: datetime

    def facts(self, batch: bytes) -> Answer:
        return receive(self.store, protocol.unpack(batch), self.device, self.now)


def _add_own(paths: Paths, copy: HubCopy, device: str, now: datetime) -> int:
    """Takes what this table has done into the copy, as the hub would have."""
    with Store(paths.store) as own, Store(copy.path) as halls:
        with halls.write() as conn:
            changes.tell_nobody(conn, nobody=False)
            upto = inbox.lines_of(conn, device)
        with own.write() as conn:
            outbox.tell_changes(conn)
            lines = sync_state.hear_acked(conn, upto)
        return Sender(own, _Copy(halls, device, now)).tell(lines)


def _make_hub(copy: HubCopy, device: str, label: str, term: int, now: datetime) -> int:
    with Store(copy.path) as store, store.write() as conn:
        known = sync_state.term(conn)
        term = max(term, known) if sync_state.get(conn, "promoted") else max(term, known + 1)
        conn.execute("UPDATE identity SET device = ?", [device])
        outbox.begin_epoch(conn)
        changes.begin_noting(conn, "hub")
        devices.remove_device(conn, device, None, now)
        conn.execute("UPDATE hall_tables SET box = 'other' WHERE box = 'own'")
        conn.execute("UPDATE hall_tables SET box = 'own' WHERE label = ? AND retired_at IS NULL", [label])
        conn.execute("DELETE FROM sync_state WHERE name IN ('feed', 'heard', 'problem', 'replaced_by')")
        conn.execute("UPDATE sources SET elsewhere = coalesce(table_label, '') != ?", [label])
        sync_state.put(conn, "term", str(term))
        sync_state.put(conn, "promoted", stamp(now))
        audit.note(conn, stamp(now), "hub.promoted", f"device:{device}", role="system", who=None)
    return term


def _put_in_place(paths: Paths, copy: HubCopy, now: datetime) -> Path:
    """Swaps the stores; what this table had is kept."""
    with closing(connect(copy.path)) as conn, translated(copy.path):
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    swap.clear_new(paths.store)
    shutil.copyfile(copy.path, swap.new_of(paths.store))
    aside = paths.damaged / now.strftime("%Y-%m-%dT%H%M%SZ")
    what = {"schema": 1, "at": stamp(now), "why": "promoted"}
    with alone(paths.store):
        swap.swap(paths.store, Plan(aside, what))
    return aside


def _name_port(paths: Paths) -> None:
    """The other boxes must find it, so it listens from now on."""
    text = paths.settings.read_text("utf-8") if paths.settings.exists() else ""
    if "[hub]" not in text:
        paths.settings.write_text(text + SECTION, "utf-8")
