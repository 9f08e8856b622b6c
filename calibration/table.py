"""The table: its size, its pockets and its rails, in inches.

Axes are those of every room: right-handed, z up from the cloth, the origin at one cushion-nose corner,
x along the length, y along the width. Positions of balls are those of their centres.
"""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PocketName = Literal["corner-0-0", "corner-L-0", "corner-0-W", "corner-L-W", "side-0", "side-W"]
RailName = Literal["head", "foot", "left", "right"]

POCKET_NAMES: tuple[PocketName, ...] = (
    "corner-0-0",
    "corner-L-0",
    "corner-0-W",
    "corner-L-W",
    "side-0",
    "side-W",
)
RAIL_NAMES: tuple[RailName, ...] = ("head", "foot", "left", "right")

MM_PER_IN = 25.4

# A nose stands at 63.5 % (± 1 %) of the ball's diameter above the cloth [WPA equipment specifications].
NOSE_HEIGHT_IN_DIAMETERS = 0.635


@dataclass(frozen=True, slots=True)
class Pocket:
    """One pocket: the centre of its hole on the table plane and the hole's radius."""

    name: PocketName
    x_in: float
    y_in: float
    radius_in: float
    mouth_in: float

    @property
    def is_corner(self) -> bool:
        return self.name.startswith("corner")


@dataclass(frozen=True)
class Table:
    """A table's size between the cushion noses and the balls played on it.

    `corner_offset_in` is how far a corner pocket's centre lies beyond both nose lines, `side_offset_in` how
    far a side pocket's lies beyond its one.
    """

    name: str
    length_in: float
    width_in: float
    ball_diameter_in: float = 2.25
    corner_mouth_in: float = 4.5625
    side_mouth_in: float = 5.0625
    corner_offset_in: float = 0.8
    side_offset_in: float = 2.0
    pocket_radius_in: float = 2.3

    def __post_init__(self) -> None:
        if not 20 <= self.width_in < self.length_in <= 200:
            raise ValueError(
                f"a table of {self.length_in:g} × {self.width_in:g} in is not one: "
                "the length comes first, both between 20 and 200 in"
            )
        if not 1.0 <= self.ball_diameter_in <= 4.0:
            raise ValueError(f"a ball of {self.ball_diameter_in:g} in is not one: between 1 and 4 in")

    @property
    def ball_radius_in(self) -> float:
        return self.ball_diameter_in / 2

    @property
    def nose_height_in(self) -> float:
        """Height of the cushion noses above the cloth."""
        return NOSE_HEIGHT_IN_DIAMETERS * self.ball_diameter_in

    @property
    def corners_in(self) -> "NDArray[np.float64]":
        """The nose corners, shape (4, 2): origin, end of +x, opposite, end of +y."""
        import numpy as np  # noqa: PLC0415 (services that only read the settings need not carry it)

        L, W = self.length_in, self.width_in
        return np.array([[0, 0], [L, 0], [L, W], [0, W]], dtype=np.float64)

    @cached_property
    def pockets(self) -> tuple[Pocket, ...]:
        """The six pockets in the order of `POCKET_NAMES`."""
        L, W, c, s = self.length_in, self.width_in, self.corner_offset_in, self.side_offset_in
        centres = ((-c, -c), (L + c, -c), (-c, W + c), (L + c, W + c), (L / 2, -s), (L / 2, W + s))
        mouths = (self.corner_mouth_in,) * 4 + (self.side_mouth_in,) * 2
        return tuple(
            Pocket(name, x, y, self.pocket_radius_in, mouth)
            for name, (x, y), mouth in zip(POCKET_NAMES, centres, mouths, strict=True)
        )

    def in_mouth(self, x_in: float, y_in: float) -> bool:
        """Whether a table point lies within a mouth's width of a pocket's centre."""
        return any((p.x_in - x_in) ** 2 + (p.y_in - y_in) ** 2 < p.mouth_in**2 for p in self.pockets)

    def with_balls(self, ball_diameter_in: float) -> "Table":
        """The same table played with balls of another diameter."""
        return replace(self, ball_diameter_in=ball_diameter_in)


def _american(name: str, length_in: float) -> Table:
    return Table(name, length_in, length_in / 2)


STANDARD_TABLES: dict[str, Table] = {
    "7ft": _american("7ft", 76.0),
    "8ft": _american("8ft", 88.0),
    "9ft": _american("9ft", 100.0),
    # WPBSA: 11 ft 8½ in × 5 ft 10 in between the noses, 52.5-mm balls.
    "snooker": Table(
        "snooker",
        140.5,
        70.0,
        ball_diameter_in=52.5 / MM_PER_IN,
        corner_mouth_in=3.5,
        side_mouth_in=4.1,
        corner_offset_in=0.6,
        side_offset_in=1.4,
        pocket_radius_in=1.8,
    ),
}

_CUSTOM = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*[x×]\s*(\d+(?:\.\d+)?)\s*(in|mm|cm)?\s*$")
_PER_IN = {"in": 1.0, "mm": MM_PER_IN, "cm": MM_PER_IN / 10}


def parse_table(text: str, ball_diameter_in: float | None = None) -> Table:
    """The table named by `text`: a standard name or LENGTHxWIDTH with a unit, as `74x37in` or `1881x943mm`.

    Raises ValueError, with a sentence for a person, for anything else.
    """
    table = STANDARD_TABLES.get(text.strip().lower())
    if table is None:
        match = _CUSTOM.match(text)
        if match is None:
            names = ", ".join(STANDARD_TABLES)
            raise ValueError(f"no table is called {text!r}: use {names} or a size such as 92x46in or 1881x943mm")
        per_in = _PER_IN[match[3] or "in"]
        table = Table("custom", float(match[1]) / per_in, float(match[2]) / per_in)
    return table if ball_diameter_in is None else table.with_balls(ball_diameter_in)
