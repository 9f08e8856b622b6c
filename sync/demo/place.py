"""Where the demo keeps its things, and how it comes to be: made beside, and moved into place when it is whole.

Whoever is killed while making it leaves a folder that the next one removes; whoever is killed later leaves what
SQLite can go on from.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from calibration.whole_file import replace_file
from edge.clock import machine_zone
from edge.demo.calendar import DemoHall, DemoPlan
from edge.demo.hall import make_hall
from edge.locks import LockHeldError, file_lock
from edge.runtime.paths import Paths, box_paths
from sync.cloud.stripe_config import StripeConfig, StripeConfigError, is_live, load_config, save_config
from sync.cloud_link import load_cloud, save_cloud
from sync.sandbox.sandbox import KEY, Sandbox

SCHEMA = 1
FOLDER = "demo"
WEBHOOK = "/api/stripe/webhook"
BEING_MADE = ".demo-being-made"
USUAL_ADDRESS = "http://localhost:8090"
MAKING_S = 300.0  # somebody else may just make it
LEAVING_S = 12.0  # one that was killed has a process that ends soon

Told = Callable[[float], None]


class DemoError(Exception):
    """There is no demo to be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Note:
    """What is to be known of a demo: which hub is Chalk City's, which halls' hubs speak no more, the secret of the
    webhooks and which endpoint at the sandbox they come from."""

    own: str
    silent: tuple[str, ...]
    webhook: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class DemoPlace:
    """A demo's folder: the box's own things, and below `cloud` the cloud's and the sandbox's."""

    folder: Path

    @property
    def box(self) -> Paths:
        """Of the box as it runs."""
        return box_paths(self.folder)

    @property
    def box_at_rest(self) -> Paths:
        """The same without a folder in memory, for who makes it."""
        return Paths(self.folder, self.folder / "run")

    @property
    def cloud(self) -> Path:
        return self.folder / "cloud"

    @property
    def database(self) -> Path:
        return self.cloud / "cloud.db"

    @property
    def sandbox(self) -> Path:
        return self.cloud / "sandbox.db"

    @property
    def note(self) -> Path:
        return self.cloud / "demo.json"

    @property
    def serving(self) -> Path:
        """The lock of whoever serves its cloud."""
        return self.cloud / "serving.lock"

    def keep(self, note: Note) -> None:
        """Raises OSError."""
        replace_file(
            self.note,
            json.dumps({"schema": SCHEMA, **asdict(note)}, indent=1).encode(),
            durable=True,
            private=True,
        )

    def read(self) -> Note:
        """Raises DemoError."""
        try:
            found = json.loads(self.note.read_bytes())
            if found.pop("schema") == SCHEMA:
                return Note(**{**found, "silent": tuple(found["silent"])})
        except (OSError, ValueError, KeyError, TypeError):
            pass
        raise DemoError(f"{self.folder} is no demo that this version has made: remove it, and another is made")


def demo_in(data: Path) -> DemoPlace:
    """The demo that belongs to a data directory."""
    return DemoPlace(data.expanduser().absolute() / FOLDER)


def made(data: Path, told: Told | None = None, hall: DemoHall | None = None) -> DemoPlace:
    """The demo of a data directory, made where there is none, which takes a while; it is to be that hall, or by
    default the whole one as it is now. `told` hears what share is done, at once too.

    Raises DemoError, StoreError of both stores, OSError.
    """
    place = demo_in(data)
    place.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with file_lock(place.folder.with_name(".demo.lock"), timeout_s=MAKING_S):
            if not _is_empty(place.folder):
                place.read()
            else:
                _make(
                    place,
                    told or (lambda _: None),
                    hall or DemoHall(DemoPlan(), datetime.now(UTC), machine_zone()),
                )
    except LockHeldError as error:
        raise DemoError(f"another program is still making the demo in {place.folder}: end it") from error
    return place


def _is_empty(folder: Path) -> bool:
    return not folder.exists() or not any(folder.iterdir())


def _make(place: DemoPlace, told: Told, hall: DemoHall) -> None:
    from sync.demo.months import HALL_SHARE, run_months  # noqa: PLC0415 (Stripe's library is 31 MB)

    beside = DemoPlace(place.folder.with_name(BEING_MADE))
    shutil.rmtree(beside.folder, ignore_errors=True)
    beside.folder.mkdir(mode=0o700)
    beside.cloud.mkdir(mode=0o700)
    told(0.0)
    hall = make_hall(beside.box_at_rest, hall, lambda share: told(HALL_SHARE * share))
    run_months(beside, hall, told)
    _tell(beside.box_at_rest, USUAL_ADDRESS)
    os.sync()
    beside.folder.replace(place.folder)
    os.sync()
    told(1.0)


@contextmanager
def held(place: DemoPlace) -> Iterator[None]:
    """Inside the block nobody else serves this demo's cloud. Raises DemoError."""
    try:
        with file_lock(place.serving, timeout_s=LEAVING_S):
            yield
    except LockHeldError as error:
        raise DemoError(f"another ladder cloud --demo works in {place.folder}: stop it first") from error


def config_of(place: DemoPlace, sandbox: str) -> StripeConfig:
    """How the demo pays: at the sandbox, whatever stands in the environment. Raises DemoError."""
    if is_live(os.environ.get("LADDER_STRIPE_KEY", "")):
        raise DemoError(
            "the demo pays at its own sandbox alone, and LADDER_STRIPE_KEY moves real money: unset it first"
        )
    note = place.read()
    try:
        known = load_config(place.cloud, {})
        if known is not None and known.key != KEY:
            raise DemoError(f"{place.cloud} has a key that is not the sandbox's: the demo takes no other")
        config = StripeConfig(KEY, note.webhook, sandbox)
        if config != known:
            save_config(place.cloud, config)
    except (StripeConfigError, OSError) as error:
        raise DemoError(str(error)) from error
    return config


def tell_box(place: DemoPlace, address: str) -> None:
    """The box finds its cloud there from now on. Raises CloudLinkError, OSError."""
    _tell(place.box, address)


def _tell(box: Paths, address: str) -> None:
    known = load_cloud(box.cloud)
    if known is not None and known.address != address:
        save_cloud(box.cloud, replace(known, address=address))


def time_at(sandbox: Sandbox) -> datetime:
    """What the sandbox's clock shows, which is the cloud's too."""
    return datetime.fromtimestamp(sandbox.now, UTC)
