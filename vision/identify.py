"""Which ball is which: colours over many frames, one assignment over the set in play, `unknown` where honest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from vision.balls import Ball, BallSet
from vision.track import Track

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Signature:
    """What a ball shows: the fractions of its disc that are white and black, and its colour where it has one.

    `hue` is the colour as a point on the chroma plane, shape (2,), `light` its brightness against white.
    """

    white: float
    black: float
    hue: Array
    light: float


class Names:
    """Names for tracks, settled anew while evidence comes in; `cue` is the cue ball's track, if known."""

    def __init__(self, ball_set: BallSet) -> None:
        self.ball_set = ball_set
        self.cue: int | None = None
        self._names: dict[int, str] = {}

    def of(self, track: int) -> str:
        return self._names.get(track, f"ball-{track}")

    def settle(self, tracks: list[Track]) -> None:
        """Assigns the set's balls to the confirmed tracks."""
        seen = [t for t in tracks if t.confirmed and t.looks]
        if not seen:
            return
        white = _white(seen)
        signatures = [_signature(t, white) for t in seen]
        slots = [b for b in self.ball_set.balls for _ in range(b.count)]
        cost = np.array([[_cost(s, b, white) for b in slots] for s in signatures])
        rows, cols = linear_sum_assignment(np.hstack([cost, np.full((len(seen), len(seen)), _UNKNOWN)]))
        numbered: dict[str, int] = {}
        self.cue = None
        names: dict[int, str] = {}
        for i, j in zip(rows, cols, strict=True):
            if j >= len(slots):
                names[seen[i].id] = f"ball-{seen[i].id}"
                continue
            ball = slots[j]
            name = ball.name
            if ball.count > 1:
                numbered[name] = numbered.get(name, 0) + 1
                name = f"{name}-{numbered[name]}"
            names[seen[i].id] = name
            if name == "cue":
                self.cue = seen[i].id
        self._names.update(names)


_UNKNOWN = 1.0


def _pixels(track: Track) -> Array:
    """The colours of its newest sightings, shape (N, 3), BGR 0–255."""
    result: Array = np.concatenate(track.looks[-12:]).astype(np.float64)
    return result


def _white(tracks: list[Track]) -> Array:
    """What white looks like in this light, BGR, shape (3,): the brightest ball's brighter pixels."""
    brightest = max((_pixels(t) for t in tracks), key=lambda p: float(np.percentile(p.min(axis=1), 60)))
    order = np.argsort(brightest.min(axis=1))
    result: Array = np.maximum(np.median(brightest[order[len(order) // 2 :]], axis=0), 40)
    return result


def _signature(track: Track, white: Array) -> Signature:
    p = np.clip(_pixels(track) / white, 0, 1.5)
    top, low = p.max(axis=1), p.min(axis=1)
    saturation = 1 - low / np.maximum(top, 1e-3)
    is_white = (saturation < 0.32) & (top > 0.55)
    is_black = top < 0.22
    coloured = ~is_white & ~is_black
    colour = np.median(p[coloured], axis=0) if coloured.sum() > 5 else np.median(p, axis=0)
    return Signature(float(is_white.mean()), float(is_black.mean()), _chroma(colour), float(colour.max()))


def _chroma(bgr: Array) -> Array:
    """A colour's direction and strength: the two opponent axes over its brightness."""
    b, g, r = bgr / max(float(bgr.max()), 1e-3)
    result: Array = np.array([r - g, (r + g) / 2 - b])
    return result


def _cost(s: Signature, ball: Ball, white: Array) -> float:  # noqa: ARG001
    """How badly a signature suits a ball: 0 well, 1 not at all."""
    if ball.name == "cue":
        return 1.1 * (1 - min(1.0, s.white / 0.85)) + 0.3 * s.black
    rgb = np.array(ball.rgb[::-1]) / 242.0
    dark = float(rgb.max()) < 0.25
    if dark:
        return 1.2 * (1 - min(1.0, (s.black + (0.5 if s.light < 0.35 else 0)) / 0.6)) + 0.5 * s.white
    hue = float(np.linalg.norm(s.hue - _chroma(rgb)))
    light = abs(s.light - float(rgb.max()))
    share = abs(s.white - (0.5 if ball.striped else 0.08))
    share = max(0.0, share - 0.12)
    return 0.9 * hue + 0.35 * light + 0.9 * share + 0.6 * s.black * (not dark)
