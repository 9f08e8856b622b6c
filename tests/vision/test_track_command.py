"""`ladder track` from a recording to its results, on the simulated table."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner, Result

from calibration import drift
from calibration.file import Calibration
from edge.cli import ladder
from vision.evaluate.report import evaluate
from vision.evaluate.truth import read_truth
from vision.files import read_shots, read_tracks, write_json
from vision.frames.source import Frame
from vision.recording import track_recording
from vision.simulate.source import SimulatedTable
from vision.video.writer import VideoWriter

FPS, FRAMES = 30, 150


class Filmed:
    """A recording of the simulated table, its calibration and its truth, as files."""

    def __init__(self, folder: Path) -> None:
        self.video, self.truth = folder / "film.mp4", folder / "truth.json"
        self.calibration = folder / "calibration.json"
        table = SimulatedTable(size=(640, 360), fps=FPS, seed=5)
        table.calibration.save(self.calibration)
        frames = []
        with VideoWriter(self.video, 640, 360, FPS, crf=18) as writer:
            for frame in islice(table, FRAMES):
                writer.add(frame, frame.t_s)
                if frame.index % 10 == 0:
                    frames.append(table.truth().to_json())
        write_json(self.truth, {"schema": 1, "frames": frames})


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    return Filmed(tmp_path_factory.mktemp("filmed"))


def track(filmed: Filmed, *arguments: str) -> Result:
    return CliRunner().invoke(
        ladder, ["track", str(filmed.video), "--calibration", str(filmed.calibration), *arguments]
    )


def test_a_recording_becomes_shots_tracks_and_a_video(filmed: Filmed, tmp_path: Path) -> None:
    out, tracks, video = tmp_path / "shots.json", tmp_path / "tracks.csv", tmp_path / "seen.mp4"
    result = track(filmed, "--out", str(out), "--tracks", str(tracks), "--video", str(video))
    assert result.exit_code == 0, result.output
    assert "potted" in result.output

    shots = read_shots(out)
    assert shots.document["source"]["frames"] == FRAMES
    assert shots.document["source"]["fps"] == pytest.approx(FPS)
    assert shots.document["calibration"]["method"] == "file"
    with av.open(str(video)) as container:
        assert sum(1 for _ in container.decode(video=0)) == FRAMES

    metrics = evaluate(read_truth(filmed.truth), shots=shots, tracks=read_tracks(tracks))
    figures = {m.name: m.value or 0.0 for m in metrics}
    assert figures["tracks: recall within 28 mm"] > 80
    assert figures["tracks: precision within 28 mm"] > 80


def test_what_cannot_be_done_is_said_before_the_work(filmed: Filmed, tmp_path: Path) -> None:
    result = track(filmed, "--out", str(tmp_path / "nowhere" / "shots.json"))
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "can't be written" in result.output
    wrong_size = json.loads(filmed.calibration.read_text())
    wrong_size["camera"]["size_px"] = [1280, 720]
    (tmp_path / "other.json").write_text(json.dumps(wrong_size))
    arguments = ["track", str(filmed.video), "--calibration", str(tmp_path / "other.json")]
    result = CliRunner().invoke(ladder, [*arguments, "--out", str(tmp_path / "shots.json")])
    assert result.exit_code == 1
    assert "1280×720" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("--markers", "m.json"),
        ("--corners", "1,2 3,4"),
        ("--table", "round"),
        ("--balls", "marbles"),
        ("--table", "9ft"),
    ],
)
def test_wrong_use_is_status_two(filmed: Filmed, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert track(filmed, "--out", str(tmp_path / "shots.json"), *arguments).exit_code == 2


class Bumped:
    """The simulated table; after four seconds somebody bumps the camera."""

    def __init__(self) -> None:
        self._table = SimulatedTable(size=(640, 360), fps=10, seed=5)
        self.id = "bumped"
        self.fps: float | None = 10.0
        self.frame_count: int | None = None
        self.readout_s = 0.0
        self.width_px, self.height_px = 640, 360

    @property
    def calibration(self) -> Calibration:
        frames = list(islice(SimulatedTable(size=(640, 360), fps=10, seed=5), 3))
        known = self._table.calibration
        marks = drift.fingerprint([f.bgr() for f in frames], known.table, known.camera)
        assert marks is not None
        return replace(known, fingerprint=marks)

    def __iter__(self) -> Iterator[Frame]:
        for frame in islice(self._table, 100):
            shift = 8 if frame.t_s >= 4 else 0
            y, u, v = (
                np.ascontiguousarray(np.roll(p, s, axis=1))
                for p, s in ((frame.y, shift), (frame.u, shift // 2), (frame.v, shift // 2))
            )
            yield Frame(frame.index, frame.t_s, y, u, v)

    def close(self) -> None:
        self._table.close()


@pytest.mark.slow
def test_a_bumped_camera_ends_the_recording_there() -> None:
    source = Bumped()
    recording = track_recording(source, source.calibration)
    assert recording.stopped is not None
    assert "the camera moved" in recording.stopped
    assert recording.source.frames < 70
    assert max(row.t_s for row in recording.tracks) <= 4.0
    assert all(shot.start_s < 4 for shot in recording.shots)
