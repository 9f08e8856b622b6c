"""Looks of the simulated hall: cloth, wood, light, exposure and noise. Colours are sRGB, 0–255."""

from dataclasses import dataclass
from typing import Literal

from vision.simulate.unsteady import STEADY, Unsteady

RGB = tuple[int, int, int]
Chalk = tuple[float, Literal[0, 1], float]


@dataclass(frozen=True, slots=True)
class Person:
    """Colours of someone at the table."""

    shirt: RGB
    skin: RGB
    hair: RGB


HOME = Person((44, 52, 70), (205, 152, 120), (48, 36, 28))
GUEST = Person((96, 34, 36), (150, 104, 78), (24, 20, 19))
REFEREE = Person((206, 204, 200), (222, 176, 148), (120, 92, 60))
STAFF = Person((24, 24, 26), (178, 126, 96), (30, 24, 22))


@dataclass(frozen=True, slots=True)
class Look:
    """What the picture looks like, apart from geometry.

    `brightness` scales the light; `falloff` is the share of it lost from the middle of the table to its
    corners; `ambient` the share that comes from everywhere. `exposure_s` blurs what moves. `noise` is the
    standard deviation of the sensor's noise in luma steps; `cloth_texture` that of the cloth in shares.
    `light` is the lamp's colour as the camera's white balance leaves it; the lamp is one, two or three panels
    lengthwise, `lamp_height` table lengths up. `chalks` lie on the long rails, each given by its share of the
    length, which rail, and how many inches behind the cushion; `marks` is how worn and chalky the cloth is.
    `unsteady` is how the light changes with time.
    """

    name: str
    cloth: RGB
    wood: RGB
    trim: RGB = (26, 26, 28)
    floor: RGB = (38, 33, 31)
    people: tuple[Person, Person] = (HOME, GUEST)
    brightness: float = 1.3
    falloff: float = 0.38
    ambient: float = 0.30
    exposure_s: float = 1 / 250
    noise: float = 1.5
    cloth_texture: float = 0.012
    ball_set: str = "american"
    light: tuple[float, float, float] = (1.0, 1.0, 1.0)
    lamps: Literal[1, 2, 3] = 2
    lamp_height: float = 0.52
    chalks: tuple[Chalk, ...] = ((0.31, 0, 2.2), (0.83, 1, 3.4))
    chalk: RGB = (70, 120, 176)
    marks: float = 1.0
    unsteady: Unsteady = STEADY


LOOKS: dict[str, Look] = {
    look.name: look
    for look in (
        Look("club", cloth=(28, 116, 148), wood=(104, 56, 32)),
        Look("green", cloth=(50, 126, 54), wood=(84, 44, 26), trim=(120, 92, 48), people=(GUEST, STAFF)),
        Look("grey", cloth=(118, 122, 124), wood=(40, 38, 38), floor=(60, 60, 62), people=(STAFF, REFEREE)),
        Look("red", cloth=(140, 26, 34), wood=(62, 36, 24), people=(REFEREE, HOME)),
        Look(
            "dim",
            cloth=(30, 96, 150),
            wood=(70, 42, 28),
            floor=(16, 15, 15),
            brightness=0.7,
            falloff=0.6,
            exposure_s=1 / 100,
            noise=3.2,
        ),
        Look(
            "bright",
            cloth=(52, 140, 112),
            wood=(150, 100, 60),
            floor=(110, 104, 98),
            people=(REFEREE, STAFF),
            brightness=1.5,
            falloff=0.15,
            ambient=0.5,
            exposure_s=1 / 500,
            noise=0.9,
        ),
        Look("tv", cloth=(44, 110, 170), wood=(24, 24, 28), falloff=0.2, noise=0.7, ball_set="tv"),
    )
}


def look_named(name: str) -> Look:
    """Raises ValueError, with a sentence for a person, for a look nobody made."""
    if name not in LOOKS:
        raise ValueError(f"no look is called {name!r}: use {', '.join(LOOKS)}")
    return LOOKS[name]
