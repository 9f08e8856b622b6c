"""A hub and the cloud: how it is enrolled there, and what it tells, which is figures of days, training scores of
months (`sync.training_link`) and how its boxes are.

No shot and no picture goes there, and of players' names only those that boards show (`sync.hall_link`).
"""

import hmac
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from calibration.whole_file import replace_file
from edge.clock import stamp
from edge.facts import hall_day
from edge.hall import devices
from edge.hall.devices import clean_code
from edge.stats.hall_days import day_figures
from edge.store import outbox, sync_state
from edge.store.database import Store
from sync.hall_link import hear_hall, tell_names
from sync.hub_client import HubClient
from sync.protocol import CloudProof, ProblemError, Signer, cloud_address
from sync.sending import Sender
from sync.training_link import note_training

log = logging.getLogger(__name__)

HELLO_S = 60.0
DAYS_EVERY_S = 900.0
KEPT = timedelta(days=14)
DAYS_BACK = 7  # a day is told anew for so long: tables that were away tell late


class CloudLinkError(Exception):
    """The cloud does not take this hall in; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """The cloud as this hub knows it."""

    address: str
    hall: str
    device: str
    key_id: str
    key: str

    @property
    def signer(self) -> Signer:
        return Signer(self.device, self.key_id, bytes.fromhex(self.key))

    def __repr__(self) -> str:
        return f"Cloud({self.address})"  # not the key


def load_cloud(path: Path) -> Cloud | None:
    """The cloud of this hub, or None. Raises CloudLinkError."""
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        found.pop("schema")
        return Cloud(**found)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CloudLinkError(
            f"{path} names no cloud: put it back from a backup, or enrol this hub anew"
        ) from error


def save_cloud(path: Path, cloud: Cloud) -> None:
    """Writes it, durable and private. Raises OSError."""
    replace_file(path, json.dumps({"schema": 1, **asdict(cloud)}, indent=1).encode(), durable=True, private=True)


def enrol(path: Path, store: Store, address: str, typed: str) -> Cloud:
    """Has the cloud at that address take this hall in. Raises CloudLinkError, DeviceError for what is no code, and
    as `HubClient` does."""
    try:
        address = cloud_address(address)
    except ValueError as error:
        raise CloudLinkError(str(error)) from error
    code = clean_code(typed)
    with store.read() as conn:
        device = str(conn.execute("SELECT device FROM identity").fetchone()["device"])
    proof = CloudProof(device, secrets.token_hex(16), address)
    client = HubClient(address, None, None)
    try:
        told = client.post("/v1/enrol", {"device": device, "nonce": proof.nonce, "proof": proof.by(code, "hub")})
    except ProblemError as problem:
        raise CloudLinkError(problem.detail) from problem
    finally:
        client.close()
    if not hmac.compare_digest(proof.by(code, "cloud"), str(told.get("proof", ""))):
        raise CloudLinkError(
            "what answers does not know the code: it is not the cloud, or somebody stands between"
        )
    cloud = Cloud(address, str(told["hall"]), device, str(told["key_id"]), str(told["key"]))
    save_cloud(path, cloud)
    return cloud


class CloudSync:
    """A hub's side. `says` is what this box says of itself."""

    def __init__(
        self, store: Store, client: HubClient, zone: ZoneInfo, label: str, says: Callable[[], dict[str, Any]]
    ) -> None:
        self._store = store
        self._client = client
        self._zone = zone
        self._label = label
        self._says = says
        self._sender = Sender(store, client, "cloud_outbox")
        self._hello_s = self._days_s = float("-inf")

    def turn(self, mono_s: float, now: datetime) -> int:
        """Tells what is due; returns how many facts. Raises as `HubClient` does, and StoreError."""
        if mono_s - self._days_s >= DAYS_EVERY_S:
            self.note_days(now)
            note_training(self._store, now)
            self._days_s = mono_s
        if mono_s - self._hello_s >= HELLO_S:
            self.hello(now)
            self.hear_hall(now)
            self._hello_s = mono_s
        with self._store.write() as conn:
            lines = sync_state.own_lines(conn, "cloud_outbox")
        return self._sender.tell(lines)

    def hear_hall(self, now: datetime) -> None:
        """Tells the names that boards show, and hears how the hall's months and subscriptions stand."""
        try:
            tell_names(self._store, self._client, now)
            hear_hall(self._store, self._client, now)
        except ProblemError as problem:
            if problem.status != 404:  # a cloud of an earlier version
                raise

    def note_days(self, now: datetime) -> int:
        """Puts the figures of the last days in line that are others than were told; returns how many."""
        today, noted = now.astimezone(self._zone).date(), 0
        with self._store.write() as conn:
            for back in range(DAYS_BACK, -1, -1):
                day = (today - timedelta(days=back)).isoformat()
                fact = hall_day(day_figures(conn, day), created=stamp(now))
                told = sync_state.get(conn, f"day:{day}")
                if fact.hash != told and (told is not None or json.loads(fact.body)["sessions"]):
                    outbox.append_for_cloud(conn, fact)
                    sync_state.put(conn, f"day:{day}", fact.hash)
                    noted += 1
            old = (today - timedelta(days=DAYS_BACK + 1)).isoformat()
            conn.execute("DELETE FROM sync_state WHERE name GLOB 'day:*' AND name < ?", [f"day:{old}"])
            sync_state.forget_sent(conn, stamp(now - KEPT), lane="cloud_outbox")
        return noted

    def hello(self, now: datetime) -> None:
        """Says how the hall's boxes are, and hears how far the cloud has this hub's facts."""
        with self._store.read() as conn:
            boxes = [_as_told(box) for box in devices.devices(conn)]
            unsent = sync_state.count_unsent(conn, "cloud_outbox")
            since = sync_state.waiting_since(conn, "cloud_outbox")
            own = str(conn.execute("SELECT device FROM identity").fetchone()["device"])
        said = self._says()
        own_box = {
            "device": own, "label": self._label, "role": "hub", "version": said.get("version", ""),
            "seen_at": stamp(now), "unsent": 0, "worst": said.get("worst", "ok"),
            "findings": said.get("findings", []),
        }  # fmt: skip
        found = self._client.post(
            "/v1/hello",
            {
                "zone": str(self._zone),
                "version": version("action-ladder"),
                "unsent": unsent,
                "waiting_since": since,
                "boxes": [own_box, *boxes],
            },
        )
        with self._store.write() as conn:
            sync_state.hear_acked(conn, found["lines"], "cloud_outbox")
            sync_state.put(conn, "cloud_seen_at", found["time"])


def _as_told(box: devices.Device) -> dict[str, Any]:
    return {
        "device": box.id,
        "label": box.table_label,
        "role": "table",
        "version": box.says.get("version", ""),
        "seen_at": box.seen_at,
        "unsent": box.says.get("unsent", 0),
        "waiting_since": box.says.get("waiting_since"),
        "worst": box.says.get("worst", "ok"),
        "findings": box.says.get("findings", []),
    }
