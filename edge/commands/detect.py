"""`ladder detect`: balls in stills."""

from dataclasses import replace
from pathlib import Path

import click

from calibration.file import Calibration, CalibrationError
from edge.cli import Failure
from edge.commands.table_options import TableOptions, parse_balls, table_options
from vision.balls import BallSet
from vision.detect.cloth import ClothError
from vision.files import FileError, Still, balls_document, check_writable, write_json
from vision.frames.picture import read_picture
from vision.frames.source import FrameSourceError, Plane
from vision.stills import StillFinder

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog="Example: ladder detect a.png b.png --calibration calibration.json --out balls.json")
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE…", type=click.Path(path_type=Path))
@table_options
@click.option("--balls", default="auto", callback=parse_balls, help="The ball set in play, or auto.")
@click.option("--out", type=_FILE, required=True, help="Where balls.json goes.")
def detect(*, pictures: tuple[Path, ...], where: TableOptions, balls: BallSet | None, out: Path) -> None:
    """Find the balls in pictures of one table from one camera.

    Without a calibration the table is found in the pictures themselves.
    """
    try:
        check_writable(out)
        _require_different_names(pictures)
        seen = _read_all(pictures)
        calibrations = _calibrate(where, seen)
        for note in calibrations[0].notes:
            click.echo(f"ladder: {note}", err=True)
        stills = _find(calibrations, pictures, seen, balls)
        write_json(out, balls_document(calibrations[0], stills))
    except (FrameSourceError, CalibrationError, ClothError, FileError) as error:
        raise Failure(str(error)) from error
    found = sum(len(still.balls) for still in stills)
    click.echo(
        f"{found} ball{'' if found == 1 else 's'} in {len(stills)} picture"
        f"{'' if len(stills) == 1 else 's'} → {out}"
    )


def _calibrate(where: TableOptions, pictures: list[Plane]) -> list[Calibration]:
    """One calibration for all pictures, or, by markers, one for each where the camera moved between them."""
    try:
        return [where.find(lambda: pictures)]
    except CalibrationError:
        if where.markers is None or len(pictures) == 1:
            raise
        return [where.find(lambda picture=picture: [picture]) for picture in pictures]  # type: ignore[misc]


def _find(
    calibrations: list[Calibration], paths: tuple[Path, ...], pictures: list[Plane], balls: BallSet | None
) -> list[Still]:
    for calibration in calibrations:
        calibration.require_picture(pictures[0].shape[1], pictures[0].shape[0])
    if len(calibrations) == 1:
        finder = StillFinder(calibrations[0], pictures, balls)
        return [finder.find(path, picture) for path, picture in zip(paths, pictures, strict=True)]
    return [
        replace(StillFinder(calibration, [picture], balls).find(path, picture), calibration=calibration)
        for calibration, path, picture in zip(calibrations, paths, pictures, strict=True)
    ]


def _read_all(paths: tuple[Path, ...]) -> list[Plane]:
    """The pictures, cut to even size and all as large as the first."""
    pictures: list[Plane] = []
    for path in paths:
        picture = read_picture(path)
        picture = picture[: picture.shape[0] & ~1, : picture.shape[1] & ~1]
        if pictures and picture.shape != pictures[0].shape:
            raise FrameSourceError(
                f"{path} is {picture.shape[1]}×{picture.shape[0]} and {paths[0]} is "
                f"{pictures[0].shape[1]}×{pictures[0].shape[0]}: run ladder detect once for each camera"
            )
        pictures.append(picture)
    return pictures


def _require_different_names(paths: tuple[Path, ...]) -> None:
    """Results are kept by a picture's name without its folder."""
    names = [path.name for path in paths]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise FileError(f"two pictures are called {twice}: results are kept by name; rename one")
