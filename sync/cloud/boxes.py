"""What a hub says of its hall's boxes: read with care, kept as it was said last."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from edge.clock import from_stamp
from edge.facts import is_uuid
from sync.cloud.halls import zone_of
from sync.protocol import ProblemError

MOST_BOXES, MOST_FINDINGS, MOST_TEXT = 64, 40, 300

Worst = Literal["ok", "warn", "bad"]
STATES: tuple[Worst, ...] = ("bad", "warn", "ok")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_MOST = 1 << 53


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check of a box found, in words, and what to do."""

    state: str
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A box of a hall, by the word of its hub. `seen_at` is by the hub's clock; `unsent` are facts that wait at
    the box, `waiting_since` when the oldest of them was written."""

    device: str
    label: str
    role: str
    version: str
    seen_at: str | None
    unsent: int
    waiting_since: str | None
    worst: Worst
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """All that a hub says at once: of itself, how much it has not told the cloud yet; of the boxes of its hall."""

    zone: str | None
    version: str
    unsent: int
    waiting_since: str | None
    boxes: tuple[Box, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def read_said(found: Mapping[str, Any]) -> Said:
    """What a hub said. Raises ProblemError for what is none of it; what is too much of it is cut."""
    boxes = found.get("boxes", [])
    if not isinstance(boxes, list) or not all(isinstance(one, dict) for one in boxes):
        raise ProblemError(400, "malformed", "`boxes` is a list of objects.")
    zone = found.get("zone")
    return Said(
        zone if isinstance(zone, str) and zone_of(zone) is not None else None,
        _text(found.get("version"), 40),
        _count(found.get("unsent")),
        _stamp(found.get("waiting_since")),
        tuple(_box(one) for one in boxes[:MOST_BOXES]),
    )


def said_of(says: Mapping[str, Any]) -> Said:
    """What was kept of it."""
    return read_said(says)


def _box(found: Mapping[str, Any]) -> Box:
    device = _text(found.get("device"), 36)
    if not is_uuid(device):
        raise ProblemError(400, "malformed", "A box has the id of its device.")
    findings = found.get("findings", [])
    worst = found.get("worst", "ok")
    return Box(
        device,
        _text(found.get("label"), 80),
        "hub" if found.get("role") == "hub" else "table",
        _text(found.get("version"), 40),
        _stamp(found.get("seen_at")),
        _count(found.get("unsent")),
        _stamp(found.get("waiting_since")),
        worst if worst in STATES else "warn",
        tuple(_finding(one) for one in (findings if isinstance(findings, list) else [])[:MOST_FINDINGS]),
    )


def _finding(found: Any) -> Finding:
    """A finding is an object, or only its sentence."""
    if not isinstance(found, dict):
        return Finding("warn", _text(found, MOST_TEXT))
    state = found.get("state")
    return Finding(
        state if isinstance(state, str) and state in (*STATES, "unknown") else "warn",
        _text(found.get("text"), MOST_TEXT),
        _text(found.get("advice"), MOST_TEXT),
    )


def _text(value: Any, most: int) -> str:
    if not isinstance(value, str):
        return ""
    return "".join(char if char.isprintable() else " " for char in value[:most]).strip()


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST else 0


def _stamp(value: Any) -> str | None:
    if not isinstance(value, str) or not _STAMP.fullmatch(value):
        return None
    try:
        from_stamp(value)
    except ValueError:
        return None
    return value


def ahead_s(said_time: str, now: datetime) -> float:
    """How far the clock is ahead that said that time when it was `now`."""
    try:
        return (from_stamp(said_time) - now).total_seconds()
    except ValueError:
        return 0.0
