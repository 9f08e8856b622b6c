"""The vision service's real parts: which source, whose calibration, which pipeline."""

from dataclasses import dataclass, replace

from calibration.file import Calibration, CalibrationError
from calibration.table import parse_table
from edge.commands.table_options import TableOptions
from edge.runtime.paths import Paths
from edge.runtime.vision_service import Parts
from edge.settings import Settings
from vision.balls import ball_sets
from vision.frames.open import open_source
from vision.frames.source import FrameSource, Plane
from vision.pipeline import Pipeline
from vision.sampling import sample_pictures


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to watch and how. `where.table` None: it is told from the pictures."""

    place: str
    where: TableOptions
    balls: str = "auto"
    loop: bool = False


def wanted(settings: Settings, paths: Paths, given: Wanted, camera: str | None) -> Wanted:
    """What a person gave on the command line, completed by the settings.

    The settings' table and calibration are those of the settings' camera: another one does without.
    """
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
        follow=lambda calibration, source_id: Pipeline(calibration, ball_set, source_id),
        place=want.place,
        recording=is_recording(want.place),
        table=want.where.table or parse_table("9ft"),
        ball_set="american" if ball_set is None else ball_set.name,
    )


def is_recording(place: str) -> bool:
    """Whether a place names a recording, there or not: what is neither simulated nor a device."""
    return place not in ("sim", "picamera", "camera") and not place.startswith("/dev/")


def _open(want: Wanted) -> tuple[FrameSource, Calibration]:
    """Opens the source once its table is known. Raises FrameSourceError or CalibrationError."""
    calibration = _calibration_before(want)
    source = open_source(want.place, realtime=True, loop=want.loop)
    try:
        return source, _fitting(calibration or getattr(source, "calibration", None), source)
    except BaseException:
        source.close()
        raise


def _calibration_before(want: Wanted) -> Calibration | None:
    """The calibration from its file, or found in a recording; None when the source itself brings one."""
    if want.where.calibration is None and not is_recording(want.place):
        return None
    return want.where.find(lambda: _pictures(want.place))


def _pictures(place: str) -> list[Plane]:
    source = open_source(place)
    try:
        return sample_pictures(source)
    finally:
        source.close()


def _fitting(calibration: Calibration | None, source: FrameSource) -> Calibration:
    if calibration is None:
        raise CalibrationError("this camera has no calibration yet: run ladder calibrate")
    calibration.require_picture(source.width_px, source.height_px)
    return calibration
