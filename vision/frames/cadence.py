"""The true cadence of a recording whose container repeats frames.

A recorder that gets 24, 25 or 15 pictures a second and stores 60 or 30 repeats some of them. The stored times
then jump by two or three intervals and mislead every fit of a motion, so the true pattern is recovered: in
`share` of all stored frames the picture is new, at evenly spaced moments.

What is measured is the *novelty* of a frame: the mean squared difference of its luma from the frame before.
A re-encoded copy is rarely identical, but its novelty is a small fraction of its neighbours'.
"""

from collections import deque
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.frames.source import Plane

# Every fourth row tells a copy from a picture as well as all of them do, at a quarter of the cost.
_ROW_STEP = 4
# Below this novelty nothing tells a copy of a still table from a new picture of it.
_ACTIVE = 0.05
# A copy has less than this fraction of the novelty of the liveliest frame within two.
_COPY_FRACTION = 0.25
_PHASES = 120
_SIMPLE_SHARES = (1 / 2, 2 / 5, 5 / 12, 4 / 5, 5 / 6, 2 / 3, 3 / 4, 3 / 5, 1 / 3, 1 / 4, 1 / 5)
_KNOWN_RATES = (
    10.0,
    12.0,
    12.5,
    15.0,
    20.0,
    24000 / 1001,
    24.0,
    25.0,
    30000 / 1001,
    30.0,
    50.0,
    60000 / 1001,
)
_LEAST_COPIES, _LEAST_NEW = 8, 6

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cadence:
    """A pattern of new pictures among stored frames (ticks): picture k is taken at tick (k − phase) / share
    and shown from the first tick after that. `share` 1 means that every stored frame is new."""

    share: float = 1.0
    phase: float = 0.0

    def picture_at(self, tick: int) -> int:
        """The number of the picture shown at a tick."""
        return int(np.floor(tick * self.share + self.phase + 1e-9))

    def taken_at(self, picture: int) -> float:
        """The moment, in ticks, at which a picture was taken."""
        return (picture - self.phase) / self.share


def thin(luma: Plane) -> Plane:
    """The rows of a luma plane that `novelty` looks at."""
    return np.ascontiguousarray(luma[::_ROW_STEP])


def novelty(thinned: Plane, before: Plane) -> float:
    """The mean squared difference of two thinned luma planes of the same shape."""
    return float(cv2.norm(thinned, before, cv2.NORM_L2SQR)) / thinned.size


def find_cadence(ticks: NDArray[np.int64], values: Values, ticks_per_s: float) -> Cadence | None:
    """The pattern that explains the novelty `values` of consecutive frames at `ticks`, both of shape (N,).

    None when too little moved to tell, or when no known pattern fits.
    """
    if len(values) < 12:
        return None
    active, copy = _labels(values)
    shares = _candidate_shares(round(ticks_per_s, 6))
    k = np.floor(ticks[None, None, :] * shares[:, None, None] + _phases()[None, :, None] + 1e-9)
    new = np.diff(k, axis=2, prepend=np.nan) > 0
    new[:, :, 0] = True
    said_copy, said_new = active & ~new, active & new
    n_copy, n_new = said_copy.sum(axis=2), said_new.sum(axis=2)
    right_copy = (said_copy & copy).sum(axis=2) / np.maximum(n_copy, 1)
    right_new = (said_new & ~copy).sum(axis=2) / np.maximum(n_new, 1)
    good = (n_copy >= _LEAST_COPIES) & (n_new >= _LEAST_NEW) & (right_copy >= 0.85) & (right_new >= 0.75)
    score = np.where(good, right_copy + right_new, -1.0)
    if score.max() < 0:
        every_frame_new = active.sum() >= _LEAST_NEW and copy[active].mean() < 0.35
        return Cadence() if every_frame_new else None
    best = int(score.max(axis=1).argmax())
    return Cadence(float(shares[best]), _middle_of_best(score[best]))


def agrees(cadence: Cadence, ticks: NDArray[np.int64], values: Values) -> bool:
    """Whether the pattern still explains what is seen; True where too little moves to tell."""
    active, copy = _labels(values)
    if active.sum() < 20:
        return True
    shown = np.array([cadence.picture_at(int(t)) for t in ticks])
    new = np.diff(shown, prepend=shown[0] - 1) > 0
    return bool((copy[active] != new[active]).mean() > 0.7)


def _labels(values: Values) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For each frame: whether anything moves around it, and whether it looks like a copy."""
    padded = np.pad(values, 2, mode="edge")
    liveliest = np.lib.stride_tricks.sliding_window_view(padded, 5).max(axis=1)
    return liveliest > _ACTIVE, values < _COPY_FRACTION * liveliest


@cache
def _phases() -> Values:
    return (np.arange(_PHASES) + 0.5) / _PHASES


@cache
def _candidate_shares(ticks_per_s: float) -> Values:
    """Shares worth trying, simple ones first so that they win a tie."""
    shares = list(_SIMPLE_SHARES)
    for rate in _KNOWN_RATES:
        share = rate / ticks_per_s
        if 0.19 < share < 0.97 and all(abs(share - s) > 1e-5 for s in shares):
            shares.append(share)
    return np.array(shares)


def _middle_of_best(score: Values) -> float:
    """The phase in the middle of the longest run, round the circle, of phases with the best score."""
    best = score >= score.max() - 1e-9
    if best.all():
        return 0.5
    start = int(np.flatnonzero(~best)[0])
    turned = np.roll(best, -start)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], turned.astype(np.int8), [0]])))
    runs = list(zip(edges[::2], edges[1::2], strict=True))
    first, end = max(runs, key=lambda run: run[1] - run[0])
    return float(((start + (first + end) / 2) % _PHASES) / _PHASES)


class CadenceTracker:
    """Says of each stored frame, in order, whether it is a copy and when its picture was taken.

    It begins with the cadence a probe found, and finds another when what it sees disagrees for a second or
    two, as after a cut. Times are in ticks; the caller knows how long one is.
    """

    _WINDOW, _EVERY = 120, 15

    def __init__(self, cadence: Cadence, ticks_per_s: float, regular: bool = True) -> None:
        self.cadence = cadence
        self._ticks_per_s = ticks_per_s
        self._regular = regular
        self._recent: deque[tuple[int, float]] = deque(maxlen=self._WINDOW)
        self._lively: deque[float] = deque(maxlen=31)
        self._before: Plane | None = None
        self._last_tick = 0
        self._last_taken = -np.inf
        self._seen = 0

    def see(self, tick: int, luma: Plane) -> tuple[bool, int, float]:
        """(repeated, missing, the moment it was taken in ticks) of the frame stored at `tick`."""
        thinned = thin(luma)
        first = self._before is None
        change = np.inf if self._before is None else novelty(thinned, self._before)
        self._before = thinned
        if first:
            self._last_tick = tick
            self._last_taken = min(float(tick), self.cadence.taken_at(self.cadence.picture_at(tick)))
            return False, 0, self._last_taken
        self._recent.append((tick, change))
        self._reconsider()
        repeated, missing, taken = self._judge(tick, change)
        self._last_tick = tick
        self._last_taken = max(taken, self._last_taken + 1e-3)
        return repeated, missing, self._last_taken

    def _judge(self, tick: int, change: float) -> tuple[bool, int, float]:
        if self.cadence.share < 1:
            picture = self.cadence.picture_at(tick)
            new = picture - self.cadence.picture_at(self._last_tick)
            taken = self.cadence.taken_at(picture) if new else float(tick)
            return new == 0, max(0, new - 1), taken
        usual = float(np.median(self._lively)) if self._lively else 0.0
        repeated = change == 0.0 or change < min(0.1, 0.05 * usual)
        if not repeated:
            self._lively.append(change)
        return repeated, tick - self._last_tick - 1, float(tick)

    def _reconsider(self) -> None:
        self._seen += 1
        if not self._regular or self._seen % self._EVERY or len(self._recent) < 60:
            return
        ticks = np.array([t for t, _ in self._recent])
        values = np.array([v for _, v in self._recent])
        if agrees(self.cadence, ticks, values):
            return
        found = find_cadence(ticks, values, self._ticks_per_s)
        if found is not None:
            self.cadence = found


def regular_interval(times_s: list[float]) -> tuple[float, bool]:
    """The usual interval between stored frames in seconds, and whether frames keep to it (gaps apart)."""
    steps = np.array([b - a for a, b in pairwise(times_s) if b > a])
    if not len(steps):
        return 1 / 30, False
    usual = float(np.median(steps))
    counts = np.maximum(1, np.round(steps / usual))
    usual = float(steps.sum() / counts.sum())
    off = np.abs(steps / usual - np.round(steps / usual))
    # Times rounded to milliseconds are off by up to one of them.
    return usual, bool((off < max(0.08, 0.0011 / usual)).mean() > 0.9)
