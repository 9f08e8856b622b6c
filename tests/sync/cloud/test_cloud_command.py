"""`ladder cloud` and what its owner does with it."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cloud_process import CloudProcess
from flask.testing import FlaskClient
from ports import free_port, taken_port
from telling_hub import Clock, TellingHub, enrolled, small_cloud

from edge.cli import ladder
from sync.bench import measure
from sync.cloud.db import Database
from sync.cloud_command import cloud


def run(address: str, *words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(cloud, ["--db", address, *words], input=typed, prog_name="ladder cloud")


def test_a_code_is_printed_with_which_a_hub_is_enrolled(address: str) -> None:
    first, second = (run(address, "code", "--hall", "Chalk City") for _ in range(2))
    assert "a new hall" in first.stdout
    assert "a new hall" not in second.stdout
    found = re.search(r"Chalk City: ((?:[A-Z2-9]{4}-){2}[A-Z2-9]{4})\n", second.stdout)
    assert found is not None
    from sync.cloud.db import opened

    with opened(address) as db:
        from datetime import UTC, datetime

        client = small_cloud(db, Clock(datetime.now(UTC))).test_client()
        assert TellingHub().enrol(client, found.group(1).replace("-", "")).status_code == 200


def test_halls_are_listed_with_their_hubs_which_can_be_removed(
    db: Database, address: str, client: FlaskClient, hub: TellingHub
) -> None:
    assert f"Chalk City\n  {hub.device}  not heard of yet" in run(address, "halls").stdout
    hub.say(client)
    assert "last heard of 2026-12-01T12:00:00.000Z" in run(address, "halls").stdout
    assert run(address, "remove", hub.device).exit_code == 0
    again = run(address, "remove", hub.device)
    assert (again.exit_code, "ladder cloud halls" in again.stderr) == (1, True)
    assert hub.say(client).status_code == 401


def test_no_hall_says_how_there_comes_one(address: str) -> None:
    assert "ladder cloud code" in run(address, "halls").stdout


def test_a_hall_is_renamed(db: Database, address: str) -> None:
    enrolled(db, "Chalk Cty")
    assert run(address, "rename", "Chalk Cty", "Chalk City").exit_code == 0
    assert "Chalk City" in run(address, "halls").stdout
    failed = run(address, "rename", "Nowhere", "X")
    assert (failed.exit_code, failed.stderr.count("\n")) == (1, 1)


def test_an_owner_is_let_in_with_a_password_that_is_shown_once(address: str) -> None:
    made = run(address, "owner", "dana@example.com")
    assert (made.exit_code, "may sign in now" in made.stdout) == (0, True)
    assert re.search(r"shown this once: (\w{5}-){4}\w{5}\n", made.stdout)
    asked = run(address, "owner", "dana@example.com", "--ask", typed="chalk the cue first\n" * 2)
    assert (asked.exit_code, "another password" in asked.stdout, "chalk the" in asked.stdout) == (0, True, False)


def test_what_can_be_no_owner_is_said(address: str) -> None:
    for words, typed in ((["dana"], None), (["a@b.de", "--ask"], "short\nshort\n")):
        failed = run(address, "owner", *words, typed=typed)
        assert (failed.exit_code, failed.stderr.count("ladder: ")) == (1, 1)


def test_a_database_that_cannot_be_had_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for address in (
        str(tmp_path / "file" / "cloud.db"),
        "mysql://x",
        "postgresql://127.0.0.1:1/none?connect_timeout=1",
    ):
        failed = run(address, "halls")
        assert (failed.exit_code, failed.stderr.startswith("ladder: "), failed.stderr.count("\n")) == (1, True, 1)


def test_a_database_of_a_newer_version_is_refused(db: Database, address: str) -> None:
    with db.write() as conn:
        conn.run("INSERT INTO schema_steps VALUES ('later', 7, 'x')")
    failed = run(address, "halls")
    assert (failed.exit_code, "update this program" in failed.stderr) == (1, True)


def test_the_data_directory_holds_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LADDER_CLOUD_DB", raising=False)
    done = CliRunner().invoke(cloud, ["--data", str(tmp_path / "new"), "halls"])
    assert (done.exit_code, (tmp_path / "new" / "cloud.db").exists()) == (0, True)


@pytest.mark.parametrize("wrong", [["--address", "ladder.example.com"], ["--proxy", "everybody"], ["--port", "0"]])
def test_what_cannot_be_served_is_wrong_use(tmp_path: Path, wrong: list[str]) -> None:
    assert run(str(tmp_path / "cloud.db"), *wrong).exit_code == 2


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with taken_port() as port:
        failed = run(str(tmp_path / "cloud.db"), "--port", str(port))
    assert (failed.exit_code, "--port" in failed.stderr) == (1, True)


def test_it_is_one_of_ladder_s_commands() -> None:
    shown = CliRunner().invoke(ladder, ["cloud", "--help"])
    assert all(name in shown.stdout for name in ("code", "halls", "owner", "remove", "rename", "bench"))


def test_it_serves_until_it_is_asked_to_stop(tmp_path: Path) -> None:
    process = CloudProcess(str(tmp_path / "cloud.db"))
    process.start()
    assert process.port != free_port()
    assert process.stop() == 0


@pytest.mark.slow
def test_the_measure_measures_both(postgres: str) -> None:
    report = measure(postgres, batches=8)
    assert [one.database for one in report.runs] == ["SQLite", "PostgreSQL"]
    assert all(one.facts == 4000 and one.ratio > 0 and one.ratio_at_once > 0 for one in report.runs)
    assert "facts a second" in report.in_words()
    assert report.to_json()["schema"] == 1
