"""`ladder track`: shots and ball paths in a recording."""

from pathlib import Path

import click

from calibration.file import Calibration, CalibrationError
from edge.cli import Failure
from edge.commands.progress import progress
from edge.commands.table_options import TableOptions, parse_balls, table_options
from vision.balls import BallSet
from vision.condition import LEAST_SHOTS, condition
from vision.files import FileError, TracksWriter, check_writable, shots_document, write_shots
from vision.frames.open import is_camera, open_source
from vision.frames.source import FrameSource, FrameSourceError
from vision.recording import Recording, track_recording
from vision.sampling import sample_pictures
from vision.video.annotate import annotate
from vision.video.writer import VideoError

_RESULT = click.Path(dir_okay=False, path_type=Path)


@click.command(
    epilog="Example: ladder track rack.mp4 --table 9ft --out shots.json --tracks tracks.csv --video seen.mp4"
)
@click.argument("source")
@table_options
@click.option("--balls", default="auto", callback=parse_balls, help="The ball set in play, or auto.")
@click.option("--out", type=_RESULT, required=True, help="Where shots.json goes.")
@click.option("--tracks", type=_RESULT, help="Every ball in every frame, as CSV.")
@click.option("--video", type=_RESULT, help="The recording with balls, paths and facts drawn in (MP4).")
def track(
    *,
    source: str,
    where: TableOptions,
    balls: BallSet | None,
    out: Path,
    tracks: Path | None,
    video: Path | None,
) -> None:
    """Follow every ball of a recording and write down every shot.

    SOURCE is a recording. Without a calibration the table is found in the recording itself.
    """
    try:
        for path in (out, tracks, video):
            check_writable(path)
        recording = _follow(source, where, balls)
        write_shots(
            out,
            shots_document(recording.source, recording.calibration, recording.health, recording.shots),
        )
        if tracks is not None:
            _write_tracks(tracks, recording)
        if video is not None:
            with progress("drawing") as report:
                annotate(open_source(source), recording, video, progress=report)
    except (FrameSourceError, CalibrationError, FileError, VideoError) as error:
        raise Failure(str(error)) from error
    _tell(recording, out)
    if recording.stopped is not None:
        raise Failure(f"{recording.stopped} (what was seen before is in {out})")


def _follow(text: str, where: TableOptions, balls: BallSet | None) -> Recording:
    source = _open(text)
    calibration = _calibrate(text, where)
    for note in calibration.notes:
        click.echo(f"ladder: {note}", err=True)
    with progress("following") as report:
        return track_recording(source, calibration, balls, progress=report)


def _calibrate(text: str, where: TableOptions) -> Calibration:
    """From the first 20 s, or, where those don't agree (the camera moves), from the first two."""
    try:
        return where.find(lambda: sample_pictures(_open(text)))
    except CalibrationError as error:
        if where.calibration is not None:
            raise
        try:
            return where.find(lambda: sample_pictures(_open(text), over_s=2.0))
        except CalibrationError:
            raise error from None


def _open(text: str) -> FrameSource:
    if is_camera(text):
        raise FrameSourceError(f"{text} never ends: follow a live camera with ladder run --camera {text}")
    source = open_source(text)
    if source.frame_count is None and text == "sim":
        raise FrameSourceError("the simulated table never ends: record a clip of it first (docs/developer.md)")
    return source


def _write_tracks(path: Path, recording: Recording) -> None:
    with TracksWriter(path) as writer:
        for row in recording.tracks:
            writer.add(row.frame, row.t_s, (row.ball,))


def _tell(recording: Recording, out: Path) -> None:
    for warning in recording.health.warnings:
        click.echo(f"ladder: {warning}", err=True)
    potted = sum(len(shot.potted) for shot in recording.shots)
    click.echo(
        f"{_count(len(recording.shots), 'shot')}, {_count(potted, 'ball')} potted "
        f"in {recording.source.duration_s or 0:.1f} s → {out}"
    )
    if recording.quality.shots:
        click.echo(recording.quality.in_words())
    if recording.feel.shots >= LEAST_SHOTS:
        found = condition(recording.feel)
        for line in (*found.report, *found.warnings):
            click.echo(line)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
