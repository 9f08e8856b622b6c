"""The facts of one shot, from the paths of the balls that moved."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.file import Calibration
from vision.balls import BallSet
from vision.difficulty import Stroke, difficulty
from vision.feel import USUAL, Feel
from vision.kinds import Kinded, Played, kind_of
from vision.learn import observed
from vision.measures import Measures, measure
from vision.model import Contact, Cushion, FirstContact, Point, Pot, Result, Shot, Spin
from vision.motion import Path, departure
from vision.pots import Fate
from vision.quality import Quality, quality_of
from vision.reading import Reading, read
from vision.side import Side, side_english
from vision.spin import vertical_spin

UNKNOWN_KIND = Kinded("unknown", 0.5, {})
_MAX_POINTS = 400


@dataclass(frozen=True)
class Facts:
    """What the finder knows when a shot is over; balls are track numbers, `names` their names, `feel` what is
    known of the table's cloth and rails."""

    source_id: str
    calibration: Calibration
    ball_set: BallSet
    paths: list[Path]
    fates: dict[int, Fate]
    names: dict[int, str]
    layout_start: dict[int, Point]
    layout_end: dict[int, Point]
    complete: bool
    feel: Feel = USUAL

    def name(self, ball: int) -> str:
        return self.names.get(ball, f"ball-{ball}")


@dataclass(frozen=True)
class Described:
    """A shot, what it taught about its table, and how well it was seen."""

    shot: Shot
    feel: Feel
    quality: Quality


def describe(facts: Facts) -> Shot:
    """The shot, with what its paths support; what they don't stays None."""
    return describe_fully(facts).shot


def describe_fully(facts: Facts) -> Described:
    """The shot; the table's feel after it, to go with the next shot's facts; and how well it was seen."""
    reading = read(facts.paths, _cue_ball(facts), facts.calibration.table, facts.feel)
    feel = facts.feel
    if reading is not None and facts.complete:
        feel = feel.told(observed(reading, facts.feel))
    return Described(_shot(facts, reading), feel, quality_of(reading, facts.fates))


def _shot(facts: Facts, reading: Reading | None) -> Shot:
    departures = [] if reading is None else [d for d in reading.departures if d is not None]
    start_s = min([d.t_s for d in departures] or [float(p.t_s[0]) for p in facts.paths])
    pots = _pots(facts)
    scratch = reading is not None and reading.cue is not None and reading.course.balls[reading.cue] in facts.fates
    object_potted = any(p.ball != "cue" for p in pots)
    result: Result = "make" if object_potted and not scratch else "miss"
    ends = [float(p.t_s[-1]) if p.ball not in facts.fates else facts.fates[p.ball].t_s for p in facts.paths]
    measures = Measures() if reading is None else measure(reading)
    spin, side, unsure = (Spin(), Side(), {}) if reading is None else _spin(reading, facts.feel)
    kinded = UNKNOWN_KIND
    if reading is not None:
        kinded = kind_of(Played(reading, facts.layout_start, facts.fates, _cue_ball(facts)))
        unsure |= {"kind": 1 - kinded.probability}
    return Shot(
        id=f"{facts.source_id}@{start_s:.3f}",
        start_s=start_s,
        end_s=max(ends, default=None),
        start_frame=_first_frame(facts.paths, start_s),
        end_frame=max((int(p.frames[-1]) for p in facts.paths), default=None),
        result=result,
        scratch=scratch,
        complete=facts.complete,
        potted=tuple(pots),
        first_contact=None if reading is None else _first_contact(facts, reading),
        cut_angle_deg=measures.cut_angle_deg,
        cue_distance_in=measures.cue_distance_in,
        pocket_distance_in=_pocket_distance(facts, pots),
        cue_speed_mph=measures.cue_speed_mph,
        spin=spin,
        kind=kinded.kind,
        tags=_bands(facts, measures.cue_distance_in),
        cushions=() if reading is None else _cushions(facts, reading),
        contacts=() if reading is None else _contacts(facts, reading),
        layout_start=_named(facts, facts.layout_start),
        layout_end=_named(facts, facts.layout_end),
        paths_in={facts.name(p.ball): _points(p, facts.fates.get(p.ball)) for p in facts.paths},
        uncertainty=measures.uncertainty | unsure,
        difficulty=_difficulty(facts, kinded, (measures.cue_speed_mph, spin, side)),
        confidence=min((p.confidence for p in pots), default=None),
    )


def _spin(reading: Reading, feel: Feel) -> tuple[Spin, Side, dict[str, float]]:
    """How the cue ball spun, and how sure its numbers are."""
    vertical = vertical_spin(reading, feel)
    side = side_english(reading, vertical)
    unsure = {} if vertical.ratios is None else {"roll_ratio": vertical.ratios.sd}
    return Spin(vertical.spin, side.spin), side, unsure


def _first_frame(paths: list[Path], start_s: float) -> int | None:
    """The last frame that shows every ball where it lay before the shot."""
    before = [int(i) for p in paths for i, t in zip(p.frames, p.t_s, strict=True) if t <= start_s]
    return max(before, default=None)


def _cue_ball(facts: Facts) -> int | None:
    """The cue ball: the one named so, whether it moved or not, else the one that moved first."""
    named = next((ball for ball, name in facts.names.items() if name == "cue"), None)
    if named is not None:
        return named
    left = [(d.t_s, p.ball) for p in facts.paths if (d := departure(p)) is not None]
    return min(left)[1] if left else None


def _pots(facts: Facts) -> list[Pot]:
    pots = []
    for ball, fate in facts.fates.items():
        index = [p.name for p in facts.calibration.table.pockets].index(fate.pocket.name)
        u, v = facts.calibration.pockets_px[index]
        name = facts.name(ball)
        group = facts.ball_set.group_of(name)
        pots.append(Pot(name, group, fate.pocket.name, (float(u), float(v)), fate.t_s, fate.confidence))
    return sorted(pots, key=lambda p: p.t_s)


def _first_contact(facts: Facts, reading: Reading) -> FirstContact | None:
    """The first ball the cue ball met, and where both were."""
    touch = reading.first_touch
    if touch is None:
        return None
    other = touch.other if touch.ball == reading.cue else touch.ball
    if reading.impact is not None:
        cue_in, object_in = reading.impact.cue_in, reading.impact.object_in
    else:
        cue_in, object_in = (reading.place(row, touch.t_s) for row in (reading.cue or 0, other))
    name = facts.name(reading.course.balls[other])
    return FirstContact(name, round(touch.t_s, 4), _point(cue_in), _point(object_in))


def _cushions(facts: Facts, reading: Reading) -> tuple[Cushion, ...]:
    return tuple(
        Cushion(facts.name(reading.course.balls[t.ball]), t.rail, round(t.t_s, 4))
        for t in reading.touches
        if t.kind == "cushion" and t.rail is not None
    )


def _contacts(facts: Facts, reading: Reading) -> tuple[Contact, ...]:
    """Every contact of two balls, the cue ball named first where it is one of them."""
    found = []
    for t in reading.touches:
        if t.kind == "ball":
            a, b = sorted((t.ball, t.other), key=lambda row: row != reading.cue)
            names = [facts.name(reading.course.balls[row]) for row in (a, b)]
            found.append(Contact(names[0], names[1], round(t.t_s, 4)))
    return tuple(found)


def _pocket_distance(facts: Facts, pots: list[Pot]) -> float | None:
    """From the first potted object ball's place to its pocket."""
    for ball, fate in facts.fates.items():
        place = facts.layout_start.get(ball)
        if (
            pots
            and facts.name(ball) == next((p.ball for p in pots if p.ball != "cue"), None)
            and place is not None
        ):
            return float(np.hypot(place[0] - fate.pocket.x_in, place[1] - fate.pocket.y_in))
    return None


def _difficulty(facts: Facts, kinded: Kinded, shot: tuple[float | None, Spin, Side]) -> float | None:
    """How hard what was tried is; None where nothing was aimed at a pocket."""
    if kinded.aim is None:
        return None
    speed_mph, spin, side = shot
    stroke = Stroke(speed_mph, side.offset, spin.vertical.label == "draw")
    return difficulty(kinded.aim, stroke, facts.calibration.table.ball_diameter_in)


def _bands(facts: Facts, distance_in: float | None) -> tuple[str, ...]:
    """How far the object ball was: short up to a quarter of the table's length, medium up to half."""
    if distance_in is None:
        return ()
    share = distance_in / facts.calibration.table.length_in
    return ("short",) if share <= 0.25 else ("medium",) if share <= 0.5 else ("long",)


def _named(facts: Facts, places: dict[int, Point]) -> dict[str, Point]:
    return {facts.name(ball): place for ball, place in places.items()}


def _point(v: NDArray[np.float64]) -> Point:
    return float(v[0]), float(v[1])


def _points(path: Path, fate: Fate | None) -> tuple[tuple[float, float, float], ...]:
    step = max(1, len(path.t_s) // _MAX_POINTS)
    points = [
        (float(t), float(p[0]), float(p[1])) for t, p in zip(path.t_s[::step], path.points_in[::step], strict=True)
    ]
    if fate is not None:
        points.append((fate.t_s, fate.pocket.x_in, fate.pocket.y_in))
    return tuple(points)
