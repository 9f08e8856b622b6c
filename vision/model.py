"""What vision says: balls in a frame, shots, and how well it saw. Frozen values without behaviour.

Names and units are those of `shots.json`; `shot_to_json` is that file's one writer.
"""

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from calibration.table import PocketName, RailName
from vision.balls import Group

SCHEMA = 1

State = Literal["still", "moving", "hidden"]
Phase = Literal["waiting", "still", "shot"]
Result = Literal["make", "miss", "unknown"]
Kind = Literal["break", "straight", "cut", "bank", "kick", "combination", "carom", "safety", "unknown"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Detection:
    """One ball found in one frame.

    `look` is its colour signature (see `vision.identify`), `quality` 0–1 how well the projected ball fits
    what is seen, `free` the fraction of its outline that touches neither a neighbour nor the picture's edge;
    `by_hand` says that it lies in or beside a hand, an arm or a body, where much looks round that is no ball.
    """

    x_px: float
    y_px: float
    x_in: float
    y_in: float
    radius_px: float
    quality: float
    free: float = 1.0
    look: NDArray[np.float32] | None = None
    by_hand: bool = False
    late_s: float = 0.0


@dataclass(frozen=True, slots=True)
class BallState:
    """A ball followed through time, as it stands in one frame."""

    ball: str
    x_in: float
    y_in: float
    x_px: float
    y_px: float
    state: State


@dataclass(frozen=True, slots=True)
class Pot:
    ball: str
    group: Group
    pocket: PocketName
    pocket_px: Point
    t_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class FirstContact:
    """The first ball the cue ball met, and where both were."""

    ball: str
    t_s: float
    cue_ball_in: Point
    object_ball_in: Point


@dataclass(frozen=True, slots=True)
class Cushion:
    ball: str
    rail: RailName
    t_s: float


@dataclass(frozen=True, slots=True)
class Contact:
    """Two balls that met; `ball` is the one that came, `other` the one it met."""

    ball: str
    other: str
    t_s: float


@dataclass(frozen=True, slots=True)
class VerticalSpin:
    label: Literal["draw", "stun", "follow", "unknown"] = "unknown"
    confidence: float | None = None
    roll_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class SideSpin:
    label: Literal["left", "right", "none", "unknown"] = "unknown"
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Spin:
    vertical: VerticalSpin = VerticalSpin()
    side: SideSpin = SideSpin()


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot. What has no method yet stays None or `unknown`."""

    id: str
    start_s: float
    result: Result
    scratch: bool
    revision: int = 1
    complete: bool = True
    end_s: float | None = None
    start_frame: int | None = None
    end_frame: int | None = None
    potted: tuple[Pot, ...] = ()
    first_contact: FirstContact | None = None
    cut_angle_deg: float | None = None
    cue_distance_in: float | None = None
    pocket_distance_in: float | None = None
    cue_speed_mph: float | None = None
    spin: Spin = Spin()
    kind: Kind = "unknown"
    tags: tuple[str, ...] = ()
    cushions: tuple[Cushion, ...] = ()
    contacts: tuple[Contact, ...] = ()
    layout_start: dict[str, Point] = field(default_factory=dict)
    layout_end: dict[str, Point] = field(default_factory=dict)
    paths_in: dict[str, tuple[tuple[float, float, float], ...]] = field(default_factory=dict)
    uncertainty: dict[str, float] = field(default_factory=dict)
    difficulty: float | None = None
    confidence: float | None = None


def shot_to_json(shot: Shot) -> dict[str, Any]:
    """The shot as `shots.json` holds it; numbers are rounded to what they can mean."""
    rounded: dict[str, Any] = _rounded(shot)
    return rounded


def shot_from_json(data: dict[str, Any]) -> Shot:
    """A shot from its JSON form. Raises KeyError or TypeError for what is none."""
    d = dict(data)
    d["potted"] = tuple(Pot(**{**p, "pocket_px": tuple(p["pocket_px"])}) for p in d.get("potted", ()))
    contact = d.get("first_contact")
    if contact is not None:
        d["first_contact"] = FirstContact(
            contact["ball"], contact["t_s"], tuple(contact["cue_ball_in"]), tuple(contact["object_ball_in"])
        )
    spin = d.get("spin") or {}
    d["spin"] = Spin(VerticalSpin(**spin.get("vertical", {})), SideSpin(**spin.get("side", {})))
    d["cushions"] = tuple(Cushion(**c) for c in d.get("cushions") or ())
    d["contacts"] = tuple(Contact(**c) for c in d.get("contacts") or ())
    d["tags"] = tuple(d.get("tags") or ())
    for name in ("layout_start", "layout_end"):
        d[name] = {ball: (p[0], p[1]) for ball, p in (d.get(name) or {}).items()}
    d["paths_in"] = {b: tuple((p[0], p[1], p[2]) for p in path) for b, path in (d.get("paths_in") or {}).items()}
    d["uncertainty"] = d.get("uncertainty") or {}
    return Shot(**d)


def _rounded(value: Any) -> Any:
    # Not `asdict`, which copies each of a shot's thousands of numbers first.
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(v) for v in value]
    if is_dataclass(value):
        return {one.name: _rounded(getattr(value, one.name)) for one in fields(value)}
    return value


@dataclass(frozen=True, slots=True)
class Health:
    """How well the pipeline saw, over all frames so far."""

    frames: int = 0
    repeated_frames: int = 0
    dropped_frames: int = 0
    ms_per_frame_p50: float | None = None
    ms_per_frame_p99: float | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What one frame added: where the balls are now and which shots ended or were amended with it."""

    index: int
    t_s: float
    phase: Phase
    balls: tuple[BallState, ...]
    shots: tuple[Shot, ...] = ()
