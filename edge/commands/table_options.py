"""Options that several commands share: which table, and where it is in the picture."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from calibration.table import Table, parse_table
from vision.balls import BallSet, ball_sets

if TYPE_CHECKING:
    from calibration.file import Calibration
    from vision.frames.source import Plane

F = TypeVar("F", bound=Callable[..., Any])

_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What a person said about table and camera."""

    calibration: Path | None = None
    markers: Path | None = None
    corners_px: tuple[tuple[float, float], ...] | None = None
    table: Table | None = None
    intrinsics: Path | None = None

    def find(self, pictures: "Callable[[], Sequence[Plane]]") -> "Calibration":
        """The calibration from its file, or from pictures, fetched only when needed. Raises CalibrationError."""
        # OpenCV comes with these: whoever only names a table, as `ladder run` does, need not carry it.
        from calibration.file import CalibrationError, from_file  # noqa: PLC0415

        if self.calibration is not None:
            return from_file(self.calibration)
        from calibration.intrinsics import load_intrinsics  # noqa: PLC0415
        from calibration.markers import load_layout  # noqa: PLC0415
        from calibration.solve import calibrate  # noqa: PLC0415 (who has a file needs no search)

        layout = None if self.markers is None else load_layout(self.markers)
        lens = None if self.intrinsics is None else load_intrinsics(self.intrinsics)
        seen = pictures()
        if not seen:
            raise CalibrationError("there is no picture to calibrate from: pass --calibration")
        return calibrate(seen, table=self.table, markers=layout, corners_px=self.corners_px, intrinsics=lens)


def table_options(command: F) -> F:
    """Adds the options to a click command, which gets them as `where: TableOptions`."""

    def with_where(**given: Any) -> Any:
        return command(where=_collect(given), **given)

    with_where.__name__, with_where.__doc__ = command.__name__, command.__doc__
    with_where.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    decorated: Any = with_where
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def parse_balls(ctx: click.Context, param: click.Parameter, value: str) -> BallSet | None:
    """The ball set by name, None for `auto`. A click callback."""
    sets = ball_sets()
    if value == "auto":
        return None
    if value not in sets:
        raise click.BadParameter(f"no ball set is called {value!r}: use auto, {', '.join(sets)}", ctx, param)
    return sets[value]


def _collect(given: dict[str, Any]) -> TableOptions:
    """Takes the shared options out of what click parsed."""
    corners = given.pop("corners")
    name, diameter = given.pop("table"), given.pop("ball_diameter")
    where = TableOptions(
        calibration=given.pop("calibration"),
        markers=given.pop("markers"),
        corners_px=corners,
        table=_table(name, diameter),
        intrinsics=given.pop("intrinsics"),
    )
    ways = [where.calibration, where.markers, where.corners_px]
    if sum(way is not None for way in ways) > 1:
        raise click.UsageError("give only one of --calibration, --markers and --corners")
    if where.calibration is not None and (where.table is not None or where.intrinsics is not None):
        raise click.UsageError("a calibration file knows its table and lens: leave out --table and --intrinsics")
    return where


def _table(name: str | None, diameter: float | None) -> Table | None:
    if name is None:
        if diameter is not None:
            raise click.UsageError("--ball-diameter needs --table")
        return None
    try:
        return parse_table(name, diameter)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--table") from error


def _parse_corners(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[tuple[float, float], ...] | None:
    if value is None:
        return None
    try:
        numbers = [float(part) for part in re.split(r"[\s,;]+", value.strip())]
    except ValueError:
        numbers = []
    if len(numbers) != 8:
        raise click.BadParameter('four points "x,y x,y x,y x,y" are expected', ctx, param)
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


_OPTIONS = (
    click.option("--calibration", type=_FILE, help="A file that ladder calibrate wrote."),
    click.option("--markers", type=_FILE, help="The layout of the markers on the rails (JSON)."),
    click.option(
        "--corners",
        callback=_parse_corners,
        help='The four nose corners in pixels, "x,y x,y x,y x,y": origin, end of the long side, opposite, last.',
    ),
    click.option("--table", help="7ft, 8ft, 9ft, snooker or a size such as 92x46in or 1881x943mm."),
    click.option("--ball-diameter", type=float, help="In inches, where the balls are not 2.25 in."),
    click.option("--intrinsics", type=_FILE, help="The camera's lens (JSON)."),
)
