"""How much memory a process has, by the kernel's count, in megabytes of a million bytes."""

from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Mark:
    """The vision process at one time of play: resident now and at most so far, and what the pipeline holds."""

    t_s: float
    resident_mb: float
    peak_mb: float
    pipeline_mb: float


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """What a stretch of play took: `start_mb` with everything imported, `end_mb` when all was over, `peak_mb` the
    most in between. `shots` are those in the store."""

    start_mb: float
    end_mb: float
    peak_mb: float
    frames: int
    dropped_frames: int
    shots: int
    wall_s: float
    marks: tuple[Mark, ...]


def resident_mb(status: Path = _STATUS) -> float:
    """What is resident now."""
    return _field_mb(status, "VmRSS")


def peak_mb(status: Path = _STATUS) -> float:
    """The most that ever was."""
    return _field_mb(status, "VmHWM")


def _field_mb(status: Path, name: str) -> float:
    for line in status.read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) * 1024 / 1e6
    raise RuntimeError(f"{status} has no {name}: this kernel does not say it")
