"""One ball through time, in inches: where it is, how it moves, when it came to rest, what it looks like."""

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from calibration.table import Table
from vision.model import Detection, State
from vision.pots import Fate
from vision.sample import Sample

Array = NDArray[np.float64]

CONFIRM = 3  # sightings that make a new ball
LEVELS = 60.0  # by so many of 255 two looks clearly differ
SAME_PLACE_IN = 0.7
_STILL_IN = 0.20  # a still ball's measured place strays less than this
_TONES = 8  # sightings that a ball's mean colour is the mean of
# Where a ball is nearer than this to its place of rest, and how a rolling one slows [billiards.colostate.edu].
_STOPPED_IN, _ROLLING_IN_S2 = 0.02, 4.0
_SMEARED_IN = 1.5  # a ball that goes so far in a frame may be smeared
_SLOW = 0.05  # what one more sight of a ball that has long rested counts
_MEASURE = 16  # sights that measure a resting ball's place
# A ball rests that drifts less than this within a time of at least, usually and at most so long; one that is
# faster than `_ROLLS` does not.
_DRIFT_IN, _SETTLE_S, _ROLLS_IN_S = 0.04, (0.1, 0.18, 0.5), 6.0
_SETTLED = 4  # sightings at rest that make a ball something other than a hand
_ON_RAIL_IN = 0.15  # a ball measured no farther beyond a rail touches it
_GIVEN_BACK = 0.75  # of its speed, by a usual rail
_KEPT = 0.35  # of the velocity, where the next step is much like it
_LITTLE = 1.2  # of what two looks clearly differ by: one ball may change so much from sight to sight
_PULLED_IN = 2.0  # what comes before a resting ball pulls its outline no farther
_STIRRED_IN = 0.5  # what strays no farther from where it lay has not moved


@dataclass(slots=True, eq=False)
class Track:
    """One ball followed. `history` is its whole path since `forget` was last called.

    `missed_s` is since when it has not been seen though it should be; None while it is seen. `by_hand` says that
    it was last seen in or beside a hand, `hidden_s` since when something has stood before it, `placed` that it
    was first seen by a hand, `opening` that it was there when the recording began. `measured` counts the
    sights that its resting place is the mean of, `late_s` is how long after a frame's first row its own is taken.
    `lately` is the colour of its last sight, BGR, shape (3,), however smeared it was; `away` counts its sights
    since it was last by a hand.
    """

    id: int
    x_in: float
    y_in: float
    x_px: float
    y_px: float
    born_s: float
    state: State = "still"
    vx: float = 0.0
    vy: float = 0.0
    hits: int = 1
    last_s: float = 0.0
    late_s: float = 0.0
    missed_s: float | None = None
    hidden_s: float | None = None
    gone: bool = False
    fate: Fate | None = None
    rested: int = 0
    measured: int = 0
    by_hand: bool = False
    placed: bool = False
    away: int = 0
    opening: bool = False
    history: list[Sample] = field(default_factory=list)
    looks: list[NDArray[np.float32]] = field(default_factory=list)
    lately: Array | None = None
    _tones: list[Array] = field(default_factory=list)
    _toned: NDArray[np.float32] | None = None

    @property
    def tone(self) -> Array:
        """Its mean colour over the last sightings, BGR, shape (3,)."""
        if not self.looks:
            return np.zeros(3)
        if self.looks[-1] is not self._toned:
            self._toned = self.looks[-1]
            self._tones = [*self._tones[1 - _TONES :], tone_of(self._toned)]
        result: Array = np.add.reduce(self._tones) / len(self._tones)
        return result

    @property
    def settling(self) -> bool:
        """Whether it rests and its place has not been measured well yet."""
        return self.state == "still" and self.measured < _MEASURE

    @property
    def settled(self) -> bool:
        """Whether it has been seen lying still: what never did may be a hand."""
        return self.rested >= _SETTLED

    @property
    def is_ball(self) -> bool:
        """Seen often, and lying still away from any hand once, or moving when the recording began."""
        return self.confirmed and (self.settled or self.opening)

    @property
    def confirmed(self) -> bool:
        return self.hits >= CONFIRM

    @property
    def speed(self) -> float:
        return math.hypot(self.vx, self.vy)

    def last_rest(self) -> Sample | None:
        """The last sample at rest of its path."""
        return next((s for s in reversed(self.history) if s.resting), None)

    @property
    def at_home(self) -> bool:
        """Whether it was last seen where it lay."""
        rest = self.last_rest()
        return rest is not None and math.hypot(self.x_in - rest.x_in, self.y_in - rest.y_in) < _STIRRED_IN

    @property
    def has_left(self) -> bool:
        """Whether it has been seen often since it lay still, or farther away than anything before it pulls it."""
        rest = next((s for s in self.history[-CONFIRM:] if s.resting), None)
        return rest is None or math.hypot(self.x_in - rest.x_in, self.y_in - rest.y_in) > _PULLED_IN

    @property
    def just_left(self) -> bool:
        """Whether it has been seen once since it lay still: how fast it goes is not known yet."""
        return len(self.history) > 1 and self.history[-2].resting and not self.history[-1].resting

    def forget(self) -> None:
        """Drops the path but for its last resting place or sample."""
        self.history = self.history[-1:]

    def lie_still(self) -> None:
        """Takes back that it left its last resting place."""
        rest = self.last_rest()
        if rest is None:
            return
        self.history = [s for s in self.history if s.t_s <= rest.t_s]
        self.x_in, self.y_in, self.x_px, self.y_px = rest.x_in, rest.y_in, rest.x_px, rest.y_px
        self.vx = self.vy = 0.0
        self.state = "still"

    def predicted(self, t_s: float, table: Table) -> tuple[float, float]:
        """Where it would be at a time, rebounding from the rails."""
        dt = t_s - self.last_s
        x, y = self.x_in + self.vx * dt, self.y_in + self.vy * dt
        R = table.ball_radius_in
        u, v = _rebound(x, R, table.length_in - R), _rebound(y, R, table.width_in - R)
        return (x, y) if (u, v) != (x, y) and table.in_mouth(x, y) else (u, v)

    def sight(self, index: int, t_s: float, d: Detection, table: Table, *, untouched: bool = False) -> None:
        """Takes in where it was seen; `untouched` says that nothing can have set it off where it lies."""
        # A rolling shutter takes each row at a time of its own: durations count from row to row.
        dt = t_s + d.late_s - self.last_s - self.late_s
        row_s = t_s + d.late_s
        self.late_s = d.late_s
        if d.by_hand and self.is_ball and self.state == "moving" and not self.has_left:
            self.lie_still()
        moved = math.hypot(d.x_in - self.x_in, d.y_in - self.y_in)
        self.by_hand = d.by_hand
        self.away = 0 if d.by_hand else self.away + 1
        self.missed_s = self.hidden_s = None
        pulled = (untouched or d.by_hand) and _STILL_IN <= moved < SAME_PLACE_IN
        if pulled and self.is_ball and self.state == "still":
            # What passes before or behind it, or its shadow, pulls at its outline: it lies still, and is measured
            # anew when that has passed.
            self.unchanged(index, t_s)
            self.measured = 0
            return
        self.hits += 1
        if d.look is not None:
            self._glimpse(tone_of(d.look))
        # A smeared ball looks like itself and the cloth: what it looks like is known from before.
        if d.look is not None and d.quality > 0.6 and (moved < _SMEARED_IN or len(self.looks) < _TONES):
            self.looks = [*self.looks[-30:], d.look]
        back = self.state == "hidden" and self.history[-1].resting and moved < SAME_PLACE_IN
        if back or (self.state == "still" and moved < _STILL_IN):
            self.state = "still"
            # A resting ball's place is the mean of its sights, later a slow one, so that noise moves nothing.
            self.measured += 1
            part = max(_SLOW, 1 / (self.measured + 1))
            self.x_in += part * (d.x_in - self.x_in)
            self.y_in += part * (d.y_in - self.y_in)
            self.x_px, self.y_px = d.x_px, d.y_px
            self.last_s = t_s
            self.rested += not d.by_hand
            if not self.history[-1].resting:
                since = self.history[-1].t_s
                self.history.append(Sample(index, row_s, d.x_in, d.y_in, d.x_px, d.y_px, d.quality, since))
            rest = self.history[-1]
            rest.index, rest.t_s, rest.x_in, rest.y_in = index, row_s, self.x_in, self.y_in
            return
        self.state, self.measured = "moving", 0
        self.history.append(Sample(index, row_s, d.x_in, d.y_in, d.x_px, d.y_px, d.quality))
        if dt > 0:
            self._set_velocity(d, dt, table)
        self.x_in, self.y_in, self.x_px, self.y_px, self.last_s = d.x_in, d.y_in, d.x_px, d.y_px, t_s
        self._settle(row_s)

    def _glimpse(self, seen: Array) -> None:
        """Follows its colour while that changes little by little, as the light does from place to place."""
        before = self.tone if self.lately is None else self.lately
        if min(_apart_in_tone(seen, before), _apart_in_tone(seen, self.tone)) < _LITTLE:
            self.lately = seen

    def _set_velocity(self, d: Detection, dt: float, table: Table) -> None:
        vx, vy = (d.x_in - self.x_in) / dt, (d.y_in - self.y_in) / dt
        turn = math.hypot(vx - self.vx, vy - self.vy)
        if turn < 0.25 * max(self.speed, 10.0):
            self.vx, self.vy = _KEPT * self.vx + (1 - _KEPT) * vx, _KEPT * self.vy + (1 - _KEPT) * vy
            return
        R = table.ball_radius_in
        in_mouth = table.in_mouth(d.x_in, d.y_in)
        self.vx = vx if in_mouth else _after_rail(self.x_in, self.vx, dt, vx, (R, table.length_in - R))
        self.vy = vy if in_mouth else _after_rail(self.y_in, self.vy, dt, vy, (R, table.width_in - R))

    def _settle(self, t_s: float) -> None:
        """A ball whose last samples lie in one spot has come to rest."""
        if self.speed > _ROLLS_IN_S:
            return
        first = len(self.history)
        # At few frames a second the last four sights take longer than the time that is enough at many.
        while first > 0 and (self.history[first - 1].t_s > t_s - _SETTLE_S[1] or first > len(self.history) - 4):
            first -= 1
        recent = self.history[first:]
        span_s = recent[-1].t_s - recent[0].t_s
        if len(recent) < 4 or not _SETTLE_S[0] <= span_s <= _SETTLE_S[2]:
            return
        x = np.array([s.x_in for s in recent])
        y = np.array([s.y_in for s in recent])
        half = len(x) // 2
        drift = np.hypot(x[half:].mean() - x[:half].mean(), y[half:].mean() - y[:half].mean())
        if drift < _DRIFT_IN and max(np.ptp(x), np.ptp(y)) < 2 * _STILL_IN:
            self.state = "still"
            self.vx = self.vy = 0.0
            self.x_in, self.y_in = float(np.median(x)), float(np.median(y))
            self.measured = 1
            last = self.history[-1]
            since_s = _rest_s(recent)
            rest = Sample(last.index, t_s, self.x_in, self.y_in, last.x_px, last.y_px, last.quality, since_s)
            before = self.last_rest()
            since = [s for s in self.history if before is not None and s.t_s > before.t_s]
            if before is not None and all(_apart(s, before) < _STIRRED_IN for s in (*since, rest)):
                # It only seemed to move: it lies where it lay.
                self.history = [s for s in self.history if s.t_s <= before.t_s]
                before.index, before.t_s = rest.index, rest.t_s
                return
            self.history = [s for s in self.history if s.t_s <= since_s] + [rest]

    def unchanged(self, index: int, t_s: float) -> None:
        """Nothing changed where it lies: as good as seen there again."""
        self.hits += 1
        self.missed_s = None
        self.last_s = t_s
        row_s = t_s + self.late_s
        last = self.history[-1]
        if self.state == "still":
            self.rested += not self.by_hand
            if last.resting:
                last.t_s = row_s
            return
        self.vx = self.vy = 0.0
        self.history.append(replace(last, index=index, t_s=row_s, since_s=None))
        self._settle(row_s)


def _rest_s(recent: list[Sample]) -> float:
    """When a ball came to rest: a little after its last sight that is not where it lies.

    So near to its place a rolling ball needs √(2·distance / deceleration) to get there.
    """
    tail = recent[-3:]
    x, y = sum(s.x_in for s in tail) / 3, sum(s.y_in for s in tail) / 3
    away = next((s for s in reversed(recent) if math.hypot(s.x_in - x, s.y_in - y) > _STOPPED_IN), None)
    if away is None:
        return recent[0].t_s
    return min(away.t_s + math.sqrt(2 * _STOPPED_IN / _ROLLING_IN_S2), recent[-1].t_s)


def _after_rail(was: float, speed: float, dt: float, mean: float, rails: tuple[float, float]) -> float:
    """How fast a ball goes across two rails, `low` and `high`, that came at one speed and then went on for `dt` at
    a mean speed: where it met a rail within that time it goes back, however far in it still got."""
    low, high = rails
    met = was + speed * dt > high if speed > 0 else was + speed * dt < low
    return -_GIVEN_BACK * speed if met and abs(mean) < abs(speed) else mean


def _rebound(value: float, low: float, high: float) -> float:
    """Where a ball is that would have gone on to `value`, between rails that it touches at `low` and `high`."""
    if low - _ON_RAIL_IN < value < high + _ON_RAIL_IN:
        return value
    edge = low if value < low else high
    return min(max(edge - _GIVEN_BACK * (value - edge), low), high)


def unlike(a: Track, b: Track) -> float:
    """How unlike two tracks look: 0 the same, 1 clearly not."""
    return _apart_in_tone(a.tone, b.tone)


def unlike_lately(a: Track, b: Track) -> float:
    """Likewise, of balls seen within a moment: as they looked before and as they were seen last, smeared or in
    another light."""
    tones = [[t.tone] if t.lately is None else [t.tone, t.lately] for t in (a, b)]
    return min(_apart_in_tone(one, other) for one in tones[0] for other in tones[1])


def levels(tone: Array) -> Array:
    """By so many levels clearly different looks differ from tones, BGR, shape (…, 3): shape (…).

    Where the cloth lies in the dark, looks pass 255, and so do the differences that its light makes.
    """
    result: Array = LEVELS * np.maximum(1.0, tone.max(axis=-1) / 255)
    return result


def _apart_in_tone(a: Array, b: Array) -> float:
    return math.dist(a, b) / (LEVELS * max(1.0, float(a.max()) / 255, float(b.max()) / 255))


def tone_of(look: NDArray[np.float32]) -> Array:
    """The mean colour of one look, BGR, shape (3,)."""
    result: Array = np.add.reduce(look, axis=0, dtype=np.float64) / len(look)
    return result


def _apart(a: Sample, b: Sample) -> float:
    return math.hypot(a.x_in - b.x_in, a.y_in - b.y_in)
