"""What the follower of balls tells the detector: where to expect which."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.detect.silhouette import Array


@dataclass(frozen=True)
class Expected:
    """The balls known, N of them.

    `points_in`, shape (N, 2), is where each should be now, `places_in` where it was last seen; `moving`, shape
    (N,), are looked for whatever changed, and so are the `settling`, whose places want measuring; the `wanted`
    are to be searched for at once when they are not where they should be, as far as `reach_in` from where they
    were. `smear_in` is how far each may be smeared to either side; `missing` says that some ball is nowhere.
    """

    points_in: Array
    places_in: Array
    moving: NDArray[np.bool_]
    settling: NDArray[np.bool_]
    wanted: NDArray[np.bool_]
    reach_in: Array
    smear_in: Array
    missing: bool = False

    @classmethod
    def none(cls) -> "Expected":
        """No ball is known."""
        nothing = np.zeros(0, dtype=bool)
        return cls(np.zeros((0, 2)), np.zeros((0, 2)), nothing, nothing, nothing, np.zeros(0), np.zeros(0))
