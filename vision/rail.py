"""A ball meets a cushion: what the rebound makes of its speed, its roll and its side spin.

The nose stands h = 0.635 diameters up, so the ball touches it at an angle θ above its middle, sin θ = 2·0.635 − 1.
Where the rubber grips, the surfaces' slip at the touch ends, and the speed into the cushion comes back e-fold
[Han 2005, Dynamics in carom and three cushion billiards]:

    v_n' = v_n − (2/7)(v_n sin θ + u_n) sin θ − (1 + e) v_n cos² θ
    v_t' = v_t − (2/7)(v_t + u_t sin θ + w cos θ)

n points into the cushion, t is a quarter turn on from it (counter-clockwise), u is the speed the ball would roll
at, w = R·ω_z its side spin, counter-clockwise positive.
"""

import numpy as np
from numpy.typing import NDArray

from calibration.table import NOSE_HEIGHT_IN_DIAMETERS

Array = NDArray[np.float64]

_SIN = 2 * NOSE_HEIGHT_IN_DIAMETERS - 1
_COS2 = 1 - _SIN**2
_COS = float(np.sqrt(_COS2))


def rebound_matrix(e: float) -> Array:
    """The linear map of (v_n, v_t, u_n, u_t, w) before to the same after, (5, 5)."""
    v_n, v_t, u_n, u_t, w = np.eye(5)
    slip_n = v_n * _SIN + u_n
    slip_t = v_t + u_t * _SIN + w * _COS
    push = (1 + e) * v_n
    # The impulses, per mass, along n, t and up.
    along_n = -2 / 7 * slip_n * _SIN - push * _COS2
    along_t = -2 / 7 * slip_t
    up = 2 / 7 * slip_n * _COS - push * _COS * _SIN
    return np.array(
        [
            v_n + along_n,
            v_t + along_t,
            u_n + 2.5 * (along_n * _SIN - up * _COS),
            u_t + 2.5 * along_t * _SIN,
            w + 2.5 * along_t * _COS,
        ]
    )


def into(normal: Array) -> Array:
    """The rotation (2, 2) from table axes to (n, t) of a rail whose outward normal is given."""
    return np.array([normal, [-normal[1], normal[0]]])


def side_spin(v_before: Array, v_after: Array, u_before: Array) -> tuple[float, Array]:
    """The side spin w before a rebound from velocities and roll as (n, t) components, and its slopes (3,) by
    v_t before, v_t after and u_t before."""
    slopes = np.array([2.5, -3.5, -_SIN]) / _COS
    w = float(slopes @ np.array([v_before[1], v_after[1], u_before[1]]))
    return w, slopes
