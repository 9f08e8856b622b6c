"""Which kind of shot it was: told by what happened, and a miss by what it set out to be, with how sure that is.

A pot tells its kind by the contacts that led to it. A miss is a missed pot, a missed bank or a safety: each is
weighed by how well the object ball's direction and speed fit it. A player who means a pocket sends the ball near
to it, with an error of the cue's direction that grows with distance and cut; who plays safe sends it anywhere,
mostly softly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vision.aims import Aim, aims_at
from vision.model import Kind, Point
from vision.motion import GRAVITY_IN_S2
from vision.pots import Fate
from vision.reading import Reading
from vision.touch import Touch

Array = NDArray[np.float64]

STRAIGHT_DEG = 3.0
_RACK_BALLS = 6  # balls that touch their neighbours and make a rack
_STROKE_SD_DEG = 0.6  # of a league player's cue
_MEASURED_SD_DEG = 0.8
_BANK_SD_DEG = 1.5  # what a rail adds
_BANK_SHARE = 0.25  # of all misses, before looking, where one is on
_POT_SHARE = 0.5
_SAFETY_SHARE = 0.25


@dataclass(frozen=True)
class Kinded:
    """A kind, the probability that it is right, those of what else it may have been, and the pot or bank that was
    tried, where one was."""

    kind: Kind
    probability: float
    chances: Mapping[str, float]
    aim: Aim | None = None


@dataclass(frozen=True)
class Played:
    """What a kind is told from: the reading, where all balls lay, by number, and which fell where."""

    reading: Reading
    layout: Mapping[int, Point]
    fates: Mapping[int, Fate]
    cue: int | None


def kind_of(played: Played) -> Kinded:
    """The kind of a shot; `unknown` where the cue ball met nothing."""
    if is_break(played):
        return _sure("break", 0.98)
    reading = played.reading
    first = reading.first_touch
    if first is None or reading.cue is None:
        return _sure("unknown", 0.5)
    if any(t.kind == "cushion" and t.t_s < first.t_s for t in reading.touches_of(reading.cue)):
        return _sure("kick", 0.95)
    other = first.other if first.ball == reading.cue else first.ball
    potted = _first_potted(played)
    if potted is None:
        return _missed(played, first, other)
    if potted != other:
        return _sure("carom" if _met_by_cue(reading, potted) else "combination", 0.9)
    return replace(_made(reading, other), aim=_made_aim(played, other))


def is_break(played: Played) -> bool:
    """Whether a rack stood and most of it moved."""
    near = 1.15 * played.reading.table.ball_diameter_in
    places = played.layout
    racked = {
        a
        for a, p in places.items()
        if sum(b != a and np.hypot(p[0] - q[0], p[1] - q[1]) < near for b, q in places.items()) >= 2
    }
    moved = set(played.reading.course.balls)
    return len(racked) >= _RACK_BALLS and len(racked & moved) >= len(racked) / 2


def _sure(kind: Kind, probability: float) -> Kinded:
    return Kinded(kind, probability, {kind: probability})


def _first_potted(played: Played) -> int | None:
    """The row of the first object ball that fell."""
    balls = played.reading.course.balls
    fell = [(f.t_s, b) for b, f in played.fates.items() if b != played.cue and b in balls]
    return balls.index(min(fell)[1]) if fell else None


def _met_by_cue(reading: Reading, row: int) -> bool:
    """Whether what set a ball off was the cue ball itself."""
    first = next((t for t in reading.touches_of(row) if t.kind == "ball"), None)
    return first is not None and reading.cue in (first.ball, first.other)


def _made(reading: Reading, row: int) -> Kinded:
    if any(t.kind == "cushion" for t in reading.touches_of(row)):
        return _sure("bank", 0.9)
    return _straight_or_cut(reading, 1.0)


def _straight_or_cut(reading: Reading, chance: float) -> Kinded:
    """Straight below 3° of cut: near it the angle's own uncertainty decides."""
    impact = reading.impact
    if impact is None or impact.cut_deg is None:
        return Kinded("cut", 0.8 * chance, {"cut": 0.8 * chance, "straight": 0.2 * chance})
    straight = chance / (1 + np.exp(1.7 * (impact.cut_deg - STRAIGHT_DEG) / max(impact.cut_sd_deg, 0.2)))
    chances = {"straight": float(straight), "cut": float(chance - straight)}
    kind: Kind = "straight" if impact.cut_deg < STRAIGHT_DEG else "cut"
    return Kinded(kind, chances[kind], chances)


def _missed(played: Played, first: Touch, other: int) -> Kinded:
    """A miss: pot, bank or safety, whichever the object ball's way and speed fit best."""
    reading = played.reading
    sent = _sent(reading, other, first)
    if sent is None or played.cue is None or played.cue not in played.layout:
        return _straight_or_cut(reading, 0.5)
    way, speed = sent
    ball = reading.course.balls[other]
    if ball not in played.layout:
        return _straight_or_cut(reading, 0.5)
    aims = aims_at(ball, played.layout[played.cue], played.layout, played.cue, reading.table)
    weights = {"pot": 0.0, "bank": 0.0, "safety": _SAFETY_SHARE / 180 * _soft(speed)}
    for aim in aims:
        share = (_POT_SHARE if aim.kind == "pot" else _BANK_SHARE) / (1 + aim.cut_deg / 60)
        weights[aim.kind] += share * _fits(aim, way, speed, reading.table.ball_diameter_in)
    total = sum(weights.values())
    chances = {name: weight / total for name, weight in weights.items()}
    best = max(chances, key=lambda name: chances[name])
    tried = _likeliest(aims, best, (way, speed), reading.table.ball_diameter_in)
    if best == "pot":
        told = _straight_or_cut(reading, chances["pot"])
        rest = {name: chances[name] for name in ("bank", "safety")}
        return Kinded(told.kind, told.probability, {**told.chances, **rest}, tried)
    kind: Kind = "bank" if best == "bank" else "safety"
    return Kinded(kind, chances[best], chances, tried)


def _likeliest(aims: list[Aim], kind: str, sent: tuple[Array, float], diameter_in: float) -> Aim | None:
    return max((a for a in aims if a.kind == kind), key=lambda a: _fits(a, *sent, diameter_in), default=None)


def _made_aim(played: Played, row: int) -> Aim | None:
    """The aim that a ball fell by, as far as the layout shows it to have been free."""
    ball = played.reading.course.balls[row]
    if played.cue is None or played.cue not in played.layout or ball not in played.layout:
        return None
    aims = aims_at(ball, played.layout[played.cue], played.layout, played.cue, played.reading.table)
    here = [a for a in aims if a.pocket == played.fates[ball].pocket.name]
    banked = any(t.kind == "cushion" for t in played.reading.touches_of(row))
    return min(here, key=lambda a: (a.kind == "bank") != banked, default=None)


def _sent(reading: Reading, row: int, first: Touch) -> tuple[Array, float] | None:
    """The object ball's direction after the contact, a unit vector, and its speed."""
    impact = reading.impact
    if impact is not None and impact.object_after is not None:
        velocity = impact.object_after
    else:
        leg = next((g for g in reading.legs[row] if g.end_s > first.t_s), None)
        if leg is None:
            return None
        velocity = leg.velocity
    speed = float(np.hypot(*velocity))
    return (velocity / speed, speed) if speed > 1e-3 else None


def _fits(aim: Aim, way: Array, speed: float, diameter_in: float) -> float:
    """How likely an aim is to send the ball this way, per degree, at this speed."""
    spread = _STROKE_SD_DEG * aim.cue_in / (diameter_in * max(np.cos(np.radians(aim.cut_deg)), 0.15))
    sd = float(np.sqrt(spread**2 + _MEASURED_SD_DEG**2 + (_BANK_SD_DEG**2 if aim.kind == "bank" else 0.0)))
    off = float(np.degrees(np.arccos(np.clip(way @ aim.direction, -1, 1))))
    return float(np.exp(-((off / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))) * _reaches(aim, speed)


def _reaches(aim: Aim, speed: float) -> float:
    """Whether a ball so fast gets to the pocket, 0.02 to 1: it slides to 5/7 of its speed and rolls on cloth
    of μ = 0.01; a rail keeps some 0.7 of it."""
    left = 5 / 7 * speed * (0.7 if aim.kind == "bank" else 1.0)
    possible = left**2 / (2 * 0.01 * GRAVITY_IN_S2)
    return float(np.clip(1 / (1 + (aim.run_in / max(possible, 1e-3)) ** 4), 0.02, 1.0))


def _soft(speed: float) -> float:
    """How much likelier a safety is at this speed of the object ball than a pot: safeties are mostly soft."""
    return float(np.exp(-((speed / 60.0) ** 2)) * 2.0 + 0.1)
