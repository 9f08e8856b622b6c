"""How likely a ball's pixels are under each colour a ball can have, whatever the light on it.

A ball's paint is shaded from a bright crown to a dark foot. In coded values shade multiplies all channels
alike, so each colour is a short ladder of shades, and a pixel is judged by its chroma (log ratios of channels)
and its lightness. White and colour mix on one ball: in the number's spot, on a stripe's poles, in a highlight.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vision.balls import Ball

Array = NDArray[np.float64]
Single = NDArray[np.float32]

WHITE_RGB = (242, 238, 222)
_FLOOR = 0.07  # of white: the noise and veil below which channels are not told apart
_SHADES = np.array([1.12, 0.95, 0.78, 0.6, 0.44])
_SHADE_SHARE = np.array([0.18, 0.30, 0.27, 0.17, 0.08])
_VEIL = np.array([0.03, 0.05, 0.08, 0.13, 0.2])  # of the cloth's light, thrown onto the ball, by shade
_USUAL_SHADE = 1  # the shade that the middle of a ball's pixels has
_LEARNT_TIGHT = 0.7
_STRAY_DENSITY = np.float32(1 / 40)  # even over the colours there are

_FAINTEST = np.float32(-60.0)  # fainter densities than exp of this would be slow, denormal numbers
_TOGETHER = 15  # so many logarithms a look, of the products of a few pixels' densities

# What share of the visible disc is white, and how often: of plain balls (spot, highlights) and of striped ones.
WHITE_SHARES = np.array([0.02, 0.1, 0.2, 0.3, 0.42, 0.55, 0.7, 0.85, 0.95], dtype=np.float32)
_PLAIN_SHARE = np.array([0.42, 0.30, 0.16, 0.08, 0.025, 0.008, 0.004, 0.002, 0.001])
_STRIPED_SHARE = np.array([0.01, 0.03, 0.08, 0.15, 0.24, 0.23, 0.14, 0.08, 0.04])


@dataclass(frozen=True)
class Spread:
    """How widely pixels stray from a paint's own colour, in the units of `features`.

    Makes of balls, lamps and cameras differ in how strong a colour is more than in its hue. Each pair is a
    standard deviation at grey (or white) and what a unit of chroma (or darkness) adds to it. `dark` is what a unit
    of darkness adds to the chroma's, where veil and noise weigh more; `stray` the share of pixels that are
    anything: a figure, chalk, a neighbour; `dots` that of a cue ball's dots besides. Pixels of one look share
    their errors: together they weigh as much as `pixels_worth` of them.
    """

    strength: tuple[float, float] = (0.13, 0.28)
    hue: tuple[float, float] = (0.13, 0.16)
    light: tuple[float, float] = (0.25, 0.3)
    dark: float = 0.1
    stray: float = 0.05
    dots: float = 0.06
    pixels_worth: float = 6.0


USUAL = Spread()


@dataclass(frozen=True)
class Palette:
    """The looks of some kinds of balls; `kinds` are distinct (colour, striped) pairs."""

    balls: tuple[Ball, ...]
    cloth: tuple[float, float, float]  # BGR relative to white
    vividness: float = 1.0  # how much stronger than true this camera shows colours, in log chroma
    learnt: tuple[tuple[int, tuple[float, float]], ...] = ()  # kinds whose chroma here is known from many balls
    spread: Spread = USUAL

    def log_likelihood(self, looks: Array) -> Array:
        """The log likelihood of N looks under each kind, shape (N, kinds).

        `looks`, shape (N, M, 3), are BGR relative to white. The white share is summed over by what is usual
        for the kind.
        """
        return self.of_features(features(looks))

    def of_features(self, seen: Single) -> Array:
        """The same of looks given by their `features`, shape (N, M, 3)."""
        white, own = self._densities(seen)
        stray, worth = np.float32(self.spread.stray), self.spread.pixels_worth / seen.shape[1]
        result = np.empty((len(seen), len(self.balls)))
        for pattern, kinds in self._by_pattern.items():
            if pattern == "cue":
                anything = stray + np.float32(self.spread.dots)
                mixed = (1 - anything) * white + anything * _STRAY_DENSITY
                result[:, kinds] = worth * _log_sum(mixed).T
                continue
            colours = (1 - stray) * own[kinds]
            whiter = (1 - stray) * white - colours
            colours += stray * _STRAY_DENSITY
            fit = np.stack([_log_sum(colours + share * whiter) for share in WHITE_SHARES])
            prior = _STRIPED_SHARE if pattern == "striped" else _PLAIN_SHARE
            result[:, kinds] = _log_mean(worth * fit.astype(np.float64), prior).T
        return result

    @cached_property
    def _colours(self) -> tuple[Array, Array, Array]:
        """Each colour in each shade as a Gaussian: means, shape (C, 3), precisions, shape (C, 3, 3), and log
        norms, shape (C,); C counts the shades and in each white and the kinds."""
        spread = self.spread
        rgb = np.array([WHITE_RGB, *(b.rgb for b in self.balls)], dtype=np.float64)
        shaded = (rgb / np.array(WHITE_RGB))[None, :, ::-1] * _SHADES[:, None, None]
        means = features(shaded + _VEIL[:, None, None] * np.array(self.cloth)).astype(np.float64)
        means[..., :2] *= self.vividness
        tight = np.ones(means.shape[:2])
        for kind, chroma in self.learnt:
            means[:, 1 + kind, :2] += np.array(chroma) - means[_USUAL_SHADE, 1 + kind, :2]
            tight[:, 1 + kind] = _LEARNT_TIGHT
        strength = np.linalg.norm(means[..., :2], axis=-1)
        along = np.where(
            strength[..., None] > 1e-6, means[..., :2] / np.maximum(strength, 1e-6)[..., None], (1.0, 0.0)
        )
        dark = np.abs(means[..., 2])
        sd = [at + per * strength + spread.dark * dark for at, per in (spread.strength, spread.hue)]
        sd_all = np.stack([*sd, spread.light[0] + spread.light[1] * dark], axis=-1) * tight[..., None]
        axes = np.zeros((*means.shape, 3))
        axes[..., 0, :2] = along / sd_all[..., :1]
        axes[..., 1, :2] = np.stack([-along[..., 1], along[..., 0]], axis=-1) / sd_all[..., 1:2]
        axes[..., 2, 2] = 1 / sd_all[..., 2]
        norms = np.log(_SHADE_SHARE)[:, None] - np.log(sd_all.prod(axis=-1) * (2 * np.pi) ** 1.5)
        return means.reshape(-1, 3), (axes.swapaxes(-1, -2) @ axes).reshape(-1, 3, 3), norms.ravel()

    @cached_property
    def _quadratic(self) -> Single:
        """The log densities as a form in 1, a, b, l, a², ab, b², l² of a pixel's features: shape (C, 8)."""
        means, precisions, norms = self._colours
        linear = np.einsum("cij,cj->ci", precisions, means)
        constant = norms - 0.5 * np.einsum("ci,ci->c", linear, means)
        squares = precisions[:, [0, 0, 1, 2], [0, 1, 1, 2]] * (-0.5, -1.0, -0.5, -0.5)
        return np.concatenate([constant[:, None], linear, squares], axis=1).astype(np.float32)

    @cached_property
    def _by_pattern(self) -> dict[str, list[int]]:
        patterns = ["cue" if b.group == "cue" else "striped" if b.striped else "plain" for b in self.balls]
        return {p: [i for i, q in enumerate(patterns) if q == p] for p in dict.fromkeys(patterns)}

    def _densities(self, seen: Single) -> tuple[Single, Single]:
        """How likely each pixel is under white, (1, N, M), and each kind's own colour, (kinds, N, M)."""
        a, b, light = seen.reshape(-1, 3).T
        terms = np.stack([np.ones_like(a), a, b, light, a * a, a * b, b * b, light * light])
        logs = np.maximum(self._quadratic @ terms, _FAINTEST)
        total: Single = np.exp(logs).reshape(len(_SHADES), -1, *seen.shape[:-1]).sum(axis=0)
        return total[:1], total[1:]


def features(bgr: Array | Single) -> Single:
    """Red against green, yellow against blue, and lightness, all in logs, of BGR relative to white: same shape."""
    logs = np.log(np.maximum(bgr, 0).astype(np.float32) + np.float32(_FLOOR))
    b, g, r = logs[..., 0], logs[..., 1], logs[..., 2]
    return np.stack([r - g, (r + g) / 2 - b, logs.max(axis=-1)], axis=-1)


def _log_mean(logs: Array, prior: Array) -> Array:
    """log Σ prior · exp(logs) over the first axis, safely."""
    top = logs.max(axis=0)
    summed: Array = np.log(np.einsum("s,s...->...", prior / prior.sum(), np.exp(logs - top))) + top
    return summed


def _log_sum(density: Single) -> Single:
    """Σ log over the last axis, of densities no single precision product of a few of which is out of range."""
    while density.shape[-1] > _TOGETHER and density.shape[-1] % 2 == 0:
        half = density.shape[-1] // 2
        density = density[..., :half] * density[..., half:]
    summed: Single = np.log(density).sum(axis=-1)
    return summed
