"""The program on recordings of real tables: shots and pots against what really happened.

The recordings are not part of this project; where they are absent these tests skip.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from calibration.file import Calibration
from calibration.markers import load_layout
from calibration.solve import calibrate
from calibration.table import MM_PER_IN, Table, parse_table
from vision.evaluate.names import Pockets, same_ball
from vision.evaluate.shots import match_pots
from vision.evaluate.truth import TruePot, Truth, read_manifest_clip, read_truth
from vision.frames.file import FileSource
from vision.recording import Recording, track_recording
from vision.sampling import sample_pictures

FOOTAGE = Path(__file__).parents[2].parent / "shared" / "footage"
MANIFEST = FOOTAGE / "manifest.json"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MANIFEST.exists(), reason="the real recordings (../shared/footage) are not here"),
]

WITH_MARKERS = (
    "gleitreibungskoeffizient_0000_0005",
    "null_grad_stoss_1_0003_0009",
    "simulation_vs_reality_1_0008_0011",
    "simulation_vs_reality_1_0049_0053",
    "video_12_0130_0140_Trim",
    "video_1_0233_0240",
)
BROADCAST = ("game1_clip1", "game1_clip3", "game2_clip1", "game3_clip1", "game4_clip1")


def marked_table() -> Table:
    return parse_table("1881x943mm", 52.3 / MM_PER_IN)


def path_of(clip: str) -> Path:
    return FOOTAGE / str(read_manifest_clip(MANIFEST, clip)["file"])


def by_markers(clip: str) -> Calibration:
    layout = load_layout(FOOTAGE / "overhead-markers" / "markers.json")
    return calibrate(sample_pictures(FileSource(path_of(clip))), table=marked_table(), markers=layout)


def by_itself(clip: str) -> Calibration:
    return calibrate(sample_pictures(FileSource(path_of(clip))))


def by_corners(clip: str) -> Calibration:
    corners = read_manifest_clip(MANIFEST, clip)["geometry"]["noses_px"]
    pictures = sample_pictures(FileSource(path_of(clip)))
    return calibrate(pictures, table=parse_table("9ft"), corners_px=corners)


@cache
def followed(clip: str, how: str) -> tuple[Recording, Truth]:
    """The recording of a clip, calibrated by `markers`, `corners` or by `itself`, and its truth."""
    calibration = {"markers": by_markers, "corners": by_corners, "itself": by_itself}[how](clip)
    source = FileSource(path_of(clip))
    return track_recording(source, calibration, keep_tracks=False), read_truth(MANIFEST, clip)


def in_words(recording: Recording) -> str:
    shots = [
        f"{s.start_s:.2f}–{s.end_s or -1:.2f} {s.result} "
        + " ".join(f"{p.ball}@{p.pocket}@{p.t_s:.2f}" for p in s.potted)
        for s in recording.shots
    ]
    return f"{len(shots)} shots: {'; '.join(shots)} {recording.stopped or ''}"


def pots_are_right(recording: Recording, truth: Truth) -> bool:
    """The right number of balls, each the right one in the right pocket as far as the truth says."""
    potted = [pot for shot in recording.shots for pot in shot.potted]
    true = truth.pots or ()
    places = Pockets(truth.pockets_px, recording.calibration.pockets_px.tolist())
    pairs = match_pots(true, potted, (-np.inf, np.inf))
    return len(potted) == len(true) == len(pairs) and all(
        (t.ball is None or same_ball(t.ball, p.ball))
        and (t.pocket is None or places.same(t.pocket, p.pocket) is True)
        for t, p in pairs
    )


def one_shot_is_right(recording: Recording, truth: Truth) -> bool:
    return recording.stopped is None and len(recording.shots) == 1 and pots_are_right(recording, truth)


@pytest.mark.parametrize("clip", WITH_MARKERS)
def test_overhead_with_markers(clip: str) -> None:
    recording, truth = followed(clip, "markers")
    assert one_shot_is_right(recording, truth), in_words(recording)


def test_overhead_calibrated_by_itself() -> None:
    recording, truth = followed("poolTest2", "itself")
    assert one_shot_is_right(recording, truth), in_words(recording)
    assert recording.source.fps == pytest.approx(25.0)


def test_broadcast_at_least_four_of_five() -> None:
    results = {clip: followed(clip, "corners") for clip in BROADCAST}
    wrong = []
    for clip, (recording, truth) in results.items():
        pots = sum(len(shot.potted) for shot in recording.shots)
        if len(recording.shots) != 1 or pots != len(truth.pots or ()):
            wrong.append(f"{clip}: {in_words(recording)}")
    assert len(wrong) <= 1, "\n".join(wrong)


def test_a_whole_rack_from_a_corner_of_a_dark_room() -> None:
    """What a person hides here hangs by a thread, and so by the processor's last bits: docs/measuring.md says how
    far such runs differ. What is promised holds with one to spare in each of them."""
    recording, truth = followed("9_ball_clearance", "corners")
    potted = [pot for shot in recording.shots for pot in shot.potted]
    pairs = match_pots(truth.pots or (), potted, truth.pot_window_s)
    assert len(pairs) >= 4, in_words(recording)
    assert len(potted) - len(pairs) <= 4, in_words(recording)


def test_the_judge_is_not_lenient() -> None:
    """A pot in the wrong pocket, one too many or one too few is not right."""
    recording, truth = followed(WITH_MARKERS[0], "markers")
    missing = Truth(shots=truth.shots, pots=(TruePot(ball="red", pocket="image-top-left"),))
    assert not pots_are_right(recording, missing)
