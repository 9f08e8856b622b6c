"""The empty cloth: what every pixel of the bed would look like without balls, shadows or hands.

Colour is compared in log space, where a change of light is a constant: `log(pixel) − log(cloth)` per channel.
A shadow then moves all channels together, a ball moves them apart or far.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.file import Calibration
from vision.frames.source import Frame, Plane

Array = NDArray[np.float64]
Float = NDArray[np.float32]

# Added before the logarithm, as a share of the cloth's strongest channel: the noise of a channel that the cloth
# hardly reflects must not count as colour.
_FLOOR_SHARE = 0.05
_FLOOR_LEAST = 2.0

# The surface is fitted to so many pixels.
_SAMPLES = 8_000

# Cloth keeps this near to its surface (median of log ratios, 0.004–0.02 on real ones): more is no cloth.
_MOTLEY = 0.12

# A pixel is a ball's where it is this far from the cloth [trial figures of the project, VISION.md].
CHROMATIC = 0.22
RED = 0.22
DARK = 1.15
# A white ball on pale cloth is a little brighter and a little less coloured: neither alone would tell it.
BRIGHT = 0.35
_SOFTER = 0.73

# So many times its noise tells a ball of nearly the cloth's colour, and an edge, within these bounds.
_SUSPECT, _SUSPECT_SHARE = 1.25, (0.5, 1.0)
_EDGE, _EDGE_CONTRAST = 2.0, (0.12, 0.25)

# Lit cloth is no lighter and no darker than this, nor so far off in colour (in tolerances).
_LIT = 0.2
_HUED = 0.7

# A shadow is this much darker than the cloth (log of the ratio); in the dark a colour is less sure.
_SHADE = -0.35
_SHADE_TOLERANCE = 1.5

_ORDER = 4
_POWERS = [(i, j) for i in range(_ORDER + 1) for j in range(_ORDER + 1 - i)]


class ClothError(Exception):
    """No cloth could be told from the picture; the text says what to do."""


def log_table(floor: float) -> Float:
    """log(level + floor) for the 256 levels, shape (256,)."""
    return np.asarray(np.log(np.arange(256) + floor), dtype=np.float32)


def half_luma(frame: Frame) -> Plane:
    """The luma at half size by exact 2×2 area, shape (h/2, w/2)."""
    height, width = frame.u.shape
    return np.asarray(cv2.resize(frame.y, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def half_bgr(frame: Frame) -> Plane:
    """The frame at half size as BGR, shape (h/2, w/2, 3)."""
    return planes_to_bgr(half_luma(frame), frame.u, frame.v)


def half_region_bgr(frame: Frame, luma: Plane, part: tuple[slice, slice]) -> Plane:
    """A part of the frame at half size as BGR; `luma` is the frame's half-size luma."""
    planes = (np.ascontiguousarray(plane[part]) for plane in (luma, frame.u, frame.v))
    return planes_to_bgr(*planes)


def median_half_bgr(frames: list[Frame]) -> Plane:
    """The median over frames at half size as BGR, shape (h/2, w/2, 3)."""
    if len(frames) == 1:
        return half_bgr(frames[0])
    return np.asarray(np.median([half_bgr(f) for f in frames], axis=0), dtype=np.uint8)


_LUMA = np.clip((np.arange(256) - 16) * (255 / 219), 0, 255).astype(np.uint8)
_CHROMA = np.clip((np.arange(256) - 128) * (255 / 224) + 128, 0, 255).astype(np.uint8)


def planes_to_bgr(y: Plane, u: Plane, v: Plane) -> Plane:
    """BGR from three planes of equal size (limited range, BT.601)."""
    stretched = cv2.merge([cv2.LUT(y, _LUMA), cv2.LUT(v, _CHROMA), cv2.LUT(u, _CHROMA)])
    return np.asarray(cv2.cvtColor(stretched, cv2.COLOR_YCrCb2BGR), dtype=np.uint8)


@dataclass(frozen=True)
class Against:
    """Pixels against the cloth, each of shape (h, w).

    `mean` is how much lighter they are (a logarithm), `apart` how far the channels lie from their mean, in
    tolerances, the farthest of the three, `redder` how much redder they are, likewise.
    """

    mean: Float
    apart: Float
    redder: Float

    @property
    def foreign(self) -> Float:
        """How foreign to the cloth each pixel is, shape (h, w): 1 at the threshold of being a ball's."""
        score = np.maximum(self.apart, self.redder)
        np.maximum(score, np.hypot(_SOFTER * self.apart, np.maximum(self.mean, 0) / BRIGHT), out=score)
        return np.asarray(np.maximum(score, self.mean / -DARK), dtype=np.float32)

    @property
    def strange(self) -> Float:
        """How unlike lit cloth each pixel is, shape (h, w): 1 where it is no longer; shadows are strange too."""
        return np.asarray(np.maximum(self.apart / _HUED, np.abs(self.mean) / _LIT), dtype=np.float32)

    @property
    def shade(self) -> Float:
        """1 where a pixel can be cloth in deep shadow, much darker but of its colour, else 0, shape (h, w)."""
        return np.asarray((self.mean < _SHADE) & (self.apart < _SHADE_TOLERANCE), dtype=np.float32)


@dataclass(frozen=True)
class Cloth:
    """The cloth at half size: `log_bgr`, shape (h/2, w/2, 3), and per channel, shape (3,), how far a pixel's
    chromatic ratio may stray before it counts as foreign. `table` is the logarithm used, shape (256,); `noise` how
    far all but one in two hundred of its own pixels stray."""

    log_bgr: Float
    tolerance: Float
    table: Float
    noise: float = 1.0

    @property
    def suspect(self) -> float:
        """How foreign a pixel is that a ball of nearly the cloth's colour has: clean pictures show finer
        differences."""
        return float(np.clip(_SUSPECT * self.noise / CHROMATIC, *_SUSPECT_SHARE))

    @property
    def contrast(self) -> float:
        """The least difference of colours, as a logarithm, that makes an edge."""
        return float(np.clip(_EDGE * self.noise, *_EDGE_CONTRAST))

    def log_of(self, bgr: Plane) -> Float:
        """The picture's logarithm per channel, shape (h, w, 3)."""
        return np.asarray(cv2.LUT(bgr, self.table), dtype=np.float32)

    def against(self, log_ratio: Float) -> "Against":
        """How pixels stand against the cloth; `log_ratio`, shape (h, w, 3), is log(pixel) − log(cloth), BGR."""
        b, g, r = cv2.split(log_ratio)
        mean = (b + g + r) / 3
        tb, tg, tr = (float(t) for t in self.tolerance)
        apart = np.maximum(np.abs(b - mean) / tb, np.abs(g - mean) / tg)
        np.maximum(apart, np.abs(r - mean) / tr, out=apart)
        return Against(
            np.asarray(mean, dtype=np.float32),
            np.asarray(apart, dtype=np.float32),
            np.asarray(r / max(RED, tr), dtype=np.float32),
        )


def _terms(u: Array, v: Array) -> Array:
    """The terms of the surface at N points, shape (N, terms)."""
    across, down = _powers(u), _powers(v)
    return np.stack([across[:, i] * down[:, j] for i, j in _POWERS], axis=1)


def _powers(x: Array) -> Array:
    """The powers from 0 up of N numbers, shape (N, order + 1)."""
    return np.vander(x, _ORDER + 1, increasing=True)


def _surface(coefficients: Array, height: int, width: int) -> Float:
    """The surface at every pixel, shape (height, width, channels), from coefficients of shape (terms, channels).

    A term is a product of a power across and one down, so a channel is a product of three small matrices: no term
    is ever laid out over the picture, which would take fifteen times the memory.
    """
    square = np.zeros((_ORDER + 1, _ORDER + 1, coefficients.shape[1]))
    for (i, j), values in zip(_POWERS, coefficients, strict=True):
        square[j, i] = values
    across, down = _powers(_unit(np.arange(width), width)), _powers(_unit(np.arange(height), height))
    surface = np.empty((height, width, coefficients.shape[1]), dtype=np.float32)
    for channel in range(coefficients.shape[1]):
        surface[..., channel] = down @ square[..., channel] @ across.T
    return surface


def _unit(pixels: NDArray[np.int64], size: int) -> Array:
    """Pixels of a side of so many as −1 … 1."""
    result: Array = pixels / size * 2 - 1
    return result


def bed_mask(calibration: Calibration, height: int, width: int) -> Plane:
    """255 where the bed lies in a half-size picture, shape (height, width), up to the noses at cloth height."""
    corners = calibration.to_picture(calibration.table.corners_in, 0.0)
    mask = np.zeros((height, width), dtype=np.uint8)
    cv2.fillConvexPoly(mask, np.round((corners - 0.5) / 2).astype(np.int32), 255)
    return mask


def _cloth_colour(logs: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pixels, shape (N, 3), share the commonest chromatic ratio: the cloth's, whatever the light."""
    ratios = np.stack([logs[:, 0] - logs[:, 1], logs[:, 2] - logs[:, 1]], axis=1)
    counts, eu, ev = np.histogram2d(ratios[:, 0], ratios[:, 1], bins=80, range=[[-2, 2], [-2, 2]])
    smooth = np.asarray(cv2.GaussianBlur(counts.astype(np.float32), (5, 5), 0))
    i, j = np.unravel_index(int(np.argmax(smooth)), smooth.shape)
    centre = np.array([(eu[i] + eu[i + 1]) / 2, (ev[j] + ev[j + 1]) / 2])
    near: NDArray[np.bool_] = np.abs(ratios - centre).max(axis=1) < 0.3
    return near


def learn_cloth(frames: list[Frame], calibration: Calibration) -> Cloth:
    """The cloth from one or more frames, balls and hands rejected. Raises ClothError when there is none."""
    picture = median_half_bgr(frames)
    height, width = picture.shape[:2]
    on_bed = np.flatnonzero(bed_mask(calibration, height, width))
    if len(on_bed) < 1000:
        raise ClothError("the calibrated table lies outside the picture: calibrate again")
    rows, cols = np.divmod(on_bed[:: max(1, len(on_bed) // _SAMPLES)], width)
    brightness = float(np.median(picture[rows, cols]))
    if brightness < 6:
        raise ClothError(f"the table is almost black (median {brightness:.0f} of 255): switch on the table light")
    if brightness > 250:
        raise ClothError(f"the table is over-exposed (median {brightness:.0f} of 255): lower exposure or gain")
    strongest = float(np.median(picture[rows, cols], axis=0).max())
    table = log_table(_FLOOR_LEAST + _FLOOR_SHARE * strongest)
    samples = table[picture[rows, cols]]
    keep = _cloth_colour(samples)
    terms = _terms(_unit(cols, width), _unit(rows, height))
    coefficients: Array = np.zeros((len(_POWERS), 3))
    for tolerance in (0.6, 0.4, 0.3, 0.2, 0.2, 0.2):
        coefficients = np.asarray(np.linalg.lstsq(terms[keep], samples[keep], rcond=None)[0], dtype=np.float64)
        residual = np.abs(samples - terms @ coefficients).max(axis=1)
        keep = residual < max(tolerance, 3 * float(np.median(residual[keep])))
        if keep.sum() < 500:
            raise ClothError("no cloth of one colour fills the table: check the calibration and the light")
    if float(np.median(np.abs(samples[keep] - terms[keep] @ coefficients))) > _MOTLEY:
        raise ClothError("no cloth of one colour fills the table: check the calibration and the light")
    residual = samples[keep] - terms[keep] @ coefficients
    apart = np.abs(residual - residual.mean(axis=1, keepdims=True))
    noise = np.percentile(apart, 99.5, axis=0)
    tolerance = np.maximum(CHROMATIC, 1.3 * noise)
    surface = _surface(coefficients, height, width)
    return Cloth(surface, tolerance.astype(np.float32), table, float(noise.max()))
