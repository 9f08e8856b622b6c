"""Perfect and garbage results scored, both ways round, in all forms of truth."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from calibration.camera import Camera
from calibration.file import Calibration
from calibration.table import STANDARD_TABLES
from edge.cli import ladder
from vision.evaluate.names import image_names, same_ball
from vision.evaluate.report import evaluate
from vision.evaluate.statistics import Metric
from vision.evaluate.truth import TrueBall, Truth, read_truth
from vision.files import (
    FileError,
    ShotsFile,
    SourceInfo,
    Still,
    StillBall,
    TrackRow,
    balls_document,
    shots_document,
    write_json,
)
from vision.model import BallState, FirstContact, Health, Pot, Shot

TABLE = STANDARD_TABLES["9ft"]
L, W = TABLE.length_in, TABLE.width_in


def overhead(turned: bool = False) -> Calibration:
    """A camera 90 in above the table's middle; the picture's up is +y, or −y when turned."""
    s = -1.0 if turned else 1.0
    camera = Camera(
        1280,
        720,
        900.0,
        900.0,
        639.5,
        359.5,
        ((s, 0.0, 0.0), (0.0, -s, 0.0), (0.0, 0.0, -1.0)),
        (-s * L / 2, s * W / 2, 90.0),
    )
    return Calibration("test", "corners", TABLE, camera)


def shot(number: int, start_s: float, *pots: tuple[str, str, float], **more: Any) -> Shot:
    potted = tuple(
        Pot(ball, "solid", pocket, (0.0, 0.0), t, 0.9)  # type: ignore[arg-type]
        for ball, pocket, t in pots
    )
    return Shot(
        id=f"s-{number}",
        start_s=start_s,
        result="make" if pots else "miss",
        scratch=False,
        end_s=start_s + 4,
        potted=potted,
        **more,
    )


def shots_file(shots: list[Shot], calibration: Calibration | None = None) -> ShotsFile:
    info = SourceInfo("test", 300, fps=30.0, duration_s=10.0)
    document = shots_document(info, calibration or overhead(), Health(frames=300), shots)
    return ShotsFile(document, tuple(shots))


TRUTH: dict[str, Any] = {
    "schema": 1,
    "shots": [
        {
            "start_s": 1.0,
            "end_s": 5.0,
            "result": "make",
            "scratch": False,
            "potted": [{"ball": "3", "group": "solid", "pocket": "side-W", "t_s": 2.5}],
            "first_contact": {"ball": "3"},
            "cut_angle_deg": 20.0,
            "cue_speed_mph": 5.0,
        },
        {"start_s": 20.0, "end_s": 24.0, "result": "miss", "scratch": False, "potted": []},
    ],
}


def truth_from(tmp_path: Path, data: Any, clip: str | None = None) -> Truth:
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(data))
    return read_truth(path, clip)


def named(metrics: list[Metric]) -> dict[str, float | None]:
    return {metric.name: metric.value for metric in metrics}


def test_perfect_shots_score_full_marks(tmp_path: Path) -> None:
    contact = FirstContact("3", 2.0, (50.0, 25.0), (52.0, 26.0))
    shots = [
        shot(1, 1.1, ("3", "side-W", 2.6), first_contact=contact, cut_angle_deg=21.0, cue_speed_mph=5.1),
        shot(2, 19.9),
    ]
    got = named(evaluate(truth_from(tmp_path, TRUTH), shots=shots_file(shots)))
    for name in (
        "shots found (F1, start ± 0.2 s)",
        "make or miss right",
        "scratch right",
        "potted balls and pockets right",
        "first contact right",
        "end within 0.5 s",
        "pots found (-0.5 … +0.5 s)",
        "pocket right",
        "potted ball right",
    ):
        assert got[name] == 100.0, name
    assert got["false pots"] == 0
    assert got["cut angle, mean error"] == pytest.approx(1.0)
    assert got["speed, mean error, relative"] == pytest.approx(2.0)


def test_garbage_shots_score_nothing(tmp_path: Path) -> None:
    shots = [shot(1, 1.5, ("4", "side-0", 9.0)), shot(2, 12.0), shot(3, 30.0, ("5", "corner-0-0", 31.0))]
    got = named(evaluate(truth_from(tmp_path, TRUTH), shots=shots_file(shots)))
    assert got["shots found (F1, start ± 0.2 s)"] == 0.0
    assert got["pots found (-0.5 … +0.5 s)"] == 0.0
    assert got["false pots"] == 2


def test_a_right_shot_with_the_wrong_pocket_is_seen(tmp_path: Path) -> None:
    got = named(evaluate(truth_from(tmp_path, TRUTH), shots=shots_file([shot(1, 1.0, ("3", "side-0", 2.5))])))
    assert got["shots found (F1, start ± 0.2 s)"] == pytest.approx(200 / 3)
    assert got["pocket right"] == 0.0
    assert got["potted balls and pockets right"] == 0.0


def test_pockets_are_compared_by_place_when_the_table_lies_the_other_way(tmp_path: Path) -> None:
    data = {**TRUTH, "calibration": {"pockets_px": overhead().pockets_px.tolist()}}
    turned = shots_file([shot(1, 1.0, ("3", "side-0", 2.5)), shot(2, 20.0)], overhead(turned=True))
    assert named(evaluate(truth_from(tmp_path, data), shots=turned))["pocket right"] == 100.0


def test_image_names_of_pockets() -> None:
    names = image_names(overhead().pockets_px)
    assert names == [
        "image-bottom-left",
        "image-bottom-right",
        "image-top-left",
        "image-top-right",
        "image-bottom-middle",
        "image-top-middle",
    ]
    assert image_names(overhead(turned=True).pockets_px)[0] == "image-top-right"
    upright = overhead().pockets_px[:, ::-1] * (1, -1)  # a quarter turn counter-clockwise
    assert set(image_names(upright)) >= {"image-middle-left", "image-middle-right"}


MANIFEST: dict[str, Any] = {
    "clips": [
        {
            "file": "a/one.mp4",
            "shots": [{"potted": [{"ball": "2 (blue)", "pocket": "image-top-middle"}], "first_contact": "red"}],
        },
        {"file": "b/rack.mp4", "shots_total": 3, "pot_times_ms": [2500, 9000], "pot_window_ms": [-1000, 1000]},
        {"file": "c/solid.mp4", "shots": [{"potted": [{"ball": "a solid"}]}], "boxes": ["first.txt", "last.txt"]},
    ]
}


def test_a_manifest_names_pockets_by_their_place(tmp_path: Path) -> None:
    truth = truth_from(tmp_path, {"clips": MANIFEST["clips"][:2]}, "one")
    right = shots_file([shot(1, 1.0, ("2", "side-W", 2.5))])
    wrong = shots_file([shot(1, 1.0, ("2", "side-0", 2.5))])
    assert named(evaluate(truth, shots=right))["pocket right"] == 100.0
    assert named(evaluate(truth, shots=wrong))["pocket right"] == 0.0
    assert named(evaluate(truth, shots=right))["potted ball right"] == 100.0


def test_a_manifest_of_pot_times_alone(tmp_path: Path) -> None:
    truth = truth_from(tmp_path, {"clips": MANIFEST["clips"][:2]}, "rack")
    shots = [shot(1, 1.0, ("1", "side-0", 1.8)), shot(2, 15.0, ("2", "side-0", 16.0))]
    got = named(evaluate(truth, shots=shots_file(shots)))
    assert got["pots found (-1 … +1 s)"] == 50.0
    assert got["false pots"] == 1
    assert (got["shots played"], got["shots reported"]) == (3, 2)


def test_boxes_beside_a_clip_are_scored_in_the_first_and_last_frame(tmp_path: Path) -> None:
    calibration = overhead()
    (u, v), (u2, v2) = calibration.to_picture([(30.0, 20.0), (60.0, 30.0)])
    (tmp_path / "c").mkdir()
    (tmp_path / "c/first.txt").write_text(f"{u - 8:.3f} {v - 8:.3f} 17 17 1\n{u2 - 8:.3f} {v2 - 8:.3f} 17 17 3\n")
    (tmp_path / "c/last.txt").write_text(f"{u - 8:.3f} {v - 8:.3f} 17 17 1\n")
    truth = truth_from(tmp_path, MANIFEST, "solid")
    rows = [row(0, "cue", 30.0, 20.0), row(0, "3", 60.0, 30.0), row(299, "cue", 30.0, 20.0)]
    got = named(evaluate(truth, shots=shots_file([]), tracks=rows))
    assert got["tracks: recall within 5 mm"] == 100.0
    assert got["tracks: position max"] == pytest.approx(0.0, abs=0.05)
    assert got["tracks: group right"] == 100.0


def row(frame: int, ball: str, x: float, y: float, state: str = "still") -> TrackRow:
    u, v = overhead().to_picture([(x, y)])[0]
    return TrackRow(frame, frame / 30, BallState(ball, x, y, float(u), float(v), state))  # type: ignore[arg-type]


@pytest.mark.parametrize("turn", [False, True])
def test_tracks_against_true_positions(tmp_path: Path, turn: bool) -> None:
    data = {
        "schema": 1,
        "frames": [
            {
                "frame": f,
                "balls": [
                    {"ball": "cue", "table_in": [20 + f, 10], "state": "moving"},
                    {"ball": "5", "table_in": [70, 40]},
                    {"ball": "6", "table_in": [50, 5], "state": "hidden"},
                ],
            }
            for f in range(10)
        ],
    }
    rows = []
    for f in range(10):
        for ball, x, y in (("cue", 20 + f + 0.1, 10.0), ("5", 70.0, 40.0), ("6", 50.5, 5.0)):
            rows.append(row(f, ball, L - x if turn else x, W - y if turn else y))
    got = named(evaluate(truth_from(tmp_path, data), shots=shots_file([]), tracks=rows))
    assert got["tracks: recall within 5 mm"] == got["tracks: precision within 5 mm"] == 100.0
    assert got["tracks: ball named right"] == 100.0
    assert got["tracks: moving position median"] == pytest.approx(2.54)
    assert got["tracks: position max"] == pytest.approx(0.0, abs=1e-9)
    assert got["jitter of a still ball"] is not None


def stills_pair(
    tmp_path: Path, change: Callable[[list[StillBall]], list[StillBall]] = lambda balls: balls
) -> tuple[Truth, dict[str, Any]]:
    calibration = overhead()
    places = [(20.0, 10.0), (22.4, 10.0), (70.0, 40.0), (50.0, 25.0)]
    pixels = calibration.to_picture(places)
    colours = ["WHITE", "RED", "RED", None]
    data = [
        {
            "image": "one.png",
            "balls": [
                {"colour": colour, "px": [u + 0.5, v + 0.5]}
                for colour, (u, v) in zip(colours, pixels, strict=True)
            ],
        }
    ]
    names = ["cue", "red-1", "red-2", "blue"]
    balls = [
        StillBall(name, float(u), float(v), x, y, 9.0, 0.9)
        for name, (x, y), (u, v) in zip(names, places, pixels, strict=True)
    ]
    document = balls_document(calibration, [Still("one.png", tuple(change(balls)))])
    return truth_from(tmp_path, data), json.loads(json.dumps(document))


def test_stills_found_perfectly(tmp_path: Path) -> None:
    truth, document = stills_pair(tmp_path)
    got = named(evaluate(truth, balls=document))
    for radius in ("5", "10", "28"):
        for figure in ("recall", "precision", "AP"):
            assert got[f"stills: {figure} within {radius} mm"] == pytest.approx(100.0)
    assert got["stills: position max"] == pytest.approx(0.0, abs=0.03)
    assert got["stills: ball named right"] == 100.0


def test_stills_with_a_false_a_lost_and_a_shifted_ball(tmp_path: Path) -> None:
    def spoil(balls: list[StillBall]) -> list[StillBall]:
        false = StillBall("9", 900.0, 200.0, 78.0, 40.0, 9.0, 0.95)
        px_per_in = overhead().px_per_in(70, 40)
        shifted = replace(balls[2], x_px=balls[2].x_px + px_per_in * 7 / 25.4)
        return [balls[0], balls[1], shifted, false]

    truth, document = stills_pair(tmp_path, spoil)
    got = named(evaluate(truth, balls=document))
    assert got["stills: recall within 28 mm"] == 75.0
    assert got["stills: recall within 5 mm"] == 50.0
    assert got["stills: precision within 10 mm"] == 75.0
    assert got["stills: position max"] == pytest.approx(7.0, abs=0.1)
    assert got["stills: AP within 28 mm"] == pytest.approx(75 * 0.75)


def test_one_report_never_counts_for_two_balls(tmp_path: Path) -> None:
    truth, document = stills_pair(tmp_path, lambda balls: [balls[2]] * 4)
    got = named(evaluate(truth, balls=document))
    assert got["stills: recall within 28 mm"] == 25.0
    assert got["stills: precision within 28 mm"] == 25.0


def test_names_of_balls() -> None:
    assert same_ball("red", "red-7")
    assert same_ball("red", "3")
    assert same_ball("2", "2")
    assert not same_ball("red", "11")
    assert not same_ball("3", "solid?")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"schema": 7}, "schema 7"),
        ({"clips": [{"file": "a.mp4"}]}, "--clip"),
        ({"schema": 1, "frames": [{"frame": 0, "balls": [{"ball": "cue"}]}]}, "px or table_in"),
        ("text", "no truth file"),
    ],
)
def test_bad_truth_is_refused_in_one_line(tmp_path: Path, data: Any, words: str) -> None:
    with pytest.raises(FileError, match=words) as caught:
        truth_from(tmp_path, data)
    assert "\n" not in str(caught.value)


def test_truth_without_anything_to_compare_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="says nothing"):
        evaluate(Truth(frames={0: (TrueBall("cue", table_in=(1.0, 1.0)),)}), shots=shots_file([]))


def test_the_command_writes_table_and_json(tmp_path: Path) -> None:
    write_json(tmp_path / "truth.json", TRUTH)
    write_json(tmp_path / "shots.json", shots_file([shot(1, 1.0, ("3", "side-W", 2.5))]).document)
    with (tmp_path / "tracks.csv").open("w", newline="") as file:
        csv.writer(file).writerow(["frame", "t_s", "ball", "x_in", "y_in", "x_px", "y_px", "state"])
    arguments = ["evaluate", "--truth", str(tmp_path / "truth.json"), "--shots", str(tmp_path / "shots.json")]
    arguments += ["--tracks", str(tmp_path / "tracks.csv"), "--json", str(tmp_path / "out.json")]
    result = CliRunner().invoke(ladder, arguments)
    assert result.exit_code == 0, result.output
    assert "make or miss right" in result.output
    metrics = {m["name"]: m for m in json.loads((tmp_path / "out.json").read_text())["metrics"]}
    assert metrics["make or miss right"]["n"] == 1
    assert np.isclose(metrics["make or miss right"]["low"], 20.65, atol=0.01)


def test_the_command_fails_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text("{")
    result = CliRunner().invoke(
        ladder, ["evaluate", "--truth", str(tmp_path / "truth.json"), "--shots", str(tmp_path / "none.json")]
    )
    assert result.exit_code == 1
    assert result.output.startswith("ladder: ")
    assert result.output.count("\n") == 1
    assert CliRunner().invoke(ladder, ["evaluate", "--truth", "x"]).exit_code == 2
