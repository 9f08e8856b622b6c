"""Trajectories right: followed in every frame that shows the ball, under one name, to the right end."""

from dataclasses import replace

import pytest

from calibration.table import MM_PER_IN
from vision.evaluate.detection import Found
from vision.evaluate.paths import match_frames
from vision.evaluate.trajectories import Trajectory, trajectories
from vision.evaluate.truth import TrueBall, TruePot, TrueShot
from vision.model import Pot, Shot

FRAME_S = 0.1
PLAYED = TrueShot((TruePot("1", "solid", "side-0", 1.0),), 0.5, 2.0, "make", False)
POT = Pot("1", "solid", "side-0", (0.0, 0.0), 1.02, 0.9)
SHOT = Shot("a", 0.55, "make", False, end_s=2.0, potted=(POT,))
Frames = dict[int, list[TrueBall]]
Seen = dict[int, list[Found]]


def frames() -> Frames:
    """The cue ball rolls from 0.5 to 1.5 s, the 1 from 0.7 s until it falls at 1.0 s; the 2 lies still."""
    found = {}
    for k in range(30):
        cue = TrueBall("cue", table_in=(20.0 + 2 * min(max(k - 5, 0), 10), 25.0))
        cue = replace(cue, state="moving" if 5 <= k <= 15 else "still")
        one = TrueBall("1", table_in=(50.0, 25.0 - 4 * max(k - 7, 0)), state="moving" if k > 7 else "still")
        found[k] = [cue, TrueBall("2", table_in=(80.0, 10.0), state="still"), *([one] if k <= 10 else [])]
    return found


def as_seen(true: Frames) -> Seen:
    return {
        k: [Found(str(b.ball), (0, 0), b.table_in) for b in balls if b.table_in and b.state != "hidden"]
        for k, balls in true.items()
    }


def moved(seen: Found, off_mm: float) -> Found:
    return replace(seen, table_in=(seen.table_in[0], seen.table_in[1] + off_mm / MM_PER_IN))


def followed(true: Frames, seen: Seen, *shots: Shot) -> dict[str, Trajectory]:
    matches = dict(zip(true, match_frames((true[k], seen[k]) for k in true), strict=True))
    (found,) = trajectories(true, matches, [PLAYED], shots or [SHOT], FRAME_S)
    return {t.ball: t for t in found}


def test_every_ball_that_moved_is_followed_to_its_end() -> None:
    true = frames()
    got = followed(true, as_seen(true))
    assert set(got) == {"cue", "1"}
    assert all(t.right for t in got.values())
    # From the strike to the first frame at rest; the 1 to its pocket.
    assert (got["cue"].shown, got["1"].shown) == (12, 6)


@pytest.mark.parametrize(("off_mm", "right"), [(27.0, True), (29.0, False)])
def test_one_frame_too_far_off_is_a_wrong_trajectory(off_mm: float, right: bool) -> None:
    true = frames()
    seen = as_seen(true)
    seen[10][0] = moved(seen[10][0], off_mm)
    assert followed(true, seen)["cue"].right == right


def test_a_ball_missed_in_a_frame_that_shows_it_is_wrong_and_behind_a_player_is_not() -> None:
    true = frames()
    seen = as_seen(true)
    del seen[10][0]
    assert not followed(true, seen)["cue"].right
    true[10][0] = replace(true[10][0], state="hidden")
    assert followed(true, seen)["cue"].right


def test_a_name_that_changes_on_the_way_is_wrong_another_name_is_not() -> None:
    true = frames()
    seen = as_seen(true)
    for k in range(30):
        seen[k][0] = replace(seen[k][0], ball="9")
    assert followed(true, seen)["cue"].right
    seen[12][0] = replace(seen[12][0], ball="3")
    got = followed(true, seen)["cue"]
    assert (got.followed, got.names) == (False, 2)


def test_a_final_place_must_be_right_to_a_centimetre() -> None:
    true = frames()
    for off_mm, right in ((9.0, True), (11.0, False)):
        seen = as_seen(true)
        for k in range(17, 30):
            seen[k][0] = moved(seen[k][0], off_mm)
        assert followed(true, seen)["cue"].ended == right


def test_a_pot_must_be_told_with_its_pocket() -> None:
    true = frames()
    seen = as_seen(true)
    for shot in (
        replace(SHOT, potted=()),
        replace(SHOT, potted=(replace(POT, pocket="side-W"),)),
        replace(SHOT, start_s=3.0),
    ):
        got = followed(true, seen, shot)["1"]
        assert (got.followed, got.ended) == (True, False)
