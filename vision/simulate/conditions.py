"""What differs from one seed of the simulated table to the next: the hall, the camera, the game.

Seeds below `EVALUATION_FROM` are for development, those from it on for evaluation. Both draw from streams of
their own and from ranges of their own, play from shot books of their own physics, and never meet. Development has
usual halls and, from `WIDE_FROM` on, stranger ones: cloth of any colour, cameras at the edge of what can be used.
"""

import colorsys
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from vision.simulate.codec import Codec
from vision.simulate.look import RGB, Chalk, Look, Person
from vision.simulate.shotbook import load_shot_book
from vision.simulate.unsteady import Unsteady
from vision.simulate.viewpoint import Viewpoint

Split = Literal["development", "evaluation"]
Range = tuple[float, float]
_T = TypeVar("_T")

WIDE_FROM, EVALUATION_FROM = 5000, 9000
MARKS = ("lamps flicker", "exposure drifts", "full-frame exposure", "compressed", "oblique")
FULL_EXPOSURE_S = 1 / 60
OBLIQUE_DEG = 15.0
# Of the seeds: how many have lamps that flicker, a camera that exposes by itself, one that exposes as long as a
# frame lasts, and one that sends JPEG pictures or H.264.
_FLICKERS, _DRIFTS, _FULL, _JPEG, _H264 = 0.35, 0.25, 0.12, 0.12, 0.12


@dataclass(frozen=True, slots=True)
class Conditions:
    """One hall with its camera and where its evening begins, all of it fixed by the seed.

    `book` names the shot book, which has its own table and physics; play begins with shot `shot` of its rack
    `rack`, in a mirror if `mirrored`. `readout_s` is the rolling shutter's, `crf` the compression of a clip.
    `codec` and `quality` (as `Compression` takes them) are what the camera itself sends its frames through.
    """

    seed: int
    book: str
    rack: int
    shot: int
    mirrored: bool
    look: Look
    viewpoint: Viewpoint
    readout_s: float
    crf: int
    codec: Codec = "none"
    quality: int = 0

    @property
    def marks(self) -> tuple[str, ...]:
        """What makes its pictures harder, of `MARKS`."""
        changing, view = self.look.unsteady, self.viewpoint
        holds = (
            changing.ripple > 0,
            changing.drift > 0,
            self.look.exposure_s >= FULL_EXPOSURE_S,
            self.codec != "none",
            view.tilt_deg >= OBLIQUE_DEG,
        )
        return tuple(mark for mark, on in zip(MARKS, holds, strict=True) if on)

    @property
    def split(self) -> Split:
        return split_of(self.seed)

    def in_words(self) -> str:
        """A line for a person."""
        table = load_shot_book(self.book).table.name
        view = self.viewpoint
        return (
            f"{table} table, cloth #{bytes(self.look.cloth).hex()}, {self.look.ball_set} balls, "
            f"camera {view.height:.2f} table lengths up and {view.tilt_deg:.0f}° tilted, "
            f"1/{1 / self.look.exposure_s:.0f} s, rack {self.rack} from shot {self.shot}"
            f"{''.join(f', {mark}' for mark in self.marks)}"
        )


@dataclass(frozen=True, slots=True)
class _Ranges:
    """What a split's seeds are drawn from. Oblique views are seen from a long side, at most
    `off_side_deg` from its middle."""

    stream: int
    books: tuple[str, ...]
    cloths: tuple[RGB, ...]
    woods: tuple[RGB, ...]
    floors: tuple[RGB, ...]
    shirts: tuple[RGB, ...]
    chalks: tuple[RGB, ...]
    lights: tuple[tuple[float, float, float], ...]
    brightness: Range
    falloff: Range
    ambient: Range
    shutter_hz: Range
    noise: Range
    height: Range
    tilt_deg: Range
    off_side_deg: float
    roll_deg: float
    barrel: Range
    readout_s: Range
    crf: tuple[int, int]
    ripple: Range
    drift: Range
    drift_s: Range
    jpeg: tuple[int, int]


_SKINS: tuple[RGB, ...] = ((224, 178, 150), (205, 152, 120), (178, 126, 96), (150, 104, 78), (98, 66, 50))
_HAIRS: tuple[RGB, ...] = ((24, 20, 19), (48, 36, 28), (120, 92, 60), (150, 146, 140))
_TRIMS: tuple[RGB, ...] = ((26, 26, 28), (120, 92, 48), (70, 70, 74))

_DEVELOPMENT = _Ranges(
    stream=101,
    books=("shotbook", "shotbook", "shotbook-7ft"),
    cloths=((28, 116, 148), (50, 126, 54), (118, 122, 124), (140, 26, 34), (30, 96, 150)),
    woods=((104, 56, 32), (84, 44, 26), (40, 38, 38), (150, 100, 60)),
    floors=((38, 33, 31), (60, 60, 62), (16, 15, 15), (110, 104, 98)),
    shirts=((44, 52, 70), (96, 34, 36), (206, 204, 200), (24, 24, 26), (60, 84, 62)),
    chalks=((70, 120, 176), (60, 130, 84)),
    lights=((1.0, 1.0, 1.0), (1.06, 1.0, 0.90), (0.96, 1.0, 1.05)),
    brightness=(0.9, 1.5),
    falloff=(0.15, 0.50),
    ambient=(0.25, 0.50),
    shutter_hz=(120, 600),
    noise=(0.7, 2.8),
    height=(0.95, 1.35),
    tilt_deg=(0.0, 18.0),
    off_side_deg=30.0,
    roll_deg=2.0,
    barrel=(-0.12, 0.02),
    readout_s=(0.004, 0.012),
    crf=(18, 23),
    ripple=(0.03, 0.20),
    drift=(0.03, 0.12),
    drift_s=(12.0, 40.0),
    jpeg=(3, 6),
)

_ANY_CLOTH: tuple[RGB, ...] = tuple(
    (round(255 * r), round(255 * g), round(255 * b))
    for hue in range(24)
    for saturation in (0.1, 0.4, 0.7)
    for value in (0.28, 0.42, 0.6)
    for r, g, b in [colorsys.hsv_to_rgb(hue / 24, saturation, value)]
)
_WIDE = replace(
    _DEVELOPMENT,
    stream=303,
    cloths=_ANY_CLOTH,
    brightness=(0.7, 1.7),
    falloff=(0.10, 0.60),
    ambient=(0.15, 0.65),
    shutter_hz=(90, 1000),
    noise=(0.5, 4.0),
    height=(0.85, 1.6),
    tilt_deg=(0.0, 30.0),
    off_side_deg=45.0,
    roll_deg=4.0,
    barrel=(-0.18, 0.05),
    readout_s=(0.002, 0.016),
    crf=(17, 27),
    ripple=(0.02, 0.30),
    drift=(0.02, 0.18),
    drift_s=(8.0, 50.0),
    jpeg=(2, 9),
)
_EVALUATION = _Ranges(
    stream=202,
    books=("shotbook-evaluation-9ft", "shotbook-evaluation-8ft", "shotbook-evaluation-7ft"),
    cloths=(
        (20, 104, 100),
        (24, 66, 152),
        (98, 24, 46),
        (86, 108, 46),
        (160, 130, 88),
        (66, 70, 76),
        (82, 52, 124),
        (36, 132, 96),
    ),
    woods=((58, 34, 30), (128, 84, 50), (24, 24, 28), (172, 160, 142)),
    floors=((26, 34, 44), (84, 40, 36), (66, 62, 50), (128, 126, 122), (12, 12, 13)),
    shirts=((188, 40, 44), (232, 230, 222), (30, 74, 128), (214, 178, 52), (70, 56, 88), (20, 60, 50)),
    chalks=((52, 88, 150), (34, 120, 66), (150, 60, 56)),
    lights=((1.0, 1.0, 1.0), (1.12, 1.0, 0.82), (0.92, 1.0, 1.09), (1.0, 0.96, 1.02)),
    brightness=(0.75, 1.6),
    falloff=(0.10, 0.58),
    ambient=(0.20, 0.60),
    shutter_hz=(100, 1000),
    noise=(0.5, 3.6),
    height=(0.85, 1.50),
    tilt_deg=(0.0, 28.0),
    off_side_deg=45.0,
    roll_deg=4.0,
    barrel=(-0.16, 0.04),
    readout_s=(0.002, 0.016),
    crf=(17, 27),
    ripple=(0.02, 0.30),
    drift=(0.02, 0.18),
    drift_s=(8.0, 50.0),
    jpeg=(2, 9),
)


def _ranges(seed: int) -> _Ranges:
    if split_of(seed) == "evaluation":
        return _EVALUATION
    return _DEVELOPMENT if seed < WIDE_FROM else _WIDE


def split_of(seed: int) -> Split:
    """What a seed is for."""
    return "development" if seed < EVALUATION_FROM else "evaluation"


def conditions(seed: int, table: str | None = None) -> Conditions:
    """The conditions of a seed, on a table of its own choice or of a given name. Raises ValueError, with a
    sentence for a person, for a negative seed and for a table that none of the split's books was recorded on."""
    if seed < 0:
        raise ValueError(f"seed {seed} is none: seeds count from 0")
    ranges = _ranges(seed)
    tables = {book: load_shot_book(book).table.name for book in ranges.books}
    books = tuple(book for book in ranges.books if table in (None, tables[book]))
    if not books:
        known = " and ".join(sorted(set(tables.values())))
        raise ValueError(f"no {split_of(seed)} game was recorded on a table called {table!r}: there are {known}")
    # Streams of their own: what one draws does not move what another gets.
    game, hall, camera, trouble, coding = (np.random.default_rng([seed, ranges.stream, k]) for k in range(5))
    book = _one(books, game)
    racks = load_shot_book(book).racks
    rack = int(game.integers(len(racks)))
    # Half of the evenings begin with a break, the others somewhere in a rack: fewer balls, more open.
    shot = int(game.integers(len(racks[rack]))) if game.random() < 0.5 else 0
    codec, quality = _codec(ranges, coding)
    return Conditions(
        seed=seed,
        book=book,
        rack=rack,
        shot=shot,
        mirrored=bool(game.random() < 0.5),
        look=_troubled(_look(f"seed-{seed}", ranges, hall), ranges, trouble),
        viewpoint=_viewpoint(ranges, camera),
        readout_s=0.0 if camera.random() < 0.3 else float(camera.uniform(*ranges.readout_s)),
        crf=int(camera.integers(ranges.crf[0], ranges.crf[1] + 1)),
        codec=codec,
        quality=quality,
    )


def _look(name: str, ranges: _Ranges, rng: np.random.Generator) -> Look:
    people = _person(ranges, rng), _person(ranges, rng)
    lamps: tuple[Literal[1, 2, 3], ...] = (1, 2, 2, 3)
    tint = np.array(_one(ranges.lights, rng)) * rng.uniform(0.98, 1.02, 3)
    slowest, fastest = np.log(ranges.shutter_hz)
    return Look(
        name,
        cloth=_near(_one(ranges.cloths, rng), 9, rng),
        wood=_near(_one(ranges.woods, rng), 8, rng),
        trim=_one(_TRIMS, rng),
        floor=_near(_one(ranges.floors, rng), 4, rng),
        people=people,
        brightness=float(rng.uniform(*ranges.brightness)),
        falloff=float(rng.uniform(*ranges.falloff)),
        ambient=float(rng.uniform(*ranges.ambient)),
        exposure_s=float(1 / np.exp(rng.uniform(slowest, fastest))),
        noise=float(rng.uniform(*ranges.noise)),
        cloth_texture=float(rng.uniform(0.006, 0.02)),
        ball_set="tv" if rng.random() < 0.2 else "american",
        light=(float(tint[0]), float(tint[1]), float(tint[2])),
        lamps=_one(lamps, rng),
        lamp_height=float(rng.uniform(0.42, 0.62)),
        chalks=tuple(_chalk(rng) for _ in range(int(rng.integers(0, 5)))),
        chalk=_one(ranges.chalks, rng),
        marks=float(rng.uniform(0.0, 2.5)),
    )


def _troubled(look: Look, ranges: _Ranges, rng: np.random.Generator) -> Look:
    """The look under lamps that flicker, a camera that exposes by itself or all the time, as the seed has them."""
    flickers, drifts, full = (bool(rng.random() < share) for share in (_FLICKERS, _DRIFTS, _FULL))
    ripple, drift, drift_s = (float(rng.uniform(*r)) for r in (ranges.ripple, ranges.drift, ranges.drift_s))
    phases = rng.uniform(0, 2 * np.pi, 2)
    unsteady = Unsteady(
        mains_hz=_one((50.0, 60.0), rng),
        ripple=ripple if flickers else 0.0,
        drift=drift if drifts else 0.0,
        drift_s=drift_s,
        phase_rad=(float(phases[0]), float(phases[1])),
    )
    return replace(look, unsteady=unsteady, exposure_s=FULL_EXPOSURE_S if full else look.exposure_s)


def _codec(ranges: _Ranges, rng: np.random.Generator) -> tuple[Codec, int]:
    """What the camera compresses with, and how well."""
    which = rng.random()
    if which < _JPEG:
        return "mjpeg", int(rng.integers(ranges.jpeg[0], ranges.jpeg[1] + 1))
    if which < _JPEG + _H264:
        return "h264", int(rng.integers(ranges.crf[0], ranges.crf[1] + 1))
    return "none", 0


def _viewpoint(ranges: _Ranges, rng: np.random.Generator) -> Viewpoint:
    side = 90.0 if rng.random() < 0.5 else -90.0
    barrel = float(rng.uniform(*ranges.barrel))
    tangential = rng.normal(0, 0.0004, 2)
    return Viewpoint(
        height=float(rng.uniform(*ranges.height)),
        # More cameras hang nearly overhead than far to a side.
        tilt_deg=float(ranges.tilt_deg[1] * rng.uniform() ** 1.5),
        bearing_deg=side + float(rng.uniform(-ranges.off_side_deg, ranges.off_side_deg)),
        roll_deg=float(rng.uniform(-ranges.roll_deg, ranges.roll_deg)),
        fill=float(rng.uniform(0.86, 0.96)),
        distortion=(barrel, -0.2 * barrel, float(tangential[0]), float(tangential[1]), 0.0),
    )


def _person(ranges: _Ranges, rng: np.random.Generator) -> Person:
    return Person(_near(_one(ranges.shirts, rng), 6, rng), _one(_SKINS, rng), _one(_HAIRS, rng))


def _chalk(rng: np.random.Generator) -> Chalk:
    rail: Literal[0, 1] = 1 if rng.random() < 0.5 else 0
    # Between the diamonds and clear of the pockets.
    eighth = int(_one((1, 2, 4, 5, 6), rng))
    return (eighth + float(rng.uniform(0.3, 0.7))) / 8, rail, float(rng.uniform(1.4, 4.0))


def _one(choices: tuple[_T, ...], rng: np.random.Generator) -> _T:
    return choices[int(rng.integers(len(choices)))]


def _near(colour: RGB, spread: int, rng: np.random.Generator) -> RGB:
    r, g, b = (int(np.clip(c + rng.integers(-spread, spread + 1), 0, 255)) for c in colour)
    return r, g, b
