"""The annotated video: what is drawn where, with the recording's own timing."""

import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.file import Calibration
from calibration.table import STANDARD_TABLES
from vision.files import SourceInfo, TrackRow
from vision.frames.file import FileSource
from vision.model import BallState, Cushion, FirstContact, Health, Pot, Shot
from vision.recording import Recording
from vision.settle import settle_names
from vision.video import lettering
from vision.video.annotate import annotate
from vision.video.overlays import Overlay
from vision.video.panel import shot_facts
from vision.video.writer import VideoError, VideoWriter

W, H = 960, 540
CLOTH = (110, 140, 90)
CALIBRATION = Calibration(
    "cal",
    "corners",
    STANDARD_TABLES["9ft"],
    Camera(W, H, 760.0, 760.0, 479.5, 269.5, ((1, 0, 0), (0, -1, 0), (0, 0, -1)), (-50.0, 25.0, 90.0)),
)


def table_row(frame: int, ball: str, x: float, y: float, state: str = "still") -> TrackRow:
    u, v = CALIBRATION.to_picture([(x, y)])[0]
    return TrackRow(frame, frame / 30, BallState(ball, x, y, float(u), float(v), state))  # type: ignore[arg-type]


def pocket(name: str = "side-W") -> tuple[float, float]:
    index = [p.name for p in CALIBRATION.table.pockets].index(name)  # type: ignore[arg-type]
    return float(CALIBRATION.pockets_px[index][0]), float(CALIBRATION.pockets_px[index][1])


SHOT = Shot(
    id="s@1",
    start_s=1.0,
    end_s=3.0,
    result="make",
    scratch=False,
    potted=(Pot("2", "solid", "side-W", pocket(), 2.0, 0.9),),
    first_contact=FirstContact("2", 1.5, (40.0, 20.0), (41.6, 21.6)),
    cut_angle_deg=33.0,
    cue_distance_in=30.0,
    cue_speed_mph=6.0,
    kind="cut",
    cushions=(Cushion("cue", "left", 2.0),),
    paths_in={"cue": ((1.0, 10.0, 20.0), (1.5, 40.0, 20.0), (2.5, 60.0, 10.0)), "2": ((1.5, 41.6, 21.6),)},
)


def drawn(frame: int, t_s: float, rows: list[TrackRow], shots: tuple[Shot, ...] = (SHOT,)) -> NDArray[np.int64]:
    """How much each pixel differs from the plain cloth, summed over colours, shape (H, W)."""
    picture = np.full((H, W, 3), CLOTH, dtype=np.uint8)
    Overlay(CALIBRATION, shots, rows).draw(picture, frame, t_s)
    difference: NDArray[np.int64] = np.abs(picture.astype(np.int64) - CLOTH).sum(axis=2)
    return difference


def near(difference: NDArray[np.int64], x_in: float, y_in: float, radius_px: int = 12) -> float:
    u, v = CALIBRATION.to_picture([(x_in, y_in)])[0].round().astype(int)
    return float(difference[v - radius_px : v + radius_px, u - radius_px : u + radius_px].mean())


def test_balls_are_circled_in_their_frame_alone() -> None:
    rows = [table_row(3, "2", 70.0, 35.0)]
    assert near(drawn(3, 0.1, rows), 70.0, 35.0) > 20
    assert near(drawn(4, 0.1, rows), 70.0, 35.0) == 0


def test_the_ball_itself_stays_visible() -> None:
    u, v = CALIBRATION.to_picture([(70.0, 35.0)])[0].round().astype(int)
    assert drawn(3, 0.1, [table_row(3, "2", 70.0, 35.0)])[v - 3 : v + 4, u - 3 : u + 4].max() == 0


def test_a_path_is_drawn_as_far_as_the_ball_has_come() -> None:
    assert near(drawn(0, 1.45, []), 25.0, 20.0, 3) > 100
    assert near(drawn(0, 1.45, []), 50.0, 15.0, 3) == 0
    assert near(drawn(0, 2.6, []), 50.0, 15.0, 3) > 100


def test_the_ghost_ball_shows_from_contact_on() -> None:
    ring = CALIBRATION.camera.sphere_outline((40.0, 20.0, 1.125), 1.26, 8).round().astype(int)

    def ghost(t_s: float) -> int:
        return int(drawn(0, t_s, [])[ring[:, 1], ring[:, 0]].sum())

    assert ghost(1.6) > ghost(1.4) + 500


def test_a_pot_rings_its_pocket_and_takes_the_ball_away() -> None:
    rows = [table_row(0, "2", 70.0, 35.0)]
    u, v = (round(c) for c in pocket())
    around = (slice(max(0, v - 40), v + 40), slice(u - 40, u + 40))
    assert drawn(0, 2.2, rows)[around].sum() > drawn(0, 1.9, rows)[around].sum() + 5000
    assert near(drawn(0, 1.9, rows), 70.0, 35.0) > 20
    assert near(drawn(0, 2.2, rows), 70.0, 35.0) == 0


def test_a_shot_fades_after_its_end() -> None:
    strong, weak = (near(drawn(0, t, []), 25.0, 20.0, 3) for t in (3.0, 5.0))
    assert strong > weak > 0
    assert near(drawn(0, 7.0, []), 25.0, 20.0, 3) == 0


def test_facts_for_people() -> None:
    assert shot_facts(SHOT) == [
        ("potted", "2 → side-W"),
        ("first contact", "2"),
        ("cut angle", "33°"),
        ("distance", "30.0 in"),
        ("speed", "6.0 mph"),
    ]
    assert shot_facts(Shot("s", 0.0, "unknown", False)) == []


def test_letters_are_drawn_with_either_font(monkeypatch: pytest.MonkeyPatch) -> None:
    for face in (lettering._face(), None):
        monkeypatch.setattr(lettering, "_face", lambda face=face: face)
        picture = np.zeros((60, 300, 3), dtype=np.uint8)
        lettering.draw_text(picture, "33° · make", (10, 40), 20, (255, 255, 255))
        lit = np.flatnonzero(picture.any(axis=(0, 2)))
        assert len(lit) > 40
        assert abs((lit[-1] - 10) - lettering.text_width_px("33° · make", 20)) < 25


def clip(path: Path, shown_s: list[float]) -> Path:
    with VideoWriter(path, W, H, 30) as video:
        for i, t in enumerate(shown_s):
            picture = np.full((H, W, 3), CLOTH, dtype=np.uint8)
            cv2.circle(picture, (100 + 3 * (i // 2), 200), 10, (255, 255, 255), -1, cv2.LINE_AA)
            video.add(picture, t)
    return path


def test_the_video_keeps_every_frame_at_its_time(tmp_path: Path) -> None:
    shown = [i / 30 for i in range(40) if i not in (10, 11)]  # every picture twice, and a gap
    path = clip(tmp_path / "in.mp4", shown)
    source = FileSource(path)
    recording = Recording(SourceInfo(source.id, len(shown)), CALIBRATION, (SHOT,), Health(), [])
    annotate(source, recording, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx(shown, abs=1e-4)
    assert (tmp_path / "out.mp4").read_bytes().find(b"moov") < 100


def test_a_video_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="can't be written"):
        VideoWriter(tmp_path / "nowhere" / "out.mp4", 64, 64, 30)


def write_noise(path: Path, frames: int, then: Callable[[], object]) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    with VideoWriter(path, 320, 240, 30, crf=10) as video:
        for i in range(frames):
            video.add(np.roll(noise, i * 7919), i / 30)
        then()


def test_a_failed_block_leaves_no_video(tmp_path: Path) -> None:
    def fail() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_noise(tmp_path / "out.mp4", 2, fail)
    assert list(tmp_path.iterdir()) == []


def test_a_video_that_can_not_take_its_place_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with pytest.raises(VideoError, match="can't be written"):
        write_noise(path, 2, path.mkdir)
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow past 100 kB, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, before)


@pytest.mark.usefixtures("small_files")
def test_a_video_for_which_there_is_no_room_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="can't be written"):
        write_noise(tmp_path / "out.mp4", 30, lambda: None)
    assert list(tmp_path.iterdir()) == []


def test_names_learnt_late_hold_from_the_start() -> None:
    rows = [table_row(f, "ball-3" if f < 5 else "9", 20.0 + f, 10.0) for f in range(10)]
    rows += [table_row(f, "cue", 60.0, 30.0) for f in range(10)]
    assert {(r.frame, r.ball.ball) for r in settle_names(rows)} == {
        (f, name) for f in range(10) for name in ("9", "cue")
    }


def test_exchanged_names_are_put_right_from_the_start() -> None:
    rows = []
    for f in range(10):
        first, second = ("1", "9") if f < 5 else ("9", "1")
        rows += [table_row(f, first, 20.0, 10.0), table_row(f, second, 80.0, 40.0)]
    assert all(r.ball.ball == ("9" if r.ball.x_in < 50 else "1") for r in settle_names(rows))


def test_a_lost_ball_keeps_its_name() -> None:
    rows = [table_row(f, "5", 20.0, 10.0) for f in range(5)] + [table_row(f, "7", 80.0, 40.0) for f in range(5, 9)]
    assert [r.ball.ball for r in settle_names(rows)] == ["5"] * 5 + ["7"] * 4
