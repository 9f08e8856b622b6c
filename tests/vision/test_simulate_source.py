"""The simulated table as a source: frames in order, the same for a seed, and true to what it says is true."""

import json
import time
from itertools import islice, pairwise
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from vision.evaluate.truth import read_truth
from vision.frames.source import Frame
from vision.simulate.acts import Shoot
from vision.simulate.director import Director, Pace
from vision.simulate.look import look_named
from vision.simulate.shotbook import load_shot_book
from vision.simulate.source import SimulatedTable
from vision.simulate.truth import FrameTruth, truth_file

SIZE = (640, 360)


@pytest.fixture(scope="module")
def watched() -> tuple[SimulatedTable, list[Frame], list[FrameTruth]]:
    """Eight seconds at 30 frames a second: from before the first break until its balls run."""
    table = SimulatedTable(size=SIZE, seed=3)
    frames, truths = [], []
    for frame in islice(table, 240):
        frames.append(frame)
        truths.append(table.truth())
    return table, frames, truths


Watched = tuple[SimulatedTable, list[Frame], list[FrameTruth]]


@pytest.mark.slow
def test_frames_come_in_order_with_planes_of_the_right_shapes(watched: Watched) -> None:
    table, frames, _ = watched
    assert (table.width_px, table.height_px, table.fps, table.readout_s) == (*SIZE, 30.0, 0.0)
    for k, frame in enumerate(frames):
        assert frame.index == k
        assert frame.t_s == pytest.approx(k / 30)
        assert frame.missing == 0
        assert frame.y.shape == (360, 640)
        assert frame.u.shape == frame.v.shape == (180, 320)
        assert frame.y.dtype == frame.u.dtype == np.uint8


@pytest.mark.slow
def test_the_same_seed_gives_the_same_frames() -> None:
    def some(seed: int) -> list[bytes]:
        source = SimulatedTable(size=(320, 180), seed=seed, fps=4)
        return [f.y.tobytes() + f.v.tobytes() for f in islice(source, 32)]

    assert some(5) == some(5)
    assert some(5) != some(6)


@pytest.mark.slow
def test_frames_handed_on_are_not_drawn_over(watched: Watched) -> None:
    _, frames, _ = watched
    assert len({id(frame.y.base if frame.y.base is not None else frame.y) for frame in frames}) == len(frames)
    assert any((a.y != b.y).any() for a, b in pairwise(frames))


@pytest.mark.slow
def test_the_cue_ball_first_moves_at_the_strike(watched: Watched) -> None:
    table, _, truths = watched
    strike = table.played[0].strike_s
    start = table.played[0].record.layout_start["cue"]
    assert 1.0 < strike < 7.0
    for truth in truths:
        cue = truth.by_name.get("cue")
        if truth.t_s <= strike:
            assert cue is not None
            assert (cue.x_in, cue.y_in) == pytest.approx(tuple(start))
            assert cue.status == "still"
        elif truth.t_s < strike + 0.12:
            assert cue is not None
            moved = np.hypot(cue.x_in - start[0], cue.y_in - start[1])
            assert moved == pytest.approx((truth.t_s - strike) * table.played[0].record.strike.speed_in_s, rel=0.2)


def test_the_cue_tip_meets_the_ball_at_the_strike() -> None:
    director = Director(load_shot_book(), look_named("club"), seed=3)
    director.seek(0.0)
    act = director._now.act
    assert isinstance(act, Shoot)
    gaps = [act._gap(t) for t in np.linspace(-2.5, 0.2, 200)]
    assert act._gap(-1e-9) == pytest.approx(0, abs=1e-6)
    assert min(act._gap(t) for t in np.linspace(-2.5, -0.01, 200)) > 0
    assert max(gaps) > 3


@pytest.mark.slow
def test_balls_are_seen_where_the_truth_has_them(watched: Watched) -> None:
    """At a resting, uncovered ball the picture differs from the same place of the empty table."""
    table, frames, truths = watched
    empty = table._renderer._empty
    checked = 0
    for frame, truth in list(zip(frames, truths, strict=True))[::12]:
        for ball in truth.balls:
            if ball.status != "still" or ball.covered > 0:
                continue
            u, v = round(ball.x_px), round(ball.y_px)
            luma = abs(float(frame.y[v - 2 : v + 3, u - 2 : u + 3].mean()) - float(empty.y[v, u]))
            chroma = [
                abs(float(p[v // 2 - 1 : v // 2 + 2, u // 2 - 1 : u // 2 + 2].mean()) - float(e[v // 2, u // 2]))
                for p, e in ((frame.u, empty.u), (frame.v, empty.v))
            ]
            assert luma + sum(chroma) > 15, ball
            checked += 1
    assert checked > 100


@pytest.mark.slow
def test_a_player_covers_balls_now_and_then_and_says_so() -> None:
    source = SimulatedTable(size=(320, 180), seed=1, rack=6, fps=3)
    covered = []
    for _ in islice(source, 240):
        covered += [b.covered for b in source.truth().balls if b.status == "still"]
    assert max(covered) > 0.9
    assert np.mean([c == 0 for c in covered]) > 0.8


@pytest.mark.slow
def test_the_truth_is_read_by_evaluate(watched: Watched, tmp_path: Path) -> None:
    table, _, truths = watched
    source = SimulatedTable(size=(320, 180), seed=3)
    for frame in source:
        if frame.t_s > table.played[0].rest_s + 0.1:
            break
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(truth_file(source.shots(), truths, source.calibration, source.fps)))
    truth = read_truth(path)
    record = table.played[0].record
    assert truth.shots is not None
    assert truth.frames is not None
    assert truth.shots[0].start_s == pytest.approx(table.played[0].strike_s, abs=1e-3)
    assert truth.shots[0].result == ("make" if record.made else "miss")
    assert [p.ball for p in truth.shots[0].potted] == [e.ball for e in record.pots]
    assert truth.shots[0].facts["kind"] == "break"
    assert len(truth.frames[0]) == len(record.motions)
    assert len(truth.shots[0].facts["events"]) == len(record.events)
    assert truth.shots[0].facts["strike"]["side"] == pytest.approx(record.strike.side, abs=1e-3)


@pytest.mark.slow
def test_the_truth_says_how_balls_spin_and_whether_a_hand_is_over_the_bed(watched: Watched) -> None:
    _, _, truths = watched
    moving = [b for t in truths for b in t.to_json()["balls"] if b["state"] == "moving"]
    assert max(np.abs(b["spin_rad_s"]).max() for b in moving) > 20
    assert not truths[0].hand
    assert {t.hand for t in truths} == {True, False}


def test_a_slow_consumer_is_told_what_it_missed() -> None:
    source = SimulatedTable(size=(320, 180), realtime=True, fps=50)
    frames = iter(source)
    next(frames)
    time.sleep(0.3)
    late = next(frames)
    assert late.missing >= 10
    assert late.index == 1
    assert late.t_s == pytest.approx((late.missing + 1) / 50)


@pytest.mark.slow
def test_a_rolling_shutter_shows_each_ball_at_its_row_s_time() -> None:
    plain, rolling = (SimulatedTable(size=(320, 180), seed=3, readout_s=r) for r in (0.0, 0.016))
    assert rolling.calibration.readout_s == rolling.readout_s == 0.016
    strike, record = plain.played[0].strike_s, plain.played[0].record
    moved = 0
    for _, frame in zip(plain, rolling, strict=True):
        since = frame.t_s - strike
        if since > 0.3:
            break
        before, after = plain.truth().by_name, rolling.truth().by_name
        for name, ball in after.items():
            late = since + 0.016 * before[name].y_px / 180
            assert (ball.x_in, ball.y_in) == pytest.approx(tuple(record.state(name, late)[1]), abs=1e-6)
            moved += np.hypot(ball.x_in - before[name].x_in, ball.y_in - before[name].y_in) > 0.5
    assert moved > 3


@pytest.mark.slow
def test_live_tables_never_share_an_id() -> None:
    a, b = (SimulatedTable(size=(320, 180), realtime=True) for _ in range(2))
    assert a.id != b.id
    assert SimulatedTable(size=(320, 180), seed=4).id == SimulatedTable(size=(320, 180), seed=4).id


def test_the_evening_goes_on_mirrored_under_a_new_id() -> None:
    book = load_shot_book()
    director = Director(book, look_named("club"), seed=0)
    clock = 0.0
    while director.loop == 0:
        clock += 5.0
        director.seek(clock)
    assert clock > 1000
    director.seek(clock + 60)
    first = next(p for p in director.played if p.loop == 1)
    start, there = book.shots[0].layout_start["cue"], first.record.layout_start["cue"]
    assert there == pytest.approx((start[0], book.table.width_in - start[1]))


def test_shots_follow_each_other_at_a_watchable_pace() -> None:
    director = Director(load_shot_book(), look_named("club"), seed=0)
    for t in range(0, 300, 3):
        director.seek(float(t))
    played = list(director.played)
    pauses = [b.strike_s - a.rest_s for a, b in pairwise(played) if b.record.number > 0 and not a.record.scratch]
    assert min(pauses) > 2.0
    assert np.median(pauses) < 6.0


def test_a_brisk_pace_plays_the_same_shots_with_less_between_them() -> None:
    played = {}
    for pace in get_args(Pace):
        director = Director(load_shot_book(), look_named("club"), seed=0, pace=pace)
        director.seek(100.0)
        played[pace] = [shot for shot in director.played if shot.strike_s < 100.0]
    usual, brisk = played["usual"], played["brisk"]
    assert len(brisk) > 1.2 * len(usual)
    for a, b in zip(usual, brisk, strict=False):
        assert a.record is b.record
        assert b.rest_s - b.strike_s == pytest.approx(a.rest_s - a.strike_s)
    rests = [b.strike_s - a.rest_s for a, b in pairwise(brisk)]
    assert min(rests) > 1.0


def test_closing_ends_the_frames() -> None:
    source = SimulatedTable(size=(320, 180))
    seen = 0
    for frame in source:
        seen += 1
        if frame.index == 2:
            source.close()
    assert seen == 3


@pytest.mark.slow
def test_it_draws_faster_than_a_camera(capsys: pytest.CaptureFixture[str]) -> None:
    """A figure to read, not a promise: it depends on the machine and on what else runs there."""
    source = SimulatedTable(fps=30)
    count, start = 100, time.process_time()
    for _ in islice(source, count):
        pass
    per_frame = (time.process_time() - start) / count
    with capsys.disabled():
        print(f"\nsimulated table 1280×720: {1000 * per_frame:.1f} ms CPU a frame,", end=" ")
        print(f"{30 * per_frame:.0%} of a core at 30 fps")
    assert per_frame > 0
