"""The facts of one shot, from the paths of the balls that moved."""

from dataclasses import dataclass

import numpy as np

from calibration.file import Calibration
from vision.balls import BallSet
from vision.model import Cushion, FirstContact, Kind, Point, Pot, Result, Shot
from vision.motion import IN_S_PER_MPH, Departure, Path, cushions, departure, nearest_pass, touch_point
from vision.pots import Fate

_CONTACT_WINDOW_S = 0.12
_RACK_BALLS = 6  # balls that touch their neighbours and make a rack
_MAX_POINTS = 400


@dataclass(frozen=True)
class Facts:
    """What the finder knows when a shot is over; balls are track numbers, `names` their names."""

    source_id: str
    calibration: Calibration
    ball_set: BallSet
    paths: list[Path]
    fates: dict[int, Fate]
    names: dict[int, str]
    layout_start: dict[int, Point]
    layout_end: dict[int, Point]
    complete: bool

    def name(self, ball: int) -> str:
        return self.names.get(ball, f"ball-{ball}")


def describe(facts: Facts) -> Shot:
    """The shot, with what its paths support; what they don't stays None."""
    departures = {p.ball: d for p in facts.paths if (d := departure(p)) is not None}
    cue = _cue_path(facts, departures)
    start_s = min([d.t_s for d in departures.values()] or [float(p.t_s[0]) for p in facts.paths])
    pots = _pots(facts)
    contact = _first_contact(facts, cue, departures) if cue is not None else None
    scratch = cue is not None and cue.ball in facts.fates
    object_potted = any(p.ball != "cue" for p in pots)
    result: Result = "make" if object_potted and not scratch else "miss"
    ends = [float(p.t_s[-1]) if p.ball not in facts.fates else facts.fates[p.ball].t_s for p in facts.paths]
    rails = sorted((c for p in facts.paths for c in _rails(facts, p)), key=lambda c: c.t_s)
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
        first_contact=contact[0] if contact else None,
        cut_angle_deg=contact[1] if contact else None,
        cue_distance_in=_cue_distance(cue, contact[0] if contact else None),
        pocket_distance_in=_pocket_distance(facts, pots),
        cue_speed_mph=_cue_speed(cue, contact[0].t_s if contact else None),
        kind=_kind(facts),
        cushions=tuple(rails),
        layout_start=_named(facts, facts.layout_start),
        layout_end=_named(facts, facts.layout_end),
        paths_in={facts.name(p.ball): _points(p, facts.fates.get(p.ball)) for p in facts.paths},
        confidence=min((p.confidence for p in pots), default=None),
    )


def _first_frame(paths: list[Path], start_s: float) -> int | None:
    """The last frame that shows every ball where it lay before the shot."""
    before = [int(i) for p in paths for i, t in zip(p.frames, p.t_s, strict=True) if t <= start_s]
    return max(before, default=None)


def _cue_path(facts: Facts, departures: dict[int, Departure]) -> Path | None:
    """The cue ball's path: the one named so, else that of the ball that moved first."""
    named = next((p for p in facts.paths if facts.name(p.ball) == "cue"), None)
    if named is not None or any(name == "cue" for name in facts.names.values()):
        return named
    started = [p for p in facts.paths if p.ball in departures]
    return min(started, key=lambda p: departures[p.ball].t_s, default=None)


def _pots(facts: Facts) -> list[Pot]:
    pots = []
    for ball, fate in facts.fates.items():
        index = [p.name for p in facts.calibration.table.pockets].index(fate.pocket.name)
        u, v = facts.calibration.pockets_px[index]
        name = facts.name(ball)
        group = facts.ball_set.group_of(name)
        pots.append(Pot(name, group, fate.pocket.name, (float(u), float(v)), fate.t_s, fate.confidence))
    return sorted(pots, key=lambda p: p.t_s)


def _rails(facts: Facts, path: Path) -> list[Cushion]:
    return cushions(path, facts.calibration.table, facts.name(path.ball))


def _first_contact(
    facts: Facts, cue: Path, departures: dict[int, Departure]
) -> tuple[FirstContact, float | None] | None:
    """The first ball the cue ball met and the cut angle in degrees."""
    diameter = facts.calibration.table.ball_diameter_in
    start = departures.get(cue.ball)
    met = []
    for path in facts.paths:
        leaving = departures.get(path.ball)
        if path is cue or path.rest_in is None or leaving is None:
            continue
        if start is not None and leaving.t_s < start.t_s - 0.05:
            continue
        if nearest_pass(cue, path.rest_in, leaving.t_s, _CONTACT_WINDOW_S) < 1.8 * diameter:
            met.append((leaving.t_s, path, leaving))
    if not met:
        return None
    t_s, path, leaving = min(met, key=lambda m: m[0])
    assert path.rest_in is not None
    approach = _approach(cue, t_s)
    away = np.asarray(leaving.direction)
    ghost: Point = (path.rest_in[0] - diameter * away[0], path.rest_in[1] - diameter * away[1])
    cut: float | None = None
    if approach is not None:
        origin, direction = approach
        cut = float(np.degrees(np.arccos(np.clip(np.dot(direction, away), -1, 1))))
        ghost = touch_point(origin, direction, path.rest_in, diameter) or ghost
        if cut > 90:
            cut = None
    return FirstContact(facts.name(path.ball), t_s, ghost, path.rest_in), cut


def _approach(cue: Path, t_s: float) -> tuple[Point, Point] | None:
    """A point and the direction of the cue ball just before a time: the line through its last few samples."""
    before = [i for i in range(len(cue.t_s)) if cue.t_s[i] < t_s - 1e-3]
    kept: list[int] = []
    for i in reversed(before):
        kept.append(i)
        if len(kept) >= 3 and _bent(cue, kept):
            kept.pop()
            break
        if len(kept) >= 7:
            break
    if len(kept) < 2:
        return None
    a, b = cue.points_in[kept[-1]], cue.points_in[kept[0]]
    way = b - a
    length = float(np.linalg.norm(way))
    if length < 0.75:
        return None
    return (float(a[0]), float(a[1])), (float(way[0] / length), float(way[1] / length))


def _bent(path: Path, kept: list[int]) -> bool:
    """Whether the newest (oldest in time) sample leaves the line of the others."""
    a, b, c = path.points_in[kept[0]], path.points_in[kept[1]], path.points_in[kept[-1]]
    near, far = a - b, b - c
    size = float(np.linalg.norm(near) * np.linalg.norm(far))
    return size > 0.02 and float(near @ far) / size < np.cos(np.radians(15))


def _cue_speed(cue: Path | None, contact_s: float | None) -> float | None:
    """The cue ball's speed off the tip in mph; None where it was seen fewer than twice before it met a ball."""
    if cue is None or cue.rest_in is None:
        return None
    leaving = departure(cue if contact_s is None else cue.before(contact_s))
    if leaving is None or leaving.samples < 2:
        return None
    return leaving.speed_in_s / IN_S_PER_MPH


def _cue_distance(cue: Path | None, contact: FirstContact | None) -> float | None:
    """From the cue ball's place to the object ball's, centre to centre."""
    if cue is None or cue.rest_in is None or contact is None:
        return None
    return float(np.hypot(cue.rest_in[0] - contact.object_ball_in[0], cue.rest_in[1] - contact.object_ball_in[1]))


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


def _kind(facts: Facts) -> Kind:
    """A break where a rack stood and most of it moved; other kinds have no method yet."""
    places = facts.layout_start
    near = 1.15 * facts.calibration.table.ball_diameter_in
    racked = {
        a
        for a, p in places.items()
        if sum(b != a and np.hypot(p[0] - q[0], p[1] - q[1]) < near for b, q in places.items()) >= 2
    }
    moved = {p.ball for p in facts.paths}
    return "break" if len(racked) >= _RACK_BALLS and len(racked & moved) >= len(racked) / 2 else "unknown"


def _named(facts: Facts, places: dict[int, Point]) -> dict[str, Point]:
    return {facts.name(ball): place for ball, place in places.items()}


def _points(path: Path, fate: Fate | None) -> tuple[tuple[float, float, float], ...]:
    step = max(1, len(path.t_s) // _MAX_POINTS)
    points = [
        (float(t), float(p[0]), float(p[1])) for t, p in zip(path.t_s[::step], path.points_in[::step], strict=True)
    ]
    if fate is not None:
        points.append((fate.t_s, fate.pocket.x_in, fate.pocket.y_in))
    return tuple(points)
