"""The vision service's real parts: which source, whose calibration, which pipeline."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from calibration.file import Calibration, CalibrationError, from_file
from calibration.solve import calibrate
from calibration.table import Table, parse_table
from edge.runtime.paths import Paths
from edge.runtime.vision_service import Parts
from edge.settings import Settings
from vision.balls import BallSet, ball_sets
from vision.frames.open import open_source
from vision.frames.source import Frame, FrameSource
from vision.pipeline import Pipeline

# Pictures for finding the table: enough that nobody bends over the same pocket in all of them.
PICTURES = 6
PICTURES_APART = 30


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to watch and how, settings and options put together. `table` None: the calibration tells it."""

    place: str
    calibration: Path | None = None
    table: Table | None = None
    balls: str = "auto"
    corners_px: tuple[tuple[float, float], ...] | None = None
    loop: bool = False


def wanted(settings: Settings, paths: Paths, options: dict[str, Any]) -> Wanted:
    """The settings with the options a person gave in their place. Raises ValueError for a table that is none.

    The settings' calibration is for the settings' camera: another camera on the command line does without.
    """
    same_camera = options.get("camera") in (None, settings.camera.source)
    calibration: Path | None = options.get("calibration")
    if calibration is None and same_camera and settings.camera.calibration:
        calibration = paths.data / settings.camera.calibration
    size = options.get("table") or (settings.table.size if same_camera else None)
    return Wanted(
        place=options.get("camera") or settings.camera.source,
        calibration=calibration,
        table=None if size is None else parse_table(size),
        balls=options.get("balls") or settings.table.balls,
        corners_px=options.get("corners"),
        loop=bool(options.get("loop")),
    )


def real_parts(want: Wanted) -> Parts:
    """Parts that read `want.place` and follow it with the pipeline."""
    ball_set = None if want.balls == "auto" else ball_sets()[want.balls]
    return Parts(
        open=lambda: _open(want),
        follow=_follower(ball_set),
        place=want.place,
        recording=is_recording(want.place),
        table=want.table or parse_table("9ft"),
        ball_set="american" if ball_set is None else ball_set.name,
    )


def is_recording(place: str) -> bool:
    """Whether a place names a recording, there or not: what is neither simulated nor a device."""
    return place not in ("sim", "picamera", "camera") and not place.startswith("/dev/")


def _follower(ball_set: BallSet | None) -> Callable[[Calibration, str], Pipeline]:
    return lambda calibration, source_id: Pipeline(calibration, ball_set, source_id)


def _open(want: Wanted) -> tuple[FrameSource, Calibration]:
    """Opens the source once its table is known. Raises FrameSourceError or CalibrationError."""
    calibration = _calibration_before(want)
    source = open_source(want.place, realtime=True, loop=want.loop)
    try:
        return source, _fitting(calibration or getattr(source, "calibration", None), source)
    except BaseException:
        source.close()
        raise


def _fitting(calibration: Calibration | None, source: FrameSource) -> Calibration:
    if calibration is None:
        raise CalibrationError("this camera has no calibration yet: run ladder calibrate")
    calibration.require_picture(source.width_px, source.height_px)
    return calibration


def _calibration_before(want: Wanted) -> Calibration | None:
    """The calibration from its file, or found in a recording; None when the source itself brings one."""
    if want.calibration is not None:
        return from_file(want.calibration)
    if not is_recording(want.place):
        return None
    source = open_source(want.place)
    try:
        pictures = [frame.bgr() for frame in _spread(source)]
    finally:
        source.close()
    return calibrate(pictures, table=want.table, corners_px=want.corners_px)


def _spread(source: FrameSource) -> list[Frame]:
    """Some frames from the beginning of a source, apart from each other."""
    frames = []
    for frame in source:
        if frame.index % PICTURES_APART == 0:
            frames.append(replace(frame, y=frame.y.copy(), u=frame.u.copy(), v=frame.v.copy()))
            if len(frames) == PICTURES:
                break
    return frames
