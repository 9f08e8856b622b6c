"""What has been seen of every ball's colours: a few views of each track, and what white is in this light."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vision.track import Track

Array = NDArray[np.float64]
Look = NDArray[np.float32]

_VIEWS = 12  # of one ball: about as many as it turns over in two shots
_NEW_VIEW = 6.0  # levels by which a ball that turned looks different
_DIMMEST = 40.0
_TINT = 0.55  # no lamp is so coloured that white's weakest channel falls below this share of its strongest
_CANDIDATES = 3
_ALIKE = 0.08  # whites that differ by less, in the logarithm, are one light


@dataclass(eq=False)
class Views:
    """The last distinct views of one ball, each a look of BGR 0–255, shape (M, 3), without the cloth's row."""

    looks: deque[Look] = field(default_factory=lambda: deque(maxlen=_VIEWS))
    last: Look | None = None
    version: int = 0

    def see(self, look: Look) -> None:
        """Takes in a look, unless it is like the newest view."""
        if look is self.last:
            return
        self.last = look
        body = look[:-1]
        if self.looks and float(np.abs(self.looks[-1] - body).mean()) < _NEW_VIEW:
            return
        self.looks.append(body)
        self.version += 1

    def white(self) -> Array:
        """What white would be, BGR 0–255, if this ball were white: the brighter half of its newest views,
        less the very brightest, so that highlights and a dark foot are left out."""
        pixels = np.concatenate([*self.looks][-3:]).astype(np.float64)
        order = np.argsort(pixels.min(axis=1))
        half = len(order) // 2
        white: Array = np.median(pixels[order[half : max(half + 1, int(0.95 * len(order)))]], axis=0)
        return white


class Evidence:
    """The views of every track, and what white may be in this light.

    `whites` holds candidates, BGR 0–255, the brightest first: what is brightest may be a shirt or a reflection,
    so the likelihood of all balls has to choose.
    """

    def __init__(self) -> None:
        self.views: dict[int, Views] = {}
        self.whites: list[Array] = []
        self.cloth: Array = np.full(3, 90.0)

    def gather(self, tracks: list[Track]) -> None:
        """Takes in the newest look of every track and forgets tracks that are gone."""
        self.views = {t.id: self.views.get(t.id, Views()) for t in tracks}
        for track in tracks:
            self.views[track.id].see(track.looks[-1])
        self.cloth = np.median([t.looks[-1][-1] for t in tracks], axis=0).astype(np.float64)
        self.whites = []
        for seen in sorted((v.white() for v in self.views.values()), key=lambda w: -float(w.min())):
            white = np.maximum(np.maximum(seen, _TINT * seen.max()), _DIMMEST)
            if all(not same_light(white, other) for other in self.whites):
                self.whites.append(white)
            if len(self.whites) == _CANDIDATES:
                return

    def relative(self, looks: list[Look], white: Array) -> Array:
        """Looks of one size relative to white, shape (N, M, 3)."""
        return np.asarray(np.stack(looks) / white, dtype=np.float64)


def same_light(a: Array, b: Array) -> bool:
    """Whether two whites, BGR, may be one."""
    return float(np.abs(np.log(a / b)).max()) < _ALIKE
