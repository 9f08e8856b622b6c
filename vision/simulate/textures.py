"""Tileable noise for surfaces: fine for the cloth's weave, coarse for its wear, streaks for wood."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Floats = NDArray[np.float32]

_SIZE = 1024
_PER_IN = 8.0


@dataclass(frozen=True)
class Textures:
    """Squares of noise of mean 0 and deviation about 1; they repeat every 128 inches."""

    cloth: Floats
    wood: Floats
    floor: Floats


@cache
def textures(seed: int) -> Textures:
    """The textures of a seed; made once."""
    white = np.random.default_rng(seed).standard_normal((_SIZE, _SIZE), dtype=np.float32)
    spectrum = fft.rfft2(white)
    wear = _soft(spectrum, 40, 40) + np.float32(0.6) * _soft(spectrum, 12, 12)[::-1]
    cloth = _soft(spectrum, 0.8, 0.8) + np.float32(0.9) * wear
    wood = _soft(spectrum, 60, 1.2) + np.float32(0.7) * _soft(spectrum, 120, 4)[:, ::-1]
    return Textures(cloth.astype(np.float32), wood.astype(np.float32), _soft(spectrum, 2, 2))


def at(texture: Floats, points: Floats, swap: NDArray[np.bool_] | None = None) -> Floats:
    """The texture at points (…, 2) in inches; where `swap` holds, turned by a quarter."""
    u, v = points[..., 0], points[..., 1]
    if swap is not None:
        u, v = np.where(swap, v, u), np.where(swap, u, v)
    cell = (np.stack([u, v], axis=-1) * _PER_IN).astype(np.int32) % _SIZE
    return np.asarray(texture[cell[..., 1], cell[..., 0]], dtype=np.float32)


def _soft(spectrum: NDArray[np.complex64], along: float, across: float) -> Floats:
    """Noise blurred by a Gaussian of deviations in cells, wrapped at the edges, brought to deviation 1."""
    fu, fv = fft.rfftfreq(_SIZE)[None, :], fft.fftfreq(_SIZE)[:, None]
    gain = np.exp(-2 * np.pi**2 * ((along * fu) ** 2 + (across * fv) ** 2)).astype(np.float32)
    noise = fft.irfft2(spectrum * gain, s=(_SIZE, _SIZE))
    return np.asarray((noise - noise.mean()) / noise.std(), dtype=np.float32)
