"""The projected ball: where its outline falls in the picture and how well a picture shows it there."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.file import Calibration
from vision.detect.cloth import Float

Array = NDArray[np.float64]

SPOKES = 40
# How far profiles reach to either side of the outline, in radii, and in at most how many steps: wide to find it,
# then near, where a ball's own marks and highlights disturb less. A followed ball lies near where it is expected.
STAGES = ((0.45, 3), (0.25, 3))
FOLLOWED = ((0.45, 3), (0.25, 1))
SMEARED = ((0.45, 4), (0.25, 2))
_WIDEST = 0.95  # no profile reaches farther than this, in radii
_RAMP = 0.4  # how far off, in smears, an edge may lie on a ramp
# A stage is over when a step is shorter than this; a wide one when it is near enough for the next, in radii.
_ARRIVED_PX, _NEAR = 0.03, 0.08
_SAMPLES = 19
_REWEIGHTS = 3
_COLOURED = 0.3  # two colours differ when their log ratios do by this much
INNER = np.array([0.25, 0.5, 0.7, 0.85])  # rings of points over the disc, in radii
# Cloth nearer than this to where a ball touches it, in radii, may lie in the ball's own shadow.
_UNDER = 0.5
_UNDER_TRUST = 0.1

# Log BGR to two chromatic axes and luma, orthonormal.
OPPONENT = np.array(
    [[1 / np.sqrt(2), 0, -1 / np.sqrt(2)], [1 / np.sqrt(6), -2 / np.sqrt(6), 1 / np.sqrt(6)], [3**-0.5] * 3],
    dtype=np.float32,
)

# Colours in opponent axes, shape (N, M, 3), luma last, at pixels, shape (N, M, 2).
Colours = Callable[[Array], Float]


@dataclass(frozen=True)
class Silhouettes:
    """Outlines of balls in the picture.

    `centres_px`, shape (N, 2), are the projections of the ball centres (not the outlines' middles);
    `spokes_px`, shape (N, SPOKES, 2), the outline relative to them and `normals`, same shape, its outward unit
    normals; `radii_px`, shape (N,), the mean radius. `from_foot_in`, shape (N, SPOKES), is how far the cloth seen
    just outside lies from where the ball's own shadow falls whatever the light, negative within: most of all seen
    from the side. `hidden`, same shape, and `inner_hidden`, shape (N, inner points), are what a cushion hides.
    """

    centres_px: Array
    spokes_px: Array
    normals: Array
    radii_px: Array
    from_foot_in: Array
    hidden: NDArray[np.bool_]
    inner_hidden: NDArray[np.bool_]

    @property
    def under(self) -> NDArray[np.bool_]:
        """Where the cloth just outside lies under the ball, shape (N, SPOKES)."""
        return self.from_foot_in < 0

    @property
    def inner_px(self) -> Array:
        """Points over the disc relative to the centre, shape (N, inner points, 2)."""
        rings = INNER[None, :, None, None] * self.spokes_px[:, None, ::2]
        return rings.reshape(len(self.spokes_px), -1, 2)

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Silhouettes":
        """Some of them."""
        return Silhouettes(
            self.centres_px[chosen],
            self.spokes_px[chosen],
            self.normals[chosen],
            self.radii_px[chosen],
            self.from_foot_in[chosen],
            self.hidden[chosen],
            self.inner_hidden[chosen],
        )


def silhouettes(calibration: Calibration, points_in: Array) -> Silhouettes:
    """Outlines of balls at table points, shape (N, 2)."""
    radius = calibration.table.ball_radius_in
    centres = calibration.to_picture(points_in)
    spheres = np.column_stack([points_in, np.full(len(points_in), radius)])
    camera = calibration.camera
    rims = camera.sphere_rims(spheres, radius, SPOKES)
    outlines = camera.project(rims.reshape(-1, 3)).reshape(len(rims), SPOKES, 2)
    tangents = np.roll(outlines, -1, axis=1) - np.roll(outlines, 1, axis=1)
    normals = np.stack([tangents[..., 1], -tangents[..., 0]], axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    spokes = outlines - centres[:, None, :]
    middle = outlines.mean(axis=1, keepdims=True)
    outward = ((outlines - middle) * normals).sum(axis=(1, 2)) > 0
    normals *= np.where(outward, 1.0, -1.0)[:, None, None]
    radii = np.linalg.norm(outlines - middle, axis=-1).mean(axis=1)
    # Where the sight line past each point of the rim meets the cloth.
    eye = camera.position_in
    cloth = eye + (rims - eye) * (eye[2] / (eye[2] - rims[..., 2]))[..., None]
    from_foot = np.linalg.norm(cloth[..., :2] - points_in[:, None], axis=-1) - _UNDER * radius
    hidden = _behind_cushions(calibration, rims)
    middles = spheres[:, None, None, :]
    inner = middles + INNER[None, :, None, None] * (rims[:, None, ::2] - middles)
    inner_hidden = _behind_cushions(calibration, inner).reshape(len(rims), -1)
    return Silhouettes(centres, spokes, normals, radii, from_foot, hidden, inner_hidden)


def _behind_cushions(calibration: Calibration, points_in: Array) -> NDArray[np.bool_]:
    """Whether a cushion's nose stands between the camera and each point in space, shape (…, 3)."""
    table, eye = calibration.table, calibration.camera.position_in
    hidden = np.zeros(points_in.shape[:-1], dtype=bool)
    for axis, line, sign in ((0, 0.0, -1), (0, table.length_in, 1), (1, 0.0, -1), (1, table.width_in, 1)):
        if sign * (eye[axis] - line) <= 0:
            continue
        part = (line - points_in[..., axis]) / (eye[axis] - points_in[..., axis])
        height = points_in[..., 2] + part * (eye[2] - points_in[..., 2])
        hidden |= height < table.nose_height_in
    return hidden


@dataclass(frozen=True)
class Fit:
    """How N balls fit: `shift_px` (N, 2) to add to the centres, `grown_px` (N,) by how much the seen outline is
    larger; `edge`, shape (N, SPOKES), whether the picture has the edge within an eighth of a radius, or as
    far as the ball may be smeared."""

    shift_px: Array
    grown_px: Array
    edge: NDArray[np.bool_]

    @property
    def support(self) -> Array:
        """The fraction of each outline that the picture has, shape (N,)."""
        result: Array = np.add.reduce(self.edge, axis=1) / SPOKES
        return result


def fit(  # noqa: PLR0917 (arrays of one and the same N)
    colours: Colours,
    s: Silhouettes,
    contrast: float,
    touching: NDArray[np.bool_] | None = None,
    stages: tuple[tuple[float, int], ...] = STAGES,
    smear_px: Array | None = None,
) -> Fit:
    """The shift of each ball that brings its outline onto the picture's edges.

    `colours` are logarithms, `contrast` is the least difference of two that makes an edge. Along each spoke the
    edge is where the colour is half-way between inside and outside. A shadow changes luma alone, so luma counts
    little where the colours differ. `touching`, shape (N, SPOKES), marks spokes that lead into a neighbour: where
    two balls meet there is no edge of either to go by. `stages` say how far to look, in radii, and in how many
    steps at most. A ball that moves while the picture is taken is smeared, by `smear_px`, shape (N,), to either
    side at most: its edges become ramps, half-way up where the sharp edge would be, and whole ramps must be seen.
    """
    n = len(s.centres_px)
    smear = np.zeros(n) if smear_px is None else smear_px
    shift, grown = np.zeros((n, 2)), np.zeros(n)
    found, residual = np.zeros((n, SPOKES), dtype=bool), np.zeros((n, SPOKES))
    for k, (stage, rounds) in enumerate(stages):
        last = k == len(stages) - 1
        reach = np.minimum(np.maximum(3.0, stage * s.radii_px) + smear, np.maximum(3.0, _WIDEST * s.radii_px))
        going = np.arange(n)
        for _ in range(rounds):
            part = s if len(going) == n else s[going]
            edges, seen, coloured = _edges(
                _profiles(colours, part, shift[going], reach[going]), reach[going], contrast
            )
            seen &= ~part.hidden
            trust: Array = np.where(seen, np.where(coloured, 1.0, np.where(part.under, _UNDER_TRUST, 1.0)), 0.0)
            if touching is not None:
                trust[touching[going]] *= _UNDER_TRUST
            step, grown[going], residual[going] = _solve(edges, trust, part.normals)
            found[going] = seen
            limit = 0.8 * part.radii_px[:, None]
            shift[going] = np.minimum(np.maximum(shift[going] + step, -limit), limit)
            arrived = _ARRIVED_PX if last else _NEAR * part.radii_px[:, None]
            going = going[(np.abs(step) >= arrived).any(axis=1)]
            if not len(going):
                break
    ramp = _RAMP * np.minimum(smear, s.radii_px)
    near = found & (np.abs(residual) < (np.maximum(0.125 * s.radii_px, 0.8) + ramp)[:, None])
    return Fit(shift, np.sign(grown) * np.maximum(np.abs(grown) - ramp, 0), near)


_OFFSETS = np.linspace(-1, 1, _SAMPLES)


def _profiles(colours: Colours, s: Silhouettes, shift: Array, reach: Array) -> Float:
    """Colours along every spoke from inside to outside, shape (N, SPOKES, _SAMPLES, 3)."""
    n = len(s.centres_px)
    base = (s.centres_px + shift)[:, None, :] + s.spokes_px
    along = (reach[:, None, None] * s.normals)[:, :, None, :] * _OFFSETS[:, None]
    where = (base[:, :, None, :] + along).reshape(n * SPOKES, _SAMPLES, 2)
    return colours(where).reshape(n, SPOKES, _SAMPLES, 3)


def _edges(profile: Float, reach: Array, contrast: float) -> tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]:
    """Per spoke: the edge's distance from the outline in pixels, whether there is one, and whether in colour."""
    third = _SAMPLES // 3
    ordered = np.sort(profile[..., :third, :], axis=2)
    inside = (ordered[..., third // 2 - 1, :] + ordered[..., third // 2, :]) * np.float32(0.5)
    outside = np.add.reduce(profile[..., -4:, :], axis=2) * np.float32(0.25)
    step = inside - outside
    chroma2 = step[..., 0] ** 2 + step[..., 1] ** 2
    coloured = chroma2 > _COLOURED**2
    weight = np.where(coloured, np.float32(0.15), np.float32(1.0))
    step[..., 2] *= weight
    outside[..., 2] *= weight
    size2 = chroma2 + step[..., 2] ** 2
    along = step / np.maximum(size2, 1e-12)[..., None]
    level = np.add.reduce(outside * along, axis=-1)
    along[..., 2] *= weight
    scaled = np.matmul(profile, along[..., None])[..., 0] - level[..., None]
    edges = _last_crossing(scaled) * reach[:, None]
    found = (size2 > contrast**2) & np.isfinite(edges)
    return np.where(found, edges, 0.0), found, coloured


def _last_crossing(scaled: Float) -> Array:
    """Where each profile, 1 inside and 0 outside, last falls through ½, from −1 to 1 along it, else NaN."""
    above = scaled >= 0.5
    falls = above[..., :-1] & ~above[..., 1:]
    last = falls.shape[-1] - 1 - np.argmax(falls[..., ::-1], axis=-1)
    flat = scaled.reshape(-1, scaled.shape[-1])
    row, at = np.arange(len(flat)), last.ravel()
    a, b = flat[row, at], flat[row, at + 1]
    part = np.minimum(np.maximum((a - 0.5) / np.maximum(a - b, 1e-6), 0), 1)
    edges = (at + part) * (_OFFSETS[1] - _OFFSETS[0]) - 1.0
    edges[~falls.reshape(len(flat), -1)[row, at]] = np.nan
    return np.asarray(edges, dtype=np.float64).reshape(last.shape)


# A still small hold on the place expected, a firmer one on the size.
_PRIOR = np.diag([0.5, 0.5, 6.0])


def _solve(edges: Array, trust: Array, normals: Array) -> tuple[Array, Array, Array]:
    """Robust least squares of `edge = normal · shift + growth` per ball, by the trust in each edge; growth is held
    near zero."""
    A = np.concatenate([normals, np.ones((*normals.shape[:2], 1))], axis=-1)
    along = A.transpose(0, 2, 1)
    weight, found = trust, trust > 0
    for _ in range(_REWEIGHTS):
        weighted = along * weight[:, None, :]
        solution = np.linalg.solve(weighted @ A + _PRIOR, weighted @ edges[..., None])
        residual = edges - (A @ solution)[..., 0]
        scale = np.maximum(0.3, 1.5 * _median_abs(residual, found))[:, None]
        weight = trust / np.square(1 + np.square(residual / scale))
    return solution[:, :2, 0], solution[:, 2, 0], residual


def _median_abs(values: Array, found: NDArray[np.bool_]) -> Array:
    """The median of |values| over each row's found entries, shape (N,); zero for a row without any."""
    ordered = np.sort(np.where(found, np.abs(values), np.inf), axis=1)
    middle = np.maximum(found.sum(axis=1) - 1, 0) // 2
    median = np.take_along_axis(ordered, middle[:, None], axis=1)[:, 0]
    result: Array = np.where(np.isfinite(median), median, 0.0)
    return result
