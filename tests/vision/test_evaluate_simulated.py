"""Balls, names and contacts counted against a truth made by hand; whole simulated halls followed in memory."""

import json
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from calibration.table import MM_PER_IN, STANDARD_TABLES
from edge.cli import ladder
from vision.balls import ball_sets
from vision.evaluate.baseline import PlainFinder
from vision.evaluate.clusters import Clusters
from vision.evaluate.detection import Found
from vision.evaluate.names import Pockets
from vision.evaluate.paths import PathTally, match_frames, path_metrics
from vision.evaluate.plan import Plan, parse_seeds
from vision.evaluate.shots import Game, score_shots
from vision.evaluate.simulated import run
from vision.evaluate.spin import macro_f1
from vision.evaluate.statistics import Metric
from vision.evaluate.tally import BallTally, detection, names, position, precision_averages, zone
from vision.evaluate.truth import TrueBall, Truth, truth_of
from vision.frames.source import Frame
from vision.model import Cushion, FirstContact, Shot, SideSpin, Spin, VerticalSpin
from vision.simulate.source import SimulatedTable

TABLE = STANDARD_TABLES["9ft"]


def ball(name: str, x: float, y: float, state: str = "still") -> TrueBall:
    return TrueBall(name, table_in=(x, y), state=state)


def found(name: str, x: float, y: float, off_mm: float = 0.0) -> Found:
    return Found(name, (0.0, 0.0), (x + off_mm / MM_PER_IN, y))


def named(metrics: list[Metric]) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics}


ONE = Clusters.of_seeds([1])

# Two frozen to each other, one rolling, one under an arm.
FRAME = [
    ball("1", 30, 20),
    ball("9", 32.3, 20),
    ball("cue", 60, 25, "moving"),
    ball("5", 80, 40, "hidden"),
]


def test_balls_count_under_their_circumstances() -> None:
    tally = BallTally()
    # One is 7 mm off, one has the wrong number, the hidden one is reported, one report is false.
    seen = [
        found("1", 30, 20, 7.0),
        found("10", 32.3, 20),
        found("cue", 60, 25, -2.0),
        found("5", 80.3, 40),
        found("7", 61, 30),
    ]
    tally.add(FRAME, seen, TABLE, hand=True)
    tally.add(FRAME[:3], [], TABLE, hand=False)
    got = named(detection([tally], ONE))
    assert got["recall within 5 mm"].value == pytest.approx(100 * 2 / 6)
    assert got["recall within 5 mm"].n == 6
    assert got["recall within 10 mm"].value == pytest.approx(50.0)
    assert (got["precision within 10 mm"].value, got["precision within 10 mm"].n) == (75.0, 4)
    assert (got["recall within 5 mm, cluster"].value, got["recall within 5 mm, cluster"].n) == (25.0, 4)
    assert (got["recall within 28 mm, moving"].value, got["recall within 28 mm, moving"].n) == (50.0, 2)
    assert got["precision within 28 mm, moving"].value == 50.0
    assert got["precision within 28 mm, still"].value == 100.0
    assert (got["recall within 28 mm, hand in view"].value, got["recall within 28 mm, hand in view"].n) == (
        100.0,
        3,
    )
    places = named(position([tally], ONE))
    assert places["position, max"].value == pytest.approx(7.0)
    assert places["position, moving, RMSE"].value == pytest.approx(2.0)
    of_names = named(names([tally], ONE))
    assert of_names["number right"].value == pytest.approx(200 / 3)
    assert of_names["group right"].value == 100.0


def test_tallies_of_stretches_add_up() -> None:
    parts = [BallTally(), BallTally()]
    whole = BallTally()
    for k, part in enumerate(parts):
        seen = [found("1", 30, 20, k), found("4", 10, 10)]
        part.add(FRAME, seen, TABLE, hand=bool(k))
        whole.add(FRAME, seen, TABLE, hand=bool(k))
    two = Clusters.of_seeds([2])
    for figures in (detection, position, names):
        for apart, together in zip(figures(parts, two), figures([whole], ONE), strict=True):
            assert (apart.name, apart.n) == (together.name, together.n)
            assert apart.value == (None if together.value is None else pytest.approx(together.value))
    assert precision_averages(parts) == precision_averages([whole])


def test_a_tally_is_read_as_it_was_written() -> None:
    tally = BallTally()
    tally.add(FRAME, [found("1", 30, 20, 7.0), found("7", 61, 30)], TABLE, hand=True)
    assert BallTally.from_json(json.loads(json.dumps(tally.to_json()))) == tally


def test_zones_of_the_table() -> None:
    assert zone(ball("1", 50, 25), TABLE) == "open table"
    assert zone(ball("1", 30, 1.2), TABLE) == "by a rail"
    assert zone(ball("1", 50, 1.2), TABLE) == "by a pocket"


def test_a_name_that_goes_over_to_another_ball_is_a_switch() -> None:
    right = [(FRAME[:2], [found("1", 30, 20), found("9", 32.3, 20)])] * 10
    wrong = [(FRAME[:2], [found("9", 30, 20), found("1", 32.3, 20)])] * 10
    perfect = PathTally.of(match_frames(right), shots=4)
    swapped = PathTally.of(match_frames(right + wrong), shots=4)
    got = named(path_metrics([perfect]))
    assert got["HOTA within 28 mm"].value == pytest.approx(100.0)
    assert got["switches of names per 100 shots"].value == 0.0
    got = named(path_metrics([swapped]))
    assert got["switches of names per 100 shots"].value == 50.0
    # Each match's pair of identities is together in 10 of the 30 frames in which one of both is.
    assert got["HOTA within 28 mm"].value == pytest.approx(100 * (10 / 30) ** 0.5)


def test_lost_and_false_balls_lower_hota() -> None:
    tally = PathTally.of(match_frames([(FRAME[:2], [found("1", 30, 20), found("3", 70, 40)])] * 5), shots=0)
    got = named(path_metrics([tally]))
    assert got["HOTA within 28 mm"].value == pytest.approx(100 * (1 / 3) ** 0.5)
    assert got["switches of names per 100 shots"].value is None


TRUTH = truth_of(
    {
        "schema": 1,
        "source": {"fps": 30},
        "shots": [
            {
                "start_s": 1.0,
                "end_s": 5.0,
                "result": "miss",
                "scratch": False,
                "first_contact": {"ball": "3", "t_s": 1.4},
                "kind": "cut",
                "spin": {"vertical": {"label": "draw"}, "side": {"label": "none"}},
                "cushions": [
                    {"ball": "cue", "rail": "foot", "t_s": 2.0},
                    {"ball": "3", "rail": "left", "t_s": 2.5},
                ],
                "events": [{"t_s": t, "kind": "ball", "ball": "cue", "other": "3"} for t in (1.4, 3.0)],
                "pocket_distance_in": 20.0,
            }
        ],
    }
)
SHOT = Shot(
    "a",
    1.05,
    "miss",
    False,
    end_s=5.2,
    first_contact=FirstContact("3", 1.42, (0.0, 0.0), (0.0, 0.0)),
    cushions=(Cushion("cue", "foot", 2.02), Cushion("3", "left", 2.6)),
)


def shots(*reported: Shot, truth: Truth = TRUTH) -> dict[str, Metric]:
    return named(score_shots([Game(truth, reported, Pockets({}, None), 1 / 30)]))


def test_contacts_count_within_one_frame() -> None:
    got = shots(SHOT)
    assert got["first ball contact (F1, within one frame)"].value == 100.0
    assert (
        got["cushion contacts (F1, within one frame)"].value,
        got["cushion contacts (F1, within one frame)"].n,
    ) == (
        50.0,
        4,
    )
    late = replace(SHOT, first_contact=FirstContact("3", 1.5, (0.0, 0.0), (0.0, 0.0)))
    assert shots(late)["first ball contact (F1, within one frame)"].value == 0.0


def test_what_the_pipeline_never_says_is_not_reported() -> None:
    got = shots(replace(SHOT, cushions=()))
    for name, n in (
        ("vertical spin right where said", 1),
        ("side spin right where said", 1),
        ("kind beyond the break", 1),
        ("later ball contacts (F1, within one frame)", 1),
        ("cushion contacts (F1, within one frame)", 2),
        ("pocket distance, mean error", 1),
    ):
        assert (got[name].value, got[name].note, got[name].n) == (None, "not reported", n), name


def test_what_it_says_one_day_is_scored() -> None:
    spin = Spin(VerticalSpin("follow"), SideSpin("none"))
    got = shots(replace(SHOT, spin=spin, kind="cut"))
    assert got["vertical spin right where said"].value == 0.0
    assert got["side spin right where said"].value == 100.0
    assert got["kind beyond the break"].value == got["kind macro-F1"].value == 100.0


def test_macro_f1_weighs_every_kind_alike() -> None:
    labels = [("cut", "cut")] * 8 + [("bank", "cut")] * 2
    assert macro_f1(labels) == pytest.approx(100 * (16 / 18) / 2)
    assert macro_f1([]) is None


@pytest.mark.slow
def test_the_plain_baseline_finds_most_balls_and_counts_on_the_same_frames() -> None:
    result = run(Plan((4,), seconds=1.0, fps=5, size=(1280, 720), every=2))
    mine, plain = named(result.metrics()), named(result.baseline())
    assert set(plain) <= set(mine) | {m for m in plain if not plain[m].n}
    assert plain["recall within 28 mm"].n == mine["recall within 28 mm"].n
    assert len(result.seeds[0].plain_ms) == result.sampled
    for name, least in (("recall within 28 mm", 60), ("precision within 28 mm", 60), ("group right", 50)):
        value = plain[name].value
        assert value is not None
        assert value > least, name


def test_the_plain_baseline_finds_nothing_where_nothing_is() -> None:
    table = SimulatedTable(size=(640, 360))
    grey = Frame.from_bgr(np.full((360, 640, 3), 90, dtype=np.uint8))
    assert PlainFinder(table.calibration, ball_sets()["american"]).find(grey) == []


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("9001", (9001,)), ("9001-9003, 9010", (9001, 9002, 9003, 9010)), ("3,1-3", (3, 1, 2))],
)
def test_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "3-1", "1,,2", "-4"])
def test_what_names_no_seeds(text: str) -> None:
    with pytest.raises(ValueError, match="names no seeds"):
        parse_seeds(text)


@pytest.mark.slow
def test_a_hall_is_followed_in_memory() -> None:
    result = run(Plan((2,), seconds=2.0, fps=10, size=(960, 540), every=3))
    assert not result.refused
    seed = result.seeds[0]
    assert result.frames == len(seed.play_ms) + len(seed.rest_ms) >= 20
    assert result.sampled == -(-result.frames // 3)
    got = named(result.metrics())
    recall = got["recall within 10 mm"].value
    assert recall is not None
    assert recall > 75
    assert got["frame by frame: AP within 28 mm"].n == got["recall within 10 mm"].n
    assert got["shots played"].n == result.shots_played
    sections = [section for section, _ in groupby(m.section for m in result.metrics())]
    assert len(sections) == len(set(sections))
    assert set(sections) >= {"detection", "position", "identity", "paths", "shots", "system"}


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(ladder, ["evaluate", *map(str, arguments)])


def test_the_command_follows_seeds(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    result = evaluate(
        "--seeds", 2, "--seconds", 0.5, "--fps", 5, "--size", "640x360", "--processes", 1, "--json", out
    )
    assert result.exit_code == 0, result.output
    assert "with seeds for development" in result.output
    document = json.loads(out.read_text())
    assert document["seeds"] == [2]
    assert document["frames"] >= 3
    figures = {m["name"]: m for m in document["metrics"]}
    assert figures["recall within 28 mm"]["section"] == "detection"
    assert figures["recall within 28 mm"]["baseline"]["n"] == figures["recall within 28 mm"]["n"]
    assert figures["shots played"]["baseline"] is None
    assert "plain baseline" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give --truth to score files, or --seeds"),
        (("--seeds", "9001", "--truth", "x"), "give --truth to score files, or --seeds"),
        (("--seeds", "9001", "--shots", "shots.json"), "--shots says how many of each seed"),
        (("--seeds", "9001", "--shots", "0"), "--shots says how many of each seed"),
        (("--seeds", "9001", "--shots", "3", "--seconds", "9"), "--seconds or --shots, not both"),
        (("--truth", "x", "--keep", "y"), "--keep does not go with --truth"),
        (("--truth", "x", "--fps", "60"), "--fps does not go with --truth"),
        (("--perfect", "--size", "640x360"), "--size does not go with --perfect"),
        (("--seeds", "1", "--noise-mm", "2"), "--noise-mm does not go with --seeds"),
        (("--perfect", "--books", "novel"), "no shot book is called 'novel'"),
        (("--seeds", "9-3"), "names no seeds"),
    ],
)
def test_wrong_use_is_told(arguments: tuple[str, ...], words: str) -> None:
    result = evaluate(*arguments)
    assert result.exit_code == 2
    assert words in result.output
