"""What is sent to a box: a wheel of this program, built here, with the versions it was tested with."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from edge.provision.ssh import ProvisionError

# What of a checkout goes into a wheel, and what of that never.
_PARTS = ("calibration", "vision", "edge", "kiosk", "sync", "systemd", "pyproject.toml", "README.md")
_NOT = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")
# So the same sources give the same wheel, and a box sees that it has it.
_EPOCH = "315532800"


@dataclass(frozen=True, slots=True)
class Package:
    """The wheel, other wheels for a box without internet, and the constraints to install with; None without."""

    wheel: Path
    version: str
    constraints: Path | None = None
    others: tuple[Path, ...] = ()

    @property
    def digest(self) -> str:
        """What tells one release from another."""
        whole = hashlib.sha256()
        for path in self.files:
            whole.update(f"{path.name} {_hash(path)}\n".encode())
        return whole.hexdigest()

    @property
    def files(self) -> tuple[Path, ...]:
        kept = () if self.constraints is None else (self.constraints,)
        return (self.wheel, *sorted(self.others), *kept)

    @property
    def size(self) -> int:
        return sum(path.stat().st_size for path in self.files)

    def write_tar(self, stream: IO[bytes]) -> None:
        """All of it as one tar, with SHA256SUMS. The constraints are called constraints.txt there."""
        with tarfile.open(fileobj=stream, mode="w") as tar:
            sums = ""
            for path in self.files:
                name = "constraints.txt" if path == self.constraints else path.name
                tar.add(path, arcname=name)
                sums += f"{_hash(path)}  {name}\n"
            info = tarfile.TarInfo("SHA256SUMS")
            info.size, info.mode = len(sums), 0o644
            tar.addfile(info, io.BytesIO(sums.encode()))
        stream.seek(0)


@contextmanager
def packed(given: Path | None, wheels: Path | None) -> Iterator[Package]:
    """The package of a wheel, of a checkout, or of the checkout that this program runs from.

    Raises ProvisionError. Wheels are built in a directory that is gone afterwards.
    """
    source = given or _own_checkout()
    others = tuple(sorted(wheels.glob("*.whl"))) if wheels is not None else ()
    if wheels is not None and not others:
        raise ProvisionError(f"there are no wheels in {wheels}")
    with tempfile.TemporaryDirectory(prefix="ladder-wheel-") as folder:
        wheel = source if source.suffix == ".whl" else _build(source, Path(folder))
        if not wheel.is_file():
            raise ProvisionError(f"there is no {wheel}")
        constraints = wheel.with_name("constraints.txt") if wheel == source else source / "constraints.txt"
        others = tuple(path for path in others if path.name != wheel.name)
        yield Package(wheel, _version(wheel), constraints if constraints.is_file() else None, others)


def _own_checkout() -> Path:
    checkout = Path(__file__).parents[2]
    if not (checkout / "pyproject.toml").is_file():
        raise ProvisionError("this program was installed from a wheel: name it, or a checkout, with --from")
    return checkout


def _build(checkout: Path, folder: Path) -> Path:
    """A wheel of a copy: pip leaves things behind where it builds, and takes along what is left there."""
    if not (checkout / "pyproject.toml").is_file():
        raise ProvisionError(f"{checkout} is neither a wheel nor a checkout: it has no pyproject.toml")
    copy = folder / "source"
    copy.mkdir()
    for part in _PARTS:
        path = checkout / part
        if path.is_dir():
            shutil.copytree(path, copy / part, ignore=_NOT)
        elif path.exists():
            shutil.copy2(path, copy / part)
    words = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps", "--quiet"]
    if _has_setuptools():
        words.append("--no-build-isolation")
    done = subprocess.run(
        [*words, "--wheel-dir", str(folder), str(copy)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SOURCE_DATE_EPOCH": _EPOCH},
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        last = (done.stderr or done.stdout).strip().splitlines()
        raise ProvisionError(f"no wheel could be built of {checkout}: {last[-1] if last else 'pip says nothing'}")
    return wheels[0]


def _has_setuptools() -> bool:
    try:
        return int(version("setuptools").partition(".")[0]) >= 77
    except PackageNotFoundError:
        return False


def _version(wheel: Path) -> str:
    name, _, rest = wheel.name.partition("-")
    version = rest.partition("-")[0]
    if name != "action_ladder" or not version:
        raise ProvisionError(f"{wheel} is no wheel of Action Ladder: it would be called action_ladder-….whl")
    return version


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
