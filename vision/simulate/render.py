"""Draws the simulated table: still balls onto the empty table once, then each frame what moves.

A frame costs what changes in it: a copy of the layer of still balls, the moving balls with their shadows,
the people, and the sensor's noise from ready tiles.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.table import Table
from vision.balls import ball_sets
from vision.simulate.figure import Limb, Shape
from vision.simulate.limbs import LimbPainter
from vision.simulate.look import Look
from vision.simulate.scene import backdrop
from vision.simulate.spheres import Painter, Shadow, Sprite
from vision.simulate.view import YUV_ZERO, Floats, Planes, Region, View, halved

Array = NDArray[np.float64]
_NOISE_MARGIN = 64


@dataclass(frozen=True)
class BallPose:
    """A ball in one frame: its centres during the exposure, shape (k, 3), its turn (3, 3) from its own axes
    to the table's. A still one is drawn once; a falling one shows through its pocket's hole only."""

    name: str
    path: Array
    turn: Array
    still: bool = False
    falling: bool = False

    @property
    def centre(self) -> Array:
        middle: Array = self.path[len(self.path) // 2]
        return middle


@dataclass(frozen=True)
class Scene:
    """All that is in one frame besides the empty table: the middle of its first row's exposure is at `t_s`.

    `trail` has the people of `shapes` at instants of the exposure, where they move in it.
    """

    balls: tuple[BallPose, ...]
    shapes: tuple[Shape, ...] = ()
    trail: tuple[tuple[Shape, ...], ...] = ()
    t_s: float = 0.0


class Renderer:
    """One camera over one table. `frame` returns fresh planes; drawing keeps a layer of resting balls."""

    def __init__(self, camera: Camera, table: Table, look: Look, seed: int = 0, readout_s: float = 0.0) -> None:
        self.view = View(camera)
        self._readout_s = readout_s
        self.table, self.look = table, look
        self._empty = backdrop(self.view, table, look, seed)
        self._balls = Painter(self.view, table, look, ball_sets()[look.ball_set], self._empty)
        self._limbs = LimbPainter(self.view, table, look)
        self._resting: dict[str, tuple[bytes, Sprite]] = {}
        self._layer = Planes(self._empty.y, self._empty.u, self._empty.v).copy()
        self._ball_cover = np.zeros_like(self._empty.u, dtype=np.float32)
        self._instant = self._layer.copy()
        self._drawn: list[tuple[Limb, Sprite | None]] = []
        self._noise = _Noise(camera.width_px, camera.height_px, look.noise, seed)

    def frame(self, scene: Scene) -> Planes:
        """The planes of one frame. Frames drawn in the same order from the same seed are the same."""
        self._rest([ball for ball in scene.balls if ball.still])
        planes = self._layer.copy()
        moving = [ball for ball in scene.balls if not ball.still]
        for ball in moving:
            self._darken(planes, None if ball.falling else self._balls.shadow(ball.centre), self._ball_cover)
        sprites = [s for s in map(self._moving, moving) if s is not None]
        # A resting ball nearer to the camera hides part of a moving one beside it.
        nearer = [s for _, s in self._resting.values() if any(s.region.meets(m.region) for m in sprites)]
        for sprite in sorted([*sprites, *nearer], key=lambda s: -s.distance_in):
            _blend(planes, sprite)
        self._people(planes, scene)
        self.look.unsteady.apply(planes, scene.t_s, self.look.exposure_s, self._readout_s)
        self._noise.add(planes)
        return planes

    def covered(self, shapes: tuple[Shape, ...], pixels: Array) -> Floats:
        """How much of the neighbourhood, a ball's half radius wide, of pixels (n, 2) people cover, 0–1."""
        reach = 0.5 * self.table.ball_radius_in * self.view.px_per_in((*self.table.corners_in.mean(axis=0), 0.0))
        most = np.zeros(len(pixels), dtype=np.float32)
        for sprite in self._sprites(shapes):
            r = sprite.region
            for i, (x, y) in enumerate(pixels):
                left, right = max(r.left, round(x - reach)), min(r.right, round(x + reach) + 1)
                top, bottom = max(r.top, round(y - reach)), min(r.bottom, round(y + reach) + 1)
                if left < right and top < bottom:
                    part = sprite.cover[top - r.top : bottom - r.top, left - r.left : right - r.left]
                    most[i] = max(most[i], float(part.sum()) / (2 * round(reach) + 1) ** 2)
        return np.minimum(most, 1)

    def _sprites(self, shapes: tuple[Shape, ...]) -> list[Sprite]:
        """The sprites of limbs: those of the last frame where it showed the same."""
        drawn = {id(limb): sprite for limb, sprite in self._drawn}
        limbs = [shape for shape in shapes if isinstance(shape, Limb)]
        sprites = [drawn[id(limb)] if id(limb) in drawn else self._limbs.limb(limb) for limb in limbs]
        return [sprite for sprite in sprites if sprite is not None]

    def _rest(self, balls: list[BallPose]) -> None:
        """Brings the layer of resting balls up to date; redraws it only where the set has changed."""
        wanted = {b.name: b.path.tobytes() + b.turn.tobytes() for b in balls}
        if wanted == {name: key for name, (key, _) in self._resting.items()}:
            return
        known = self._resting
        self._resting = {}
        for ball in balls:
            key = wanted[ball.name]
            if ball.name in known and known[ball.name][0] == key:
                self._resting[ball.name] = known[ball.name]
                continue
            sprite = self._balls.ball(ball.name, ball.centre, ball.turn)
            if sprite is not None:
                self._resting[ball.name] = (key, sprite)
        np.copyto(self._layer.y, self._empty.y)
        np.copyto(self._layer.u, self._empty.u)
        np.copyto(self._layer.v, self._empty.v)
        self._ball_cover[:] = 0
        for ball in balls:
            self._darken(self._layer, self._balls.shadow(ball.centre), self._ball_cover)
        for _, sprite in sorted(self._resting.values(), key=lambda entry: -entry[1].distance_in):
            _blend(self._layer, sprite)
            part = self._ball_cover[sprite.region.chroma]
            np.maximum(part, sprite.cover_half, out=part)

    def _moving(self, ball: BallPose) -> Sprite | None:
        sprite = self._balls.ball(ball.name, ball.centre, ball.turn, falling=ball.falling)
        if sprite is None or len(ball.path) < 3 or ball.falling:
            return sprite
        return self._blurred(sprite, ball)

    def _blurred(self, sprite: Sprite, ball: BallPose) -> Sprite:
        """The sprite smeared along the ball's way during the exposure, its middle where it was."""
        way = self.view.camera.project(ball.path)
        way -= way[len(way) // 2].copy()
        reach = int(np.ceil(np.abs(way).max()))
        if reach < 1:
            return sprite
        kernel = _smear(way, reach)
        r, margin = sprite.region, 2 * ((reach + 2) // 2)
        left, top = min(margin, r.left), min(margin, r.top)
        right = min(margin, self.view.camera.width_px - r.right)
        bottom = min(margin, self.view.camera.height_px - r.bottom)
        grown = Region(r.left - left, r.top - top, r.right + right, r.bottom + bottom)
        stack = np.zeros((*grown.shape, 4), dtype=np.float32)
        inner = stack[top : top + r.shape[0], left : left + r.shape[1]]
        inner[..., 0], inner[..., 3] = sprite.y, sprite.cover
        for k, plane in ((1, sprite.u), (2, sprite.v)):
            inner[..., k] = cv2.resize(plane, r.shape[::-1], interpolation=cv2.INTER_NEAREST)
        # filter2D correlates; the smear is a convolution, so the kernel is turned by half a turn.
        smeared = cv2.filter2D(stack, -1, kernel[::-1, ::-1], borderType=cv2.BORDER_CONSTANT)
        y, u, v, cover = (np.asarray(plane, dtype=np.float32) for plane in cv2.split(smeared))
        return Sprite(grown, y, halved(u), halved(v), cover, halved(cover), sprite.distance_in)

    def _people(self, planes: Planes, scene: Scene) -> None:
        """Draws people and cues: the mean of several instants where they move."""
        if not scene.trail:
            self._drawn = self._figures(planes, scene.shapes)
            return
        self._drawn = []
        region = self._limbs.region(scene.trail)
        if region is None:
            return
        below, instant = planes.parts(region), self._instant.parts(region)
        sums = [np.zeros(part.shape, dtype=np.float32) for part in below]
        for shapes in scene.trail:
            for part, empty in zip(instant, below, strict=True):
                np.copyto(part, empty)
            self._figures(self._instant, shapes)
            for part, gathered in zip(instant, sums, strict=True):
                cv2.accumulate(part, gathered)
        for part, gathered in zip(below, sums, strict=True):
            np.copyto(part, cv2.convertScaleAbs(gathered, alpha=1 / len(scene.trail)))

    def _figures(self, planes: Planes, shapes: tuple[Shape, ...]) -> list[tuple[Limb, Sprite | None]]:
        """Draws people and cues at one instant; the sprites of their limbs."""
        for shape in shapes:
            if isinstance(shape, Limb):
                self._darken(planes, self._limbs.shadow(shape), None)
            else:
                self._limbs.stick_shadow(planes, shape)
        drawn = []
        for shape in shapes:
            if isinstance(shape, Limb):
                sprite = self._limbs.limb(shape)
                drawn.append((shape, sprite))
                if sprite is not None:
                    _blend(planes, sprite)
            else:
                self._limbs.stick(planes, shape)
        return drawn

    @staticmethod
    def _darken(planes: Planes, shadow: Shadow | None, spared: Floats | None) -> None:
        """Takes a shadow's light from the planes; what balls cover, where `spared` is 1, keeps it."""
        if shadow is None:
            return
        share = shadow.share
        if spared is not None:
            share = 1 - (1 - share) * (1 - spared[shadow.region.chroma])
        full = cv2.resize(share, shadow.region.shape[::-1], interpolation=cv2.INTER_LINEAR)
        for plane, part, factor, zero in (
            (planes.y, shadow.region.luma, full, YUV_ZERO[0]),
            (planes.u, shadow.region.chroma, share, YUV_ZERO[1]),
            (planes.v, shadow.region.chroma, share, YUV_ZERO[2]),
        ):
            plane[part] = (zero + (plane[part] - zero) * factor + 0.5).astype(np.uint8)


def _blend(planes: Planes, sprite: Sprite) -> None:
    """Puts a sprite over the planes."""
    for plane, part, paint, cover, zero in (
        (planes.y, sprite.region.luma, sprite.y, sprite.cover, YUV_ZERO[0]),
        (planes.u, sprite.region.chroma, sprite.u, sprite.cover_half, YUV_ZERO[1]),
        (planes.v, sprite.region.chroma, sprite.v, sprite.cover_half, YUV_ZERO[2]),
    ):
        below = plane[part].astype(np.float32) - zero
        plane[part] = np.clip(below * (1 - cover) + paint + (zero + 0.5), 0, 255).astype(np.uint8)


def _smear(way_px: Array, reach: int) -> Floats:
    """A kernel, shape (2·reach + 3,)², of mass 1 along a way (k, 2) in pixels from its middle."""
    size = 2 * reach + 3
    kernel = np.zeros((size, size), dtype=np.float32)
    steps = np.linspace(0, len(way_px) - 1, 4 * size)
    xs = np.interp(steps, np.arange(len(way_px)), way_px[:, 0]) + reach + 1
    ys = np.interp(steps, np.arange(len(way_px)), way_px[:, 1]) + reach + 1
    x0, y0 = np.floor(xs).astype(int), np.floor(ys).astype(int)
    fx, fy = xs - x0, ys - y0
    for dx, dy, weight in (
        (0, 0, (1 - fx) * (1 - fy)),
        (1, 0, fx * (1 - fy)),
        (0, 1, (1 - fx) * fy),
        (1, 1, fx * fy),
    ):
        np.add.at(kernel, (y0 + dy, x0 + dx), weight.astype(np.float32))
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


class _Noise:
    """Sensor noise: tiles a little larger than the picture, laid at a new place every frame."""

    def __init__(self, width: int, height: int, sigma: float, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 77])
        m = _NOISE_MARGIN
        self._tiles = [
            self._tile((height + m, width + m), sigma),
            self._tile((height // 2 + m, width // 2 + m), 0.6 * sigma),
        ]

    def _tile(self, shape: tuple[int, int], sigma: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        noise = np.rint(self._rng.standard_normal(shape, dtype=np.float32) * sigma)
        return np.maximum(noise, 0).astype(np.uint8), np.maximum(-noise, 0).astype(np.uint8)

    def add(self, planes: Planes) -> None:
        for plane, (more, less) in zip(
            (planes.y, planes.u, planes.v), (*self._tiles, self._tiles[1]), strict=True
        ):
            top, left = self._rng.integers(0, _NOISE_MARGIN, 2)
            h, w = plane.shape
            cv2.add(plane, more[top : top + h, left : left + w], dst=plane)
            cv2.subtract(plane, less[top : top + h, left : left + w], dst=plane)
