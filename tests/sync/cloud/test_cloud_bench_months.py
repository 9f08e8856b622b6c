"""The measure of closing months does what it says, on a few halls."""

import json
from pathlib import Path

from click.testing import CliRunner

from sync.bench_months import measure_months
from sync.cloud_command import cloud


def test_months_are_closed_and_pages_asked(postgres: str) -> None:
    runs = measure_months(postgres, 12, 6)
    assert [run.database for run in runs] == ["SQLite", "PostgreSQL"]
    for run in runs:
        assert (run.halls, run.scores) == (12, 72)
        assert 0 < run.rewards <= 12
        assert run.closed_s > 0
        assert {"/healthz", "/", "/halls/ID", "/rewards", "/rules"} == run.pages_ms.keys()
        assert "12 halls with 72 scores" in run.in_words()


def test_the_command_writes_what_it_measured(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    words = ["--data", str(tmp_path), "bench-months", "--halls", "10", "--players", "2", "--json", str(out)]
    result = CliRunner().invoke(cloud, words, prog_name="ladder cloud")
    assert result.exit_code == 0, result.output
    assert json.loads(out.read_text())[0]["halls"] == 10
