"""Each ball's way from one contact to the next, fitted: where it came from, how fast, how it was rolling."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.course import Course
from vision.feel import Feel
from vision.motion import Departure
from vision.slide import SIZE, SPEED, T0, Fitted, Legs, fit, motion
from vision.start import Start, with_cloth
from vision.touch import Touch

Array = NDArray[np.float64]

_MOST = 48  # sights of one leg; longer ones are thinned
_WINDOW_S = 1.6  # of a long leg, how much is fitted from its beginning
_NEAR_TURN = 0.15  # of a frame: a sight so near to a contact may lie on either side of it
_WIDE_IN = 100.0
_REST_IN = 0.02  # how well a resting ball's place is known


@dataclass(frozen=True)
class Leg:
    """One leg: which ball (a row of the course), from when to when, what began and what ended it (None for rest, a
    pocket, or the end of what was seen), and its fit: parameters (9,) and covariance (9, 9) of `vision.slide`."""

    ball: int
    start_s: float
    end_s: float
    began: Touch | None
    ended: Touch | None
    parameters: Array
    covariance: Array
    residual_in: float
    sights: int

    def at(self, t_s: float) -> tuple[Array, Array]:
        """Position and velocity, both (2,), at a time."""
        place, speed = motion(self.parameters[None], np.array([[t_s]]))
        return place[0, 0], speed[0, 0]

    @property
    def velocity(self) -> Array:
        """At its beginning, (2,) inches a second."""
        velocity: Array = self.parameters[SPEED]
        return velocity


@dataclass(frozen=True)
class Known:
    """What legs are fitted from: the course, how each ball left its place, what they met in order of time, the
    struck ball's row, the scatter of a sight, and the table's feel."""

    course: Course
    departures: Sequence[Departure | None]
    touches: Sequence[Touch]
    cue: int | None
    noise_in: float
    feel: Feel


def legs_of(known: Known) -> list[list[Leg]]:
    """The legs of every row of the course, in order of time."""
    spans = [s for b in range(len(known.course.balls)) for s in _spans(known, b) if len(s.sights)]
    found: list[list[Leg]] = [[] for _ in known.course.balls]
    if not spans:
        return found
    fitted = fit(_prepared(known, spans), known.noise_in)
    for s, span in enumerate(spans):
        found[span.ball].append(_leg(span, fitted, s))
    return found


@dataclass(frozen=True)
class _Span:
    ball: int
    start_s: float
    end_s: float
    began: Touch | None
    ended: Touch | None
    sights: NDArray[np.int64]
    from_rest: bool


def _spans(known: Known, b: int) -> list[_Span]:
    course, leaving, touches = known.course, known.departures[b], known.touches
    struck = b == known.cue
    own = [t for t in touches if b in (t.ball, t.other)]
    start_s = float(course.t_s[b, course.seen[b]][0]) if course.seen[b].any() else 0.0
    began: Touch | None = None
    if leaving is not None and course.left[b] >= 0:
        start_s = leaving.t_s
        began = min(
            (t for t in own if not struck and t.kind == "ball" and abs(t.t_s - leaving.t_s) < 2 * course.frame_s),
            key=lambda t: abs(t.t_s - leaving.t_s),
            default=None,
        )
    turns = [t for t in own if t is not began and t.t_s > start_s + 1e-6]
    end_s = float(course.t_s[b, course.last[b]])
    edges = [start_s, *(t.t_s for t in turns if t.t_s < end_s), end_s]
    causes: list[Touch | None] = [began, *(t for t in turns if t.t_s < end_s), None]
    frames = np.nonzero(course.seen[b] & (np.arange(course.t_s.shape[1]) < course.last[b] + 1))[0]
    times = course.t_s[b, frames]
    spans = []
    for k in range(len(edges) - 1):
        slack = _NEAR_TURN * course.frame_s
        inside = (times > edges[k] + (slack if k else 0.0)) & (
            times < edges[k + 1] - (slack if causes[k + 1] else -1e-9)
        )
        sights = _thinned(frames[inside], times[inside], edges[k])
        from_rest = k == 0 and leaving is not None and course.left[b] >= 0
        spans.append(_Span(b, edges[k], edges[k + 1], causes[k], causes[k + 1], sights, from_rest))
    return spans


def _thinned(frames: NDArray[np.int64], times: Array, start_s: float) -> NDArray[np.int64]:
    """At most `_MOST` of a leg's sights."""
    kept = frames[times <= start_s + _WINDOW_S] if len(frames) > _MOST else frames
    step = -(-len(kept) // _MOST) if len(kept) else 1
    return kept[::step]


def _prepared(known: Known, spans: list[_Span]) -> Legs:
    course = known.course
    S, N = len(spans), max(len(s.sights) for s in spans)
    t, places, seen = np.zeros((S, N)), np.zeros((S, N, 2)), np.zeros((S, N), dtype=bool)
    guess, prior = np.zeros((S, SIZE)), np.zeros((S, SIZE, SIZE))
    earliest, latest = np.zeros(S), np.zeros(S)
    for s, span in enumerate(spans):
        n, b = len(span.sights), span.ball
        t[s, :n], places[s, :n], seen[s, :n] = course.t_s[b, span.sights], course.places_in[b, span.sights], True
        t[s, n:] = t[s, n - 1]
        start = _started(known, span) if span.from_rest else _continued(span, t[s, :n], places[s, :n])
        guess[s], prior[s] = with_cloth(start, known.feel)
        earliest[s] = latest[s] = guess[s, T0]
        if span.from_rest:
            earliest[s], latest[s] = guess[s, T0] - 0.1, t[s, 0] - 1e-3
    return Legs(t, places, seen, guess, prior, np.minimum(earliest, latest), latest)


def _started(known: Known, span: _Span) -> Start:
    """The start of a leg from rest: where it began is known, when only nearly."""
    leaving = known.departures[span.ball]
    assert leaving is not None
    velocity = np.asarray(leaving.direction) * leaving.speed_in_s
    place = Start(leaving.t_s, np.asarray(leaving.from_in), velocity, 10.0, max(_REST_IN, 0.4 * known.noise_in))
    return place.struck() if span.ball == known.cue else place.set_off()


def _continued(span: _Span, t: Array, places: Array) -> Start:
    """The start of a leg after a contact: when it began is known, where and how it rolls is not."""
    n = min(len(t), 5)
    velocity = _slope(t[:n], places[:n])
    return Start(span.start_s, places[0] - velocity * (t[0] - span.start_s), velocity, 1e-4, _WIDE_IN)


def _slope(t: Array, places: Array) -> Array:
    """The velocity, (2,), of the line through places (n, 2) at times (n,); 0 where they don't tell one."""
    centred = t - t.mean()
    spread = float(centred @ centred)
    return np.asarray(centred @ places / spread if spread > 1e-8 else np.zeros(2))


def _leg(span: _Span, fitted: Fitted, s: int) -> Leg:
    return Leg(
        span.ball,
        float(fitted.parameters[s, T0]) if span.from_rest else span.start_s,
        span.end_s,
        span.began,
        span.ended,
        fitted.parameters[s],
        fitted.covariance[s],
        float(fitted.residual_in[s]),
        int(fitted.sights[s]),
    )
