"""What a ball's path tells by itself: when it left, how fast, and how near two balls came."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from vision.sample import Sample

Array = NDArray[np.float64]

IN_S_PER_MPH = 17.6
GRAVITY_IN_S2 = 386.09
# Typical of pool cloth [billiards.colostate.edu]; a sliding ball loses μ·g of speed each second.
SLIDING_FRICTION = 0.2
# A ball set off by another: how near that came, in diameters, and when (seen at 25 frames a second, blurred).
_CAUSE_DIAMETERS = 2.2
_CAUSE_WINDOW_S = 0.2
_STIRRED_IN = 0.4  # a ball nearer than this to where it lay may not have left yet
_BACK_IN = 0.5
_FIT_S = 0.16  # how much of a path is fitted for its first speed


@dataclass(frozen=True)
class Path:
    """A ball's path in a shot: times (N,), frames (N,), points (N, 2) in inches, and its rest before, if any;
    `rested` says that its last point is where it came to rest."""

    ball: int
    t_s: Array
    frames: NDArray[np.int64]
    points_in: Array
    rest_in: tuple[float, float] | None
    rest_until_s: float | None
    rested: bool = False

    @property
    def length_in(self) -> float:
        return float(np.linalg.norm(np.diff(self.points_in, axis=0), axis=1).sum())

    def before(self, t_s: float) -> "Path":
        """The path up to a time, its first sample in any case."""
        n = max(1, int(np.searchsorted(self.t_s, t_s)))
        return replace(self, t_s=self.t_s[:n], points_in=self.points_in[:n], frames=self.frames[:n], rested=False)

    @property
    def displacement_in(self) -> float:
        """The farthest it came from where it began."""
        return float(np.linalg.norm(self.points_in - self.points_in[0], axis=1).max())

    @property
    def fastest_in_s(self) -> float:
        """The highest speed over two steps, so that one bad sample does not make it."""
        if len(self.t_s) < 3:
            return 0.0
        dt = np.maximum(self.t_s[2:] - self.t_s[:-2], 1e-3)
        return float((np.linalg.norm(self.points_in[2:] - self.points_in[:-2], axis=1) / dt).max())


def make_path(ball: int, history: list[Sample], since_s: float) -> Path | None:
    """The path of a ball from its last rest before `since_s` on; None where it has fewer than two samples."""
    first = 0
    for i, s in enumerate(history):
        if not s.resting or s.since_s is None:
            continue
        # A ball that seemed to stir and lies where it lay has not left yet.
        home = history[first]
        back = home.resting and np.hypot(s.x_in - home.x_in, s.y_in - home.y_in) < _BACK_IN
        if s.since_s <= since_s or back:
            first = i
    samples = history[first:]
    if len(samples) < 2:
        return None
    rest = samples[0] if samples[0].resting else None
    times = np.array([s.t_s for s in samples])
    if samples[-1].since_s is not None:
        # It came to rest at the beginning of the time it has rested since.
        times[-1] = np.clip(samples[-1].since_s, times[-2], times[-1])
    return Path(
        ball,
        times,
        np.array([s.index for s in samples]),
        np.array([(s.x_in, s.y_in) for s in samples]),
        (rest.x_in, rest.y_in) if rest else None,
        rest.t_s if rest else None,
        samples[-1].resting,
    )


@dataclass(frozen=True)
class Departure:
    """How a ball left its place: when, from where, which way (unit vector), how fast; `samples` sights tell it.

    `covariance` (5, 5), where known, is that of the time, the place and the velocity.
    """

    t_s: float
    from_in: tuple[float, float]
    direction: tuple[float, float]
    speed_in_s: float
    samples: int
    covariance: Array | None = field(default=None, compare=False)


def departure(path: Path) -> Departure | None:
    """The start of a path, by a fit of distance over time with the slide's slowing; None where it is too short.

    With s(t) = v·τ − ½·μ·g·τ² for τ = t − t₀; t₀ lies between the last sight at rest and the first moving.
    """
    moving = np.linalg.norm(path.points_in - path.points_in[0], axis=1)
    ahead = np.nonzero(moving > _STIRRED_IN)[0]
    if not len(ahead):
        return None
    i = int(ahead[0])
    run = [k for k in range(i, len(path.t_s)) if path.t_s[k] <= path.t_s[i] + _FIT_S]
    run = _straight(path, run)
    if not run:
        return None
    start, t, s = path.points_in[0], path.t_s[run], moving[run]
    way = path.points_in[run[-1]] - start
    direction = way / np.linalg.norm(way)
    earliest = path.rest_until_s if path.rest_until_s is not None else path.t_s[0]
    if len(run) == 1:
        dt = max(t[0] - earliest, 1e-3)
        return Departure(float(earliest + dt / 2), _pair(start), _pair(direction), float(2 * s[0] / dt), 1)
    slowing = SLIDING_FRICTION * GRAVITY_IN_S2 / 2
    best: tuple[float, float, float] | None = None
    for t0 in np.linspace(earliest, t[0] - 1e-3, 25):
        tau = t - t0
        slow = np.minimum(slowing * tau**2, 0.15 * s)
        v = float(tau @ (s + slow) / (tau @ tau))
        error = float(np.square(s + slow - v * tau).sum())
        if best is None or error < best[0]:
            best = (error, float(t0), v)
    assert best is not None
    return Departure(best[1], _pair(start), _pair(direction), best[2], len(run))


def _straight(path: Path, run: list[int]) -> list[int]:
    """The samples of a run up to the first bend of more than 12°."""
    start = path.points_in[0]
    kept: list[int] = []
    first: Array | None = None
    for k in run:
        way = path.points_in[k] - start
        size = float(np.linalg.norm(way))
        if size < 0.3:
            continue
        way = way / size
        if first is None:
            first = way
        elif float(way @ first) < np.cos(np.radians(12)):
            break
        kept.append(k)
    return kept


def caused(paths: list[Path], cue: int | None, diameter_in: float) -> list[Path]:
    """The paths that a strike explains: the cue ball's, and those of balls that one of them came to and set off.

    Without a path of the ball believed the cue ball, the one that left first began it all.
    """
    left = {p.ball: d.t_s for p in paths if (d := departure(p)) is not None}
    started = [p for p in paths if p.ball in left]
    if not started:
        return []
    first = next((p for p in started if p.ball == cue), None) or min(started, key=lambda p: left[p.ball])
    chain, waiting = [first], [p for p in started if p is not first]
    for path in chain:
        for other in list(waiting):
            place = other.rest_in or (float(other.points_in[0, 0]), float(other.points_in[0, 1]))
            if nearest_pass(path, place, left[other.ball], _CAUSE_WINDOW_S) < _CAUSE_DIAMETERS * diameter_in:
                chain.append(other)
                waiting.remove(other)
    return chain


def nearest_pass(path: Path, point_in: tuple[float, float], t_s: float, window_s: float) -> float:
    """How near a path comes to a point within a time window, in inches; infinite where it has no samples there."""
    t, p = path.t_s, path.points_in
    best = np.inf
    for i in range(len(t) - 1):
        if t[i + 1] < t_s - window_s or t[i] > t_s + window_s:
            continue
        best = min(best, _distance_to_segment(np.asarray(point_in), p[i], p[i + 1]))
    return float(best)


def _distance_to_segment(q: Array, a: Array, b: Array) -> float:
    along = b - a
    length = float(along @ along)
    part = 0.0 if length == 0 else float(np.clip((q - a) @ along / length, 0, 1))
    return float(np.linalg.norm(q - a - part * along))


def _pair(v: Array) -> tuple[float, float]:
    return float(v[0]), float(v[1])
