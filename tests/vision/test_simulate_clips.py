"""A recorded clip, its truth and its calibration belong together; `ladder simulate` makes them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from calibration.file import load_calibration
from edge.cli import ladder
from vision.evaluate.truth import read_truth
from vision.frames.file import FileSource
from vision.simulate.clips import record_clip
from vision.simulate.conditions import conditions
from vision.simulate.source import SimulatedTable
from vision.simulate.take import Take


@pytest.mark.slow
def test_a_clip_comes_with_its_truth_and_calibration(tmp_path: Path) -> None:
    table = SimulatedTable(size=(320, 180), fps=10, seed=9)
    clip = record_clip(table, tmp_path / "clips", "break", shots=1)
    frames = list(FileSource(clip.video))
    truth = read_truth(clip.truth)
    calibration = load_calibration(clip.calibration)
    calibration.require_picture(frames[0].width_px, frames[0].height_px)
    assert len(frames) == clip.frames == len(truth.frames or ())
    assert truth.shots is not None
    assert len(truth.shots) == 1
    assert truth.shots[0].end_s is not None
    assert truth.shots[0].end_s < frames[-1].t_s
    assert calibration.camera == table.calibration.camera


def test_a_take_of_seconds_ends_when_the_balls_are_at_rest() -> None:
    take = Take(SimulatedTable(size=(320, 180), fps=4, seed=9), seconds=6.0)
    last = [frame.t_s for frame in take][-1]
    truth = take.truth()
    assert last >= 6.0
    assert all(ball["state"] != "moving" for ball in truth["frames"][-1]["balls"])
    assert [shot["end_s"] for shot in truth["shots"]] == [pytest.approx(last - 1, abs=0.3)]


@pytest.mark.parametrize(
    ("options", "words"),
    [({"shots": 0}, "at least 1"), ({"seconds": 0.0}, "more than 0"), ({}, "one of both")],
)
def test_a_take_of_nothing_is_refused(options: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Take(SimulatedTable(size=(320, 180)), **options)  # type: ignore[arg-type]


def simulate(*arguments: object) -> Result:
    return CliRunner().invoke(ladder, ["simulate", *map(str, arguments)])


def test_the_command_films_each_seed(tmp_path: Path) -> None:
    result = simulate(
        "--seed", 3, "--count", 2, "--seconds", 1, "--fps", 5, "--size", "320x180", "--out", tmp_path / "new"
    )
    assert result.exit_code == 0, result.output
    assert conditions(4).in_words() in result.output
    for seed in (3, 4):
        base = tmp_path / "new" / f"seed-{seed}"
        frames = list(FileSource(base.with_suffix(".mp4")))
        truth = json.loads(base.with_name(f"{base.name}-truth.json").read_text())
        assert len(frames) == len(truth["frames"]) >= 5
        calibration = load_calibration(base.with_name(f"{base.name}-calibration.json"))
        assert calibration.table.name == truth["table"]["name"]


def test_the_command_films_shots_on_a_table_of_one_s_choice(tmp_path: Path) -> None:
    result = simulate(
        *("--seed", 9001, "--shots", 1, "--fps", 4, "--size", "320x180", "--out", tmp_path),
        *("--table", "7ft", "--rack", 1, "--look", "club"),
    )
    assert result.exit_code == 0, result.output
    assert result.output.startswith("1 shot in ")
    truth = json.loads((tmp_path / "seed-9001-truth.json").read_text())
    assert (truth["table"]["name"], len(truth["shots"])) == ("7ft", 1)
    assert truth["shots"][0]["kind"] == "break"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--seconds", 5, "--shots", 2), "not both"),
        (("--size", "641x360"), "even numbers"),
        (("--table", "8ft"), "7ft and 9ft"),
        (("--rack", 99), "there is no rack 99"),
        (("--seed", -1), "--seed"),
    ],
)
def test_wrong_use_is_told(tmp_path: Path, arguments: tuple[object, ...], words: str) -> None:
    result = simulate("--out", tmp_path / "none", *arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert not (tmp_path / "none").exists()


def test_a_folder_that_can_not_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = simulate("--seconds", 1, "--size", "320x180", "--out", tmp_path / "file" / "clips")
    assert result.exit_code == 1
    assert result.output.startswith("ladder: ")
    assert result.output.count("\n") == 1
