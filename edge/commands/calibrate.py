"""`ladder calibrate`: where the table is in the picture, and whether the camera still stands so."""

from dataclasses import replace
from pathlib import Path

import click
import cv2

from calibration.drift import moved
from calibration.file import Calibration, CalibrationError, load_calibration
from calibration.preview import draw_preview
from edge.cli import Failure
from edge.commands.options import data_option
from edge.commands.table_options import TableOptions, table_options
from edge.runtime.paths import box_paths
from edge.settings import SettingsError, load_settings
from vision.files import FileError, check_writable
from vision.frames.open import is_camera, open_source
from vision.frames.picture import read_picture
from vision.frames.source import FrameSourceError, Plane
from vision.sampling import LIVE_S, RECORDING_S, sample_pictures

_FILE = click.Path(dir_okay=False, path_type=Path)
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
# Pictures of a recording that the median is taken over.
_MOST_PICTURES = 21


@click.command(epilog="Example: ladder calibrate clip.mp4 --table 9ft --out calibration.json --preview p.png")
@click.argument("source")
@data_option
@table_options
@click.option("--out", type=_FILE, help="Where the calibration goes.")
@click.option("--preview", type=_FILE, help="A picture to look at: the table drawn over what the camera sees.")
def calibrate(
    *, source: str, data: Path | None, where: TableOptions, out: Path | None, preview: Path | None
) -> None:
    """Find the table in SOURCE: a picture, a recording, or a live camera (/dev/video0, picamera).

    A live camera is set as the settings in --data say, and must not be in use: stop the box first.

    By markers on the rails (--markers), by four given corners (--corners), else by cloth, cushions and pockets.
    With --calibration nothing is written: it tells whether the camera still stands as it was calibrated.
    """
    if where.calibration is None and out is None:
        raise click.UsageError("say where the calibration goes: --out calibration.json")
    if where.calibration is not None and out is not None:
        raise click.UsageError("with --calibration nothing new is found: leave out --out")
    try:
        check_writable(out)
        check_writable(preview)
        pictures, readout_s = _view(source, data)
        if where.calibration is not None:
            found = load_calibration(where.calibration)
            click.echo(_standing(found, pictures[-1]))
        else:
            found = replace(where.find(lambda: pictures), readout_s=readout_s)
        _write(found, pictures, out, preview)
    except (FrameSourceError, CalibrationError, FileError, SettingsError) as error:
        raise Failure(str(error)) from error


def _view(source: str, data: Path | None) -> tuple[list[Plane], float]:
    """Pictures of the source, and its readout where it knows it."""
    if Path(source).suffix.lower() in _PICTURES:
        return [read_picture(Path(source))], 0.0
    live = is_camera(source)
    wish = load_settings(box_paths(data).settings).camera.wish if live else None
    frames = open_source(source, wish=wish)
    try:
        return sample_pictures(frames, _MOST_PICTURES, LIVE_S if live else RECORDING_S), frames.readout_s
    finally:
        frames.close()
        for warning in getattr(frames, "warnings", ()) if live else ():
            click.echo(f"ladder: {warning}", err=True)


def _standing(calibration: Calibration, picture: Plane) -> str:
    """That the camera stands where it stood; raises CalibrationError where it does not or can't be told."""
    calibration.require_picture(picture.shape[1], picture.shape[0])
    if calibration.fingerprint is None:
        raise CalibrationError(
            f"the calibration {calibration.id} keeps no fingerprint of its view: calibrate again"
        )
    drift = moved(calibration.fingerprint, picture)
    if drift.state != "same":
        raise CalibrationError(drift.in_words())
    return drift.in_words()


def _write(found: Calibration, pictures: list[Plane], out: Path | None, preview: Path | None) -> None:
    try:
        if preview is not None:
            # The newest picture shows what the camera sees now; OpenCV writes no file it can't name.
            written, data = cv2.imencode(preview.suffix or ".png", draw_preview(pictures[-1], found))
            if not written:
                raise CalibrationError(f"{preview} is no kind of picture: name it .png or .jpg")
            preview.write_bytes(data.tobytes())
        if out is not None:
            found.save(out)
            _report(found, out)
    except OSError as error:
        raise CalibrationError(f"{error.filename} can't be written: {error.strerror}") from error
    except cv2.error as error:
        raise CalibrationError(f"{preview} is no kind of picture: name it .png or .jpg") from error


def _report(found: Calibration, out: Path) -> None:
    for note in found.notes:
        click.echo(f"ladder: {note}", err=True)
    table = found.table
    click.echo(
        f"{table.name} table, {table.length_in:.5g} × {table.width_in:.5g} in, found by {found.method} → {out}"
    )
    click.echo(found.residual_in_words())
