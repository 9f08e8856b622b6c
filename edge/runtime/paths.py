"""Where a box keeps its things: the data directory, and the run directory in memory."""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of one box. `run` holds what is worth nothing after a reboot, in memory if possible."""

    data: Path
    run: Path

    @property
    def store(self) -> Path:
        return self.data / "ladder.db"

    @property
    def settings(self) -> Path:
        return self.data / "settings.toml"

    @property
    def calibration(self) -> Path:
        return self.data / "calibration.json"

    @property
    def spools(self) -> tuple[Path, Path]:
        """Where shots wait that could not be stored before a service ended; the second is for a full disk."""
        return self.data / "unstored-shots.json", self.run / "unstored-shots.json"

    @property
    def rejected_shots(self) -> Path:
        return self.data / "rejected-shots.jsonl"

    @property
    def secrets(self) -> Path:
        """The hall's keys; see `edge.hall.keys`."""
        return self.data / "secrets.json"

    @property
    def certificate(self) -> Path:
        """The certificate for HTTPS with its key; see `edge.hall.certificate`."""
        return self.data / "https.pem"

    @property
    def hub_certificate(self) -> Path:
        """The certificate by which tables know this box as their hub: it stays the same as long as can be."""
        return self.data / "hub.pem"

    @property
    def hub(self) -> Path:
        """At a table, what it knows of its hub; see `sync.hub_file`."""
        return self.data / "hub.json"

    @property
    def cloud(self) -> Path:
        """At a hub, what it knows of the cloud; see `sync.cloud_link`."""
        return self.data / "cloud.json"

    @property
    def hub_copy(self) -> Path:
        """At the table that keeps one, the copy of all that the hub has; see `sync.copying`."""
        return self.data / "hub-copy"

    @property
    def table_feel(self) -> Path:
        """What shots taught about the table; see `edge.runtime.table_memory`."""
        return self.data / "table-feel.json"

    @property
    def backups(self) -> Path:
        """Snapshots, a directory each; see `edge.backup`."""
        return self.data / "backups"

    @property
    def damaged(self) -> Path:
        """Stores that were put aside, a directory each; see `edge.store.recovery`."""
        return self.data / "damaged"

    @property
    def running(self) -> Path:
        """The lock of whoever runs this box."""
        return self.data / "running.lock"

    @property
    def aside(self) -> Path:
        """The lock of whoever needs the box to stand still; see `edge.runtime.role`."""
        return self.data / "aside.lock"

    @property
    def watching(self) -> Path:
        """The lock of whoever watches this table."""
        return self.data / "watching.lock"

    @property
    def working(self) -> Path:
        """The lock of whoever does this box's calendar work."""
        return self.data / "jobs.lock"

    @property
    def live_json(self) -> Path:
        return self.run / "live.json"

    @property
    def live_jpg(self) -> Path:
        return self.run / "live.jpg"


def default_data(environ: Mapping[str, str] | None = None) -> Path:
    """$LADDER_DATA, or the place where a user's programs keep their data."""
    env = os.environ if environ is None else environ
    if env.get("LADDER_DATA"):
        return Path(env["LADDER_DATA"])
    return data_home("action-ladder", env)


def data_home(name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where a program of that name keeps a user's data."""
    base = environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / name


def box_paths(
    data: Path | None = None, shared_memory: Path = SHARED_MEMORY, environ: dict[str, str] | None = None
) -> Paths:
    """The paths of the box in `data`; every process of the box gets the same. Makes no directory.

    $LADDER_RUN names the run directory where processes share no memory (containers).
    """
    env = os.environ if environ is None else environ
    data = (default_data() if data is None else data).expanduser().absolute()
    if env.get("LADDER_RUN"):
        return Paths(data, Path(env["LADDER_RUN"]).expanduser().absolute())
    name = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]
    in_memory = shared_memory / f"action-ladder-{os.getuid()}-{name}"
    return Paths(data, in_memory if _usable(in_memory) else data / "run")


def make_directories(paths: Paths) -> None:
    """Makes the data and the run directory where they are missing. Raises OSError."""
    paths.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths.run.mkdir(mode=0o700, parents=True, exist_ok=True)


def forget_live(paths: Paths) -> None:
    """Removes the live state of a run that is over, and the run directory when nothing else is in it."""
    for path in (paths.live_json, paths.live_jpg):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        paths.run.rmdir()


def _usable(directory: Path) -> bool:
    """Whether a directory in shared memory is ours or can be made; another user may have taken the name."""
    if directory.is_symlink():
        return False
    if directory.is_dir():
        return directory.stat().st_uid == os.getuid()
    return directory.parent.is_dir() and os.access(directory.parent, os.W_OK)
