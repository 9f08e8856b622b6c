"""Result files: what is written is read again, whole or not at all."""

import json
from pathlib import Path

import pytest

from calibration.camera import Camera
from calibration.file import Calibration
from calibration.table import STANDARD_TABLES
from vision.files import (
    FileError,
    SourceInfo,
    Still,
    StillBall,
    TrackRow,
    TracksWriter,
    balls_document,
    check_writable,
    read_balls,
    read_shots,
    read_tracks,
    shots_document,
    write_json,
    write_shots,
)
from vision.model import BallState, Cushion, FirstContact, Health, Pot, Shot

CALIBRATION = Calibration(
    "cal-1",
    "corners",
    STANDARD_TABLES["9ft"],
    Camera(1280, 720, 900.0, 900.0, 639.5, 359.5, ((1, 0, 0), (0, -1, 0), (0, 0, -1)), (-50.0, 25.0, 90.0)),
    residual_px=0.4,
)
SHOT = Shot(
    id="file-1@1.500",
    start_s=1.5,
    result="make",
    scratch=False,
    end_s=4.25,
    potted=(Pot("2", "solid", "side-W", (640.0, 60.5), 3.0, 0.95),),
    first_contact=FirstContact("2", 2.5, (40.0, 20.0), (42.0, 21.0)),
    cut_angle_deg=12.5,
    cushions=(Cushion("cue", "left", 1.75),),
    layout_start={"cue": (10.0, 20.0)},
    paths_in={"cue": ((1.5, 10.0, 20.0), (1.6, 11.0, 20.5))},
)


def test_shots_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "shots.json"
    info = SourceInfo("file-1", 90, "rack.mp4", 30.0, 3.0, 0.0)
    write_shots(path, shots_document(info, CALIBRATION, Health(frames=90, warnings=("dark",)), [SHOT]))
    back = read_shots(path)
    assert back.shots == (SHOT,)
    assert back.document["schema"] == 1
    assert back.document["source"]["path"] == "rack.mp4"
    assert back.document["health"]["warnings"] == ["dark"]
    assert len(back.document["calibration"]["pockets_px"]) == 6
    assert back.document["calibration"]["picture_px"] == [1280, 720]
    assert [p.name for p in tmp_path.iterdir()] == ["shots.json"]


def test_tracks_come_back(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    balls = (BallState("cue", 1.25, 2.5, 100.25, 200.5, "still"), BallState("9", 3.0, 4.0, 5.0, 6.0, "moving"))
    with TracksWriter(path) as writer:
        writer.add(0, 0.0, balls[:1])
        writer.add(1, 1 / 30, balls)
        assert not path.exists()
    lines = path.read_text().splitlines()
    assert lines[0] == "frame,t_s,ball,x_in,y_in,x_px,y_px,state"
    assert lines[1] == "0,0.00000,cue,1.2500,2.5000,100.25,200.50,still"
    assert read_tracks(path) == [
        TrackRow(0, 0.0, balls[0]),
        TrackRow(1, 0.03333, balls[0]),
        TrackRow(1, 0.03333, balls[1]),
    ]


def test_a_failed_block_leaves_no_tracks(tmp_path: Path) -> None:
    def fail() -> None:
        with TracksWriter(tmp_path / "tracks.csv") as writer:
            writer.add(0, 0.0, ())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_tracks_that_can_not_take_their_place_leave_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with TracksWriter(tmp_path / "tracks.csv") as writer:
            writer.add(0, 0.0, ())
            writer.path.mkdir()

    with pytest.raises(FileError, match="can't be written"):
        write()
    assert list(tmp_path.iterdir()) == [tmp_path / "tracks.csv"]


def test_balls_come_back(tmp_path: Path) -> None:
    path = tmp_path / "balls.json"
    still = Still("a.png", (StillBall("cue", 10.0, 20.0, 1.0, 2.0, 9.0, 0.8),))
    write_json(path, balls_document(CALIBRATION, [still]))
    picture = read_balls(path)["pictures"][0]
    assert picture == {
        "file": "a.png",
        "balls": [{"ball": "cue", "px": [10.0, 20.0], "table_in": [1.0, 2.0], "radius_px": 9.0, "quality": 0.8}],
    }


def test_what_cannot_be_written_is_said_early(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere" / "shots.json"):
        with pytest.raises(FileError) as caught:
            check_writable(path)
        assert str(path) in str(caught.value)
    with pytest.raises(FileError, match="can't be written"):
        TracksWriter(tmp_path / "nowhere" / "tracks.csv")
    with pytest.raises(FileError, match="can't be written"):
        write_shots(tmp_path / "nowhere" / "shots.json", {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ("[]", "an object is expected"),
        (json.dumps({"schema": 9, "shots": []}), "schema 9"),
        (json.dumps({"schema": 1}), "no list of shots"),
        (json.dumps({"schema": 1, "shots": [{"id": "x"}]}), "damaged"),
    ],
)
def test_what_is_no_shots_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "shots.json"
    path.write_text(text)
    with pytest.raises(FileError, match=words):
        read_shots(path)


@pytest.mark.parametrize("line", ["1,0.1,cue,1,2,3,4,flying", "1,0.1,cue,x,2,3,4,still", "1,0.1,cue"])
def test_damaged_tracks_are_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "tracks.csv"
    path.write_text(f"frame,t_s,ball,x_in,y_in,x_px,y_px,state\n{line}\n")
    with pytest.raises(FileError, match="damaged"):
        read_tracks(path)
