"""What really happened on the simulated table, in the words of the shot model and of truth files."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from calibration.file import Calibration
from calibration.table import POCKET_NAMES, Table
from vision.balls import ball_sets
from vision.model import (
    SCHEMA,
    Contact,
    Cushion,
    FirstContact,
    Kind,
    Point,
    Pot,
    Shot,
    SideSpin,
    Spin,
    VerticalSpin,
    shot_to_json,
)
from vision.simulate.acts import BallStatus
from vision.simulate.director import PlayedShot
from vision.simulate.shotbook import ShotRecord, pocket_of

# Below these a stroke is called stun, or without side, in the truth.
STUN_RATIO = 0.2
NO_SIDE = 0.08
STRAIGHT_DEG = 3.0


@dataclass(frozen=True, slots=True)
class TrueState:
    """A ball in one frame. `covered` is the share of its middle that people hide; a cue's shaft, narrower than
    a ball, is not counted. `spin_rad_s` is its angular velocity about the table's axes."""

    ball: str
    x_in: float
    y_in: float
    x_px: float
    y_px: float
    status: BallStatus
    covered: float
    spin_rad_s: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def shown(self) -> Literal["still", "moving", "hidden"]:
        """What truth files call its state. Balls that people cover, that fall into a pocket or that a hand carries
        are `hidden`: they may be reported or not."""
        return self.status if self.status in ("still", "moving") and self.covered <= 0.5 else "hidden"


@dataclass(frozen=True)
class FrameTruth:
    """What was true at a frame's time. A ball that falls into a pocket is still listed, as `falling`. `hand` says
    that a hand, an arm, a body or a cue is over the bed."""

    index: int
    t_s: float
    balls: tuple[TrueState, ...]
    hand: bool = False

    @cached_property
    def by_name(self) -> dict[str, TrueState]:
        return {ball.ball: ball for ball in self.balls}

    def to_json(self) -> dict[str, Any]:
        """An entry of `frames` in a truth file."""
        return {
            "frame": self.index,
            "t_s": round(self.t_s, 5),
            "hand": self.hand,
            "balls": [_ball(b) for b in self.balls],
        }


def _ball(b: TrueState) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "ball": b.ball,
        "table_in": [round(b.x_in, 4), round(b.y_in, 4)],
        "px": [round(b.x_px, 3), round(b.y_px, 3)],
        "state": b.shown,
    }
    if b.status == "moving":
        entry["spin_rad_s"] = [round(w, 2) for w in b.spin_rad_s]
    return entry


def true_shot(played: PlayedShot, calibration: Calibration, source_id: str) -> Shot:
    """The shot as a perfect observer would report it; times are on the source's clock."""
    record, t0 = played.record, played.strike_s
    groups = ball_sets()["american"]
    pockets = dict(zip(POCKET_NAMES, calibration.pockets_px, strict=True))
    potted = tuple(
        Pot(
            ball=e.ball,
            group=groups.group_of(e.ball),
            pocket=pocket_of(e),
            pocket_px=_point(pockets[pocket_of(e)]),
            t_s=t0 + e.t_s,
            confidence=1.0,
        )
        for e in record.pots
    )
    contact = record.first_contact
    return Shot(
        id=f"{source_id}:{t0:.3f}",
        start_s=t0,
        end_s=played.rest_s,
        result="make" if record.made else "miss",
        scratch=record.scratch,
        potted=potted,
        first_contact=_first_contact(record, t0),
        cut_angle_deg=record.cut_angle_deg,
        cue_distance_in=None if contact is None else _distance(record, "cue", contact.other),
        pocket_distance_in=_pocket_distance(record, calibration.table),
        cue_speed_mph=record.cue_speed_mph,
        spin=_spin(record),
        kind=kind_of(record),
        cushions=tuple(
            Cushion(e.ball, e.other, t0 + e.t_s)  # type: ignore[arg-type]
            for e in record.events
            if e.kind == "cushion"
        ),
        contacts=tuple(Contact(e.ball, e.other, t0 + e.t_s) for e in record.events if e.kind == "ball"),
        layout_start={ball: _point(p) for ball, p in record.layout_start.items()},
        layout_end={ball: _point(p) for ball, p in record.layout_end.items()},
        confidence=1.0,
    )


def kind_of(record: ShotRecord) -> Kind:
    """The shot's kind by what happened, not by what was meant; a miss is judged by what it set out to be."""
    contact = record.first_contact
    if contact is None or record.intent == "break":
        return "break" if record.intent == "break" else "unknown"
    if any(e.kind == "cushion" and e.ball == "cue" and e.t_s < contact.t_s for e in record.events):
        return "kick"
    pots = [e for e in record.pots if e.ball != "cue"]
    if pots and pots[0].ball != contact.other:
        return "carom" if _met_by_cue(record, pots[0].ball) else "combination"
    if record.intent == "bank" or _banked(record, contact.other):
        return "bank"
    return "safety" if record.intent == "safety" and not pots else _straight_or_cut(record)


def _met_by_cue(record: ShotRecord, ball: str) -> bool:
    """Whether what set a ball off was the cue ball itself, after it had met another."""
    first = next(e for e in record.events if e.kind == "ball" and ball in (e.ball, e.other))
    return "cue" in (first.ball, first.other)


def _straight_or_cut(record: ShotRecord) -> Kind:
    return "straight" if (record.cut_angle_deg or 0.0) < STRAIGHT_DEG else "cut"


def truth_file(
    shots: Sequence[tuple[str, PlayedShot]],
    frames: Sequence[FrameTruth],
    calibration: Calibration,
    fps: float | None,
) -> dict[str, Any]:
    """A truth file as `ladder evaluate` reads it, of shots played, each with its source's id."""
    table = calibration.table
    return {
        "schema": SCHEMA,
        "source": {"fps": fps, "readout_s": calibration.readout_s},
        "table": {
            "name": table.name,
            "length_in": table.length_in,
            "width_in": table.width_in,
            "ball_diameter_in": table.ball_diameter_in,
        },
        "calibration": {"pockets_px": np.round(calibration.pockets_px, 3).tolist()},
        "shots": [_shot_entry(played, calibration, source_id) for source_id, played in shots],
        "frames": [frame.to_json() for frame in frames],
    }


def _shot_entry(played: PlayedShot, calibration: Calibration, source_id: str) -> dict[str, Any]:
    """The shot as `shots.json` has it, and what only the truth knows: the strike and every contact."""
    strike, t0_s = played.record.strike, played.strike_s
    return shot_to_json(true_shot(played, calibration, source_id)) | {
        "strike": {
            "speed_in_s": round(strike.speed_in_s, 3),
            "direction_deg": round(strike.direction_deg, 4),
            "side": round(strike.side, 4),
            "vertical": round(strike.vertical, 4),
        },
        "events": [
            {"t_s": round(t0_s + e.t_s, 5), "kind": e.kind, "ball": e.ball, "other": e.other}
            for e in played.record.events
        ],
    }


def _banked(record: ShotRecord, ball: str) -> bool:
    pot = next((e for e in record.pots if e.ball == ball), None)
    return pot is not None and any(
        e.kind == "cushion" and e.ball == ball and e.t_s < pot.t_s for e in record.events
    )


def _first_contact(record: ShotRecord, t0_s: float) -> FirstContact | None:
    contact = record.first_contact
    if contact is None:
        return None
    at = contact.t_s - 1e-5
    cue, other = (record.state(ball, at)[1] for ball in ("cue", contact.other))
    return FirstContact(contact.other, t0_s + contact.t_s, _point(cue), _point(other))


def _distance(record: ShotRecord, a: str, b: str) -> float:
    start = record.layout_start
    return float(np.hypot(*(start[a] - start[b])))


def _pocket_distance(record: ShotRecord, table: Table) -> float | None:
    """From where the first object ball potted lay to the centre of its pocket."""
    pot = next((e for e in record.pots if e.ball != "cue"), None)
    if pot is None:
        return None
    pocket = next(p for p in table.pockets if p.name == pocket_of(pot))
    x, y = record.layout_start[pot.ball]
    return float(np.hypot(x - pocket.x_in, y - pocket.y_in))


def _spin(record: ShotRecord) -> Spin:
    """The cue ball's roll ratio at its first contact (+1 natural roll, 0 stun, below 0 draw), and the side it
    was struck with."""
    side: Literal["left", "right", "none"] = "none"
    if abs(record.strike.side) > NO_SIDE:
        side = "left" if record.strike.side > 0 else "right"
    contact = record.first_contact
    if contact is None:
        return Spin(VerticalSpin(), SideSpin(side, 1.0))
    _, _, velocity, spin = record.state("cue", contact.t_s - 1e-5)
    speed = float(np.hypot(*velocity))
    forward = float(spin[1] * velocity[0] - spin[0] * velocity[1]) / speed
    ratio = record.physics.radius_in * forward / speed
    label: Literal["draw", "stun", "follow"] = "stun"
    if abs(ratio) > STUN_RATIO:
        label = "follow" if ratio > 0 else "draw"
    return Spin(VerticalSpin(label, 1.0, ratio), SideSpin(side, 1.0))


def _point(p: Any) -> Point:
    return float(p[0]), float(p[1])
