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

WHITE_RGB = (242, 238, 222)
_FLOOR = 0.07  # of white: the noise and veil below which channels are not told apart
_SHADES = np.array([1.12, 0.95, 0.78, 0.6, 0.44])
_SHADE_SHARE = np.array([0.18, 0.30, 0.27, 0.17, 0.08])
_VEIL = np.array([0.03, 0.05, 0.08, 0.13, 0.2])  # of the cloth's light, thrown onto the ball, by shade
# Makes of balls, lamps and cameras differ in how strong a colour is more than in its hue.
_STRENGTH_SD = (0.13, 0.28)  # along the colour's direction in the chroma plane: at grey, and per unit of chroma
_HUE_SD = (0.13, 0.16)  # across it
_LIGHT_SD = (0.25, 0.3)  # of lightness: at white, and per unit of darkness
_DARK_SD = 0.1  # what darkness adds to the others, per unit: veil and noise weigh more
_USUAL_SHADE = 1  # the shade that the middle of a ball's pixels has
_LEARNT_TIGHT = 0.7
_STRAY = 0.05  # the share of pixels that are anything: a figure, a dot, chalk, a neighbour
_STRAY_DENSITY = 1 / 40  # even over the colours there are
_DOTS = 0.06  # a cue ball's dots

# What share of the visible disc is white, and how often: of plain balls (spot, highlights) and of striped ones.
WHITE_SHARES = np.array([0.02, 0.1, 0.2, 0.3, 0.42, 0.55, 0.7, 0.85, 0.95])
_PLAIN_SHARE = np.array([0.42, 0.30, 0.16, 0.08, 0.025, 0.008, 0.004, 0.002, 0.001])
_STRIPED_SHARE = np.array([0.01, 0.03, 0.08, 0.15, 0.24, 0.23, 0.14, 0.08, 0.04])


@dataclass(frozen=True)
class Palette:
    """The looks of some kinds of balls; `kinds` are distinct (colour, striped) pairs."""

    balls: tuple[Ball, ...]
    cloth: tuple[float, float, float]  # BGR relative to white
    vividness: float = 1.0  # how much stronger than true this camera shows colours, in log chroma
    learnt: tuple[tuple[int, tuple[float, float]], ...] = ()  # kinds whose chroma here is known from many balls

    @cached_property
    def _colours(self) -> tuple[Array, Array, Array]:
        """Each colour in each shade as a Gaussian: means, shape (C, 3), whitening axes, shape (C, 3, 3), and
        log norms, shape (C,); C counts white and the kinds, each in all shades."""
        rgb = np.array([WHITE_RGB, *(b.rgb for b in self.balls)], dtype=np.float64)
        shaded = (rgb / np.array(WHITE_RGB))[:, None, ::-1] * _SHADES[None, :, None]
        means = features(shaded + _VEIL[None, :, None] * np.array(self.cloth)).reshape(-1, 3)
        means[:, :2] *= self.vividness
        tight = np.ones(len(means))
        for kind, chroma in self.learnt:
            part = slice((1 + kind) * len(_SHADES), (2 + kind) * len(_SHADES))
            means[part, :2] += np.array(chroma) - means[part][_USUAL_SHADE, :2]
            tight[part] = _LEARNT_TIGHT
        strength = np.linalg.norm(means[:, :2], axis=1)
        along = np.where(strength[:, None] > 1e-6, means[:, :2] / np.maximum(strength, 1e-6)[:, None], (1.0, 0.0))
        axes = np.zeros((len(means), 3, 3))
        dark = np.abs(means[:, 2])
        chroma_sd = [at + per * strength + _DARK_SD * dark for at, per in (_STRENGTH_SD, _HUE_SD)]
        sd = np.stack([*chroma_sd, _LIGHT_SD[0] + _LIGHT_SD[1] * dark], axis=1) * tight[:, None]
        axes[:, 0, :2] = along / sd[:, :1]
        axes[:, 1, :2] = np.stack([-along[:, 1], along[:, 0]], axis=1) / sd[:, 1:2]
        axes[:, 2, 2] = 1 / sd[:, 2]
        return means, axes, -np.log(sd.prod(axis=1) * (2 * np.pi) ** 1.5)

    def mean_log_likelihood(self, looks: Array) -> Array:
        """The mean over pixels of the log likelihood of N looks under each kind, shape (N, kinds).

        `looks`, shape (N, M, 3), are BGR relative to white. The white share is summed over by what is usual
        for the kind, with the weight that `PIXELS_WORTH` independent pixels have.
        """
        density = self._densities(features(looks))
        white, own = density[..., :1], density[..., 1:]
        result = np.empty((len(looks), len(self.balls)))
        for pattern, kinds in self._by_pattern.items():
            if pattern == "cue":
                mixed = (1 - _STRAY - _DOTS) * white + (_STRAY + _DOTS) * _STRAY_DENSITY
                result[:, kinds] = np.log(mixed).mean(axis=1)
                continue
            share = WHITE_SHARES[:, None, None, None]
            colours = own[..., kinds]
            mixed = (1 - _STRAY) * (colours + share * (white - colours)) + _STRAY * _STRAY_DENSITY
            fit = np.log(mixed).mean(axis=2) * PIXELS_WORTH
            prior = _STRIPED_SHARE if pattern == "striped" else _PLAIN_SHARE
            result[:, kinds] = _log_mean(fit, prior) / PIXELS_WORTH
        return result

    @cached_property
    def _by_pattern(self) -> dict[str, list[int]]:
        patterns = ["cue" if b.group == "cue" else "striped" if b.striped else "plain" for b in self.balls]
        return {p: [i for i, q in enumerate(patterns) if q == p] for p in dict.fromkeys(patterns)}

    def _densities(self, seen: Array) -> Array:
        """How likely each pixel is under white and each kind's own colour, shape (N, M, 1 + kinds)."""
        means, axes, norms = self._colours
        # (axes · (x − mean))² for all pixels and colours at once: one matrix product.
        flat = seen.reshape(-1, 3) @ axes.reshape(-1, 3).T - np.einsum("cij,cj->ci", axes, means).ravel()
        square = np.square(flat).reshape(len(flat), -1, 3).sum(axis=-1)
        each = np.exp(norms - 0.5 * square).reshape(*seen.shape[:-1], -1, len(_SHADES))
        result: Array = each @ _SHADE_SHARE
        return result


# Pixels of one look share their errors (the make, the lamp): together they weigh as much as this many.
PIXELS_WORTH = 6.0


def features(bgr: Array) -> Array:
    """Red against green, yellow against blue, and lightness, all in logs, of BGR relative to white: same shape."""
    logs = np.log(np.maximum(bgr, 0) + _FLOOR)
    b, g, r = logs[..., 0], logs[..., 1], logs[..., 2]
    return np.stack([r - g, (r + g) / 2 - b, logs.max(axis=-1)], axis=-1)


def _log_mean(logs: Array, prior: Array) -> Array:
    """log Σ prior · exp(logs) over the first axis, safely."""
    top = logs.max(axis=0)
    summed: Array = np.log(np.einsum("s,s...->...", prior / prior.sum(), np.exp(logs - top))) + top
    return summed
