"""The files that results are kept in: `shots.json`, `tracks.csv`, `balls.json`; docs/files.md describes them.

Every file is written beside its place and then renamed, so that a reader never finds half of one.
"""

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import numpy as np

from calibration.file import Calibration
from calibration.whole_file import partial_of, replace_file
from vision.model import SCHEMA, BallState, Health, Shot, State, shot_from_json, shot_to_json

TRACKS_HEADER = ("frame", "t_s", "ball", "x_in", "y_in", "x_px", "y_px", "state")
_STATES: dict[str, State] = {"still": "still", "moving": "moving", "hidden": "hidden"}


class FileError(Exception):
    """A result can't be written or read; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What `shots.json` says about the recording."""

    id: str
    frames: int
    path: str | None = None
    fps: float | None = None
    duration_s: float | None = None
    readout_s: float | None = None


@dataclass(frozen=True, slots=True)
class ShotsFile:
    """A `shots.json` as read: its shots as values, everything else as it stands in the file."""

    document: dict[str, Any]
    shots: tuple[Shot, ...]


@dataclass(frozen=True, slots=True)
class TrackRow:
    """One ball in one frame, a row of `tracks.csv`."""

    frame: int
    t_s: float
    ball: BallState


@dataclass(frozen=True, slots=True)
class StillBall:
    """A ball found in a still: pixels of its centre and silhouette, table inches, quality 0–1."""

    ball: str
    x_px: float
    y_px: float
    x_in: float
    y_in: float
    radius_px: float
    quality: float


@dataclass(frozen=True, slots=True)
class Still:
    """A picture and the balls found in it; its own calibration where the camera moved between pictures."""

    file: str
    balls: tuple[StillBall, ...]
    calibration: Calibration | None = None


def calibration_summary(calibration: Calibration) -> dict[str, Any]:
    """The table and the calibration as result files state them."""
    table, camera = calibration.table, calibration.camera
    return {
        "table": {
            "name": table.name,
            "length_in": round(table.length_in, 4),
            "width_in": round(table.width_in, 4),
            "ball_diameter_in": round(table.ball_diameter_in, 4),
        },
        "calibration": {
            "id": calibration.id,
            "method": calibration.method,
            "residual_px": None if calibration.residual_px is None else round(calibration.residual_px, 4),
            "picture_px": [camera.width_px, camera.height_px],
            "corners_px": np.round(calibration.corners_px, 3).tolist(),
            "pockets_px": np.round(calibration.pockets_px, 3).tolist(),
        },
    }


def shots_document(
    source: SourceInfo, calibration: Calibration, health: Health, shots: Iterable[Shot]
) -> dict[str, Any]:
    """The contents of `shots.json`."""
    return {
        "schema": SCHEMA,
        "source": asdict(source),
        **calibration_summary(calibration),
        "health": asdict(health) | {"warnings": list(health.warnings)},
        "shots": [shot_to_json(shot) for shot in shots],
    }


def write_shots(path: Path, document: dict[str, Any]) -> None:
    """Writes what `shots_document` made. Raises FileError."""
    write_json(path, document)


def read_shots(path: Path) -> ShotsFile:
    """Reads a `shots.json` of this schema. Raises FileError."""
    document = read_json(path)
    _require_schema(path, document, "shots")
    try:
        return ShotsFile(document, tuple(shot_from_json(shot) for shot in document["shots"]))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise FileError(f"{path} is damaged (shots: {error}): track the recording again") from error


def balls_document(calibration: Calibration, stills: Iterable[Still]) -> dict[str, Any]:
    """The contents of `balls.json`."""
    return {
        "schema": SCHEMA,
        **calibration_summary(calibration),
        "pictures": [_still(still) for still in stills],
    }


def read_balls(path: Path) -> dict[str, Any]:
    """Reads a `balls.json` of this schema. Raises FileError."""
    document = read_json(path)
    _require_schema(path, document, "pictures")
    return document


def read_tracks(path: Path) -> list[TrackRow]:
    """Reads a `tracks.csv`. Raises FileError."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            if tuple(next(rows, ())) != TRACKS_HEADER:
                raise FileError(f"{path} is no tracks file: its first line is not {','.join(TRACKS_HEADER)}")
            return [_track_row(row) for row in rows]
    except OSError as error:
        raise FileError(f"{path} can't be read: {error.strerror}") from error
    except (ValueError, IndexError) as error:
        raise FileError(f"{path} is damaged ({error}): track the recording again") from error


class WholeFile(ABC):
    """A file written while a block runs: it appears, whole, when the block ends; a block that fails leaves none.

    Until then it is written beside its place, as `partial`. A kind of file says how it is finished and abandoned,
    which errors writing it meets, and what they are to people.
    """

    _meets: ClassVar[tuple[type[Exception], ...]] = (OSError,)

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial = partial_of(path)

    @abstractmethod
    def _finish(self) -> None:
        """Writes what is still to be written and closes the partial file."""

    @abstractmethod
    def _abandon(self) -> None:
        """Closes the partial file as it is; it may be closed already."""

    @abstractmethod
    def _failure(self, error: Exception) -> Exception:
        """What one of the errors that writing meets is to people."""

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except self._meets as error:
            raise self._failure(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            with self._writing():
                self._finish()
                self.partial.replace(self.path)
        except BaseException:
            self._discard()
            raise

    def _discard(self) -> None:
        # What made the block fail is what people are to read, not that cleaning up failed too.
        with suppress(*self._meets):
            self._abandon()
        with suppress(OSError):
            self.partial.unlink(missing_ok=True)


class TracksWriter(WholeFile):
    """Writes `tracks.csv` while frames come in. Raises FileError where it can't be written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with self._writing():
            self._file = self.partial.open("w", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow(TRACKS_HEADER)

    def add(self, frame: int, t_s: float, balls: Sequence[BallState]) -> None:
        """The balls of one frame."""
        with self._writing():
            self._rows.writerows(
                (
                    frame,
                    f"{t_s:.5f}",
                    b.ball,
                    f"{b.x_in:.4f}",
                    f"{b.y_in:.4f}",
                    f"{b.x_px:.2f}",
                    f"{b.y_px:.2f}",
                    b.state,
                )
                for b in balls
            )

    def _finish(self) -> None:
        self._file.close()

    def _abandon(self) -> None:
        self._file.close()

    def _failure(self, error: Exception) -> FileError:
        return _cant_write(self.path, error)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Writes a JSON document whole or not at all. Raises FileError."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise _cant_write(path, error) from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises FileError."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError(f"{path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise FileError(f"{path} is no JSON file ({error})") from error
    if not isinstance(document, dict):
        raise FileError(f"{path} holds a list or a single value where an object is expected")
    return document


def check_writable(path: Path | None) -> None:
    """Raises FileError early, before minutes of work, where a result could not be written."""
    if path is None:
        return
    if path.is_dir():
        raise FileError(f"{path} is a folder: name a file in it")
    partial = partial_of(path)
    try:
        partial.touch()
        partial.unlink()
    except OSError as error:
        raise _cant_write(path, error) from error


def _still(still: Still) -> dict[str, Any]:
    entry: dict[str, Any] = {"file": still.file, "balls": [_still_ball(ball) for ball in still.balls]}
    if still.calibration is not None:
        entry["calibration"] = calibration_summary(still.calibration)["calibration"]
    return entry


def _still_ball(ball: StillBall) -> dict[str, Any]:
    return {
        "ball": ball.ball,
        "px": [round(ball.x_px, 2), round(ball.y_px, 2)],
        "table_in": [round(ball.x_in, 4), round(ball.y_in, 4)],
        "radius_px": round(ball.radius_px, 2),
        "quality": round(ball.quality, 3),
    }


def _track_row(row: list[str]) -> TrackRow:
    if row[7] not in _STATES:
        raise ValueError(f"no state is called {row[7]!r}")
    x_in, y_in, x_px, y_px = (float(v) for v in row[3:7])
    return TrackRow(int(row[0]), float(row[1]), BallState(row[2], x_in, y_in, x_px, y_px, _STATES[row[7]]))


def _require_schema(path: Path, document: dict[str, Any], key: str) -> None:
    if document.get("schema") != SCHEMA:
        raise FileError(f"{path} has schema {document.get('schema')}, this program reads {SCHEMA}")
    if not isinstance(document.get(key), list):
        raise FileError(f"{path} has no list of {key}: is it the right file?")


def _cant_write(path: Path, error: Exception) -> FileError:
    return FileError(f"{path} can't be written: {getattr(error, 'strerror', None) or error}")
