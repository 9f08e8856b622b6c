"""A whole recording through the pipeline: what `ladder track`, the evaluation and the tests run."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from calibration.file import Calibration
from vision.balls import BallSet
from vision.feel import USUAL, Feel
from vision.files import SourceInfo, TrackRow
from vision.frames.source import Frame, FrameSource, FrameSourceError
from vision.gaps import fill_gaps
from vision.model import Health, Seen, Shot
from vision.pipeline import Pipeline
from vision.quality import NOTHING, Quality
from vision.settle import settle_names
from vision.view_watch import ViewWatch

Progress = Callable[[int, int | None], None]
OnFrame = Callable[[Frame, Seen], None]


@dataclass(frozen=True)
class Recording:
    """What was seen in a recording. `shots` holds the newest revision of each, in order of start;
    `tracks` every ball in every frame, where they were asked for, under its final name. `stopped` says why the
    recording was left before its end: the camera moved, or the source broke. `feel` is what its shots taught about
    the table, `quality` how well they were seen."""

    source: SourceInfo
    calibration: Calibration
    shots: tuple[Shot, ...]
    health: Health
    tracks: list[TrackRow] = field(default_factory=list)
    stopped: str | None = None
    feel: Feel = USUAL
    quality: Quality = NOTHING


def track_recording(
    source: FrameSource,
    calibration: Calibration,
    ball_set: BallSet | None = None,
    *,
    progress: Progress | None = None,
    on_frame: OnFrame | None = None,
    keep_tracks: bool = True,
) -> Recording:
    """Follows the table from the source's first frame to its last.

    `progress` is told (frames done, frames in all where known), `on_frame` each frame with what was seen in
    it. Where the camera moves or the source breaks, what was seen so far is handed on with `stopped` set.
    Raises CalibrationError when the pictures have another size than the one calibrated.
    """
    calibration.require_picture(source.width_px, source.height_px)
    pipeline = Pipeline(calibration, ball_set, source.id)
    watch = ViewWatch(calibration)
    shots: dict[str, Shot] = {}
    tracks: list[TrackRow] = []
    frames, first_s, last_s = 0, 0.0, 0.0
    stopped: str | None = None
    try:
        for frame in source:
            stopped = watch.look(frame)
            if stopped is not None:
                break
            seen = pipeline.process(frame)
            _take(shots, seen.shots)
            first_s, last_s = (frame.t_s if frames == 0 else first_s), frame.t_s
            frames += 1
            if keep_tracks:
                tracks.extend(TrackRow(seen.index, seen.t_s, ball) for ball in seen.balls)
            if on_frame is not None:
                on_frame(frame, seen)
            if progress is not None:
                progress(frames, source.frame_count)
    except FrameSourceError as error:
        if frames == 0:
            raise
        stopped = str(error)
    _take(shots, pipeline.finish())
    if watch.lost_s is not None:
        shots = {shot.id: _until(shot, watch.lost_s) for shot in shots.values() if shot.start_s < watch.lost_s}
        tracks = [row for row in tracks if row.t_s <= watch.lost_s]
    interval_s = 1 / source.fps if source.fps else 0.0
    info = SourceInfo(
        id=source.id,
        frames=frames,
        path=_path_of(source),
        fps=None if source.fps is None else round(source.fps, 4),
        duration_s=round(last_s - first_s + interval_s, 4) if frames else 0.0,
        readout_s=source.readout_s,
    )
    health = pipeline.health
    return Recording(
        info,
        calibration,
        tuple(sorted(shots.values(), key=lambda shot: shot.start_s)),
        replace(health, warnings=(*health.warnings, *getattr(source, "warnings", ()))),
        fill_gaps(settle_names(tracks), calibration),
        stopped,
        pipeline.feel,
        pipeline.quality,
    )


def _take(shots: dict[str, Shot], news: tuple[Shot, ...]) -> None:
    """Keeps the newest revision of each shot."""
    for shot in news:
        known = shots.get(shot.id)
        if known is None or shot.revision >= known.revision:
            shots[shot.id] = shot


def _until(shot: Shot, lost_s: float) -> Shot:
    """The shot as far as it was seen before the view was lost."""
    if shot.end_s is not None and shot.end_s <= lost_s:
        return shot
    potted = tuple(pot for pot in shot.potted if pot.t_s <= lost_s)
    scratch = any(pot.ball == "cue" for pot in potted)
    return replace(
        shot,
        complete=False,
        end_s=None,
        end_frame=None,
        potted=potted,
        scratch=scratch,
        result="make" if potted and not scratch else "unknown",
        layout_end={},
        cushions=tuple(c for c in shot.cushions if c.t_s <= lost_s),
        contacts=tuple(c for c in shot.contacts if c.t_s <= lost_s),
        paths_in={ball: tuple(p for p in path if p[0] <= lost_s) for ball, path in shot.paths_in.items()},
    )


def _path_of(source: FrameSource) -> str | None:
    path = getattr(source, "path", None)
    return None if path is None else str(path)
