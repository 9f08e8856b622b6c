"""The vision service's real parts: which source, whose calibration, which pipeline."""

from dataclasses import dataclass, replace

from calibration.file import Calibration, CalibrationError
from calibration.table import parse_table
from edge.commands.table_options import TableOptions
from edge.runtime.apart import EndedError, apart
from edge.runtime.paths import Paths
from edge.runtime.vision_service import Parts
from edge.settings import Settings
from vision.balls import ball_sets
from vision.frames.camera import CameraWish
from vision.frames.open import is_camera, open_source
from vision.frames.source import FrameSource, Plane
from vision.pipeline import Pipeline
from vision.sampling import LIVE_S, RECORDING_S, sample_pictures


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to watch and how. `where.table` None: it is told from the pictures; `label` is which of the hall's
    tables it is."""

    place: str
    where: TableOptions
    balls: str = "auto"
    loop: bool = False
    label: str | None = None
    wish: CameraWish | None = None


def wanted(settings: Settings, paths: Paths, given: Wanted, camera: str | None) -> Wanted:
    """What a person gave on the command line, completed by the settings.

    The settings' table and calibration are those of the settings' camera: another one does without. How a live
    camera is set holds for any.
    """
    given = replace(given, wish=settings.camera.wish, label=settings.table.label)
    if camera not in (None, settings.camera.source):
        return given
    where = given.where
    found_otherwise = where.calibration or where.markers or where.corners_px
    if settings.camera.calibration and not found_otherwise:
        where = replace(where, calibration=paths.data / settings.camera.calibration)
    if where.table is None:
        where = replace(where, table=parse_table(settings.table.size))
    return replace(given, place=settings.camera.source, where=where)


def real_parts(want: Wanted) -> Parts:
    """Parts that read `want.place` and follow it with the pipeline."""
    ball_set = None if want.balls == "auto" else ball_sets()[want.balls]
    return Parts(
        open=lambda: _open(want),
        follow=lambda calibration, source_id, feel: Pipeline(calibration, ball_set, source_id, feel),
        place=want.place,
        recording=is_recording(want.place),
        camera=is_camera(want.place),
        table=want.where.table or parse_table("9ft"),
        label=want.label,
        ball_set="american" if ball_set is None else ball_set.name,
    )


def is_recording(place: str) -> bool:
    """Whether a place names a recording, there or not: what is neither simulated nor a device."""
    return place != "sim" and not is_camera(place)


def _open(want: Wanted) -> tuple[FrameSource, Calibration]:
    """Opens the source once its table is known. Raises FrameSourceError or CalibrationError."""
    calibration = _calibration_before(want)
    source = open_source(want.place, realtime=True, loop=want.loop, wish=want.wish)
    try:
        return source, fitting(calibration or getattr(source, "calibration", None), source)
    except BaseException:
        source.close()
        raise


def _calibration_before(want: Wanted) -> Calibration | None:
    """The calibration from its file, or found in what the place shows; None when the source brings one."""
    if want.where.calibration is not None:
        return want.where.find(list)
    if want.place == "sim":
        return None
    try:
        return apart(_search, want)  # what finds a table takes half as much memory again as what watches it
    except EndedError as error:
        raise CalibrationError(f"the search for the table was broken off ({error}): is there memory?") from error


def _search(want: Wanted) -> Calibration:
    return want.where.find(lambda: _pictures(want))


def _pictures(want: Wanted) -> list[Plane]:
    source = open_source(want.place, wish=want.wish)
    try:
        return sample_pictures(source, over_s=LIVE_S if is_camera(want.place) else RECORDING_S)
    finally:
        source.close()


def fitting(calibration: Calibration | None, source: FrameSource) -> Calibration:
    """The calibration for pictures of this source: of their size, and with the readout of a camera that knows it.

    Raises CalibrationError.
    """
    if calibration is None:
        raise CalibrationError("this camera has no calibration yet: run ladder calibrate")
    calibration.require_picture(source.width_px, source.height_px)
    return replace(calibration, readout_s=source.readout_s) if source.readout_s else calibration
