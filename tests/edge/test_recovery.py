"""A damaged store is kept aside, the last snapshot takes its place, and what can still be read is brought over."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from ports import free_port
from shot_book import (
    NOW,
    checkpoint,
    damage_pages,
    epoch_of,
    facts_of,
    page_size,
    play,
    require_sound,
    shot,
    shots_of,
)
from waiting import wait_until

from edge import backup
from edge.backup.snapshot import STORE
from edge.cli import ladder
from edge.clock import stamp
from edge.hall import audit, erasure
from edge.hall.players import get_player, sign_up
from edge.runtime.paths import Paths
from edge.store import damage, recovery
from edge.store.database import Store, connect
from edge.store.errors import StoreBusyError, StoreDamagedError
from edge.store.migrations import require_current
from edge.store.recovery import prepare
from edge.store.shots import mend_shot

SEEDS = range(10)


def prepared(paths: Paths, **more: bool) -> list[str]:
    """Prepares the store; what was said."""
    said: list[str] = []
    prepare(paths, NOW, say=said.append, sleep=lambda _: None, **more)
    return said


def what(paths: Paths) -> dict[str, object]:
    """What was written down of the one recovery there was."""
    (aside,) = paths.damaged.iterdir()
    told: dict[str, object] = json.loads((aside / "what.json").read_text())
    return told


def root_of(path: Path, name: str) -> int:
    """The root page of a table or an index, counted from nought."""
    with closing(sqlite3.connect(path)) as conn:
        (page,) = conn.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", [name]).fetchone()
    return int(page) - 1


def pages_of(path: Path, table: str) -> list[int]:
    """All pages of a table but its root, counted from nought."""
    with closing(connect(path, "read")) as conn:
        rows = conn.execute("SELECT pageno FROM dbstat WHERE name = ? AND path != '/'", [table])
        return [row[0] - 1 for row in rows]


def overwrite(path: Path, pages: list[int], seed: int = 0) -> None:
    size, draw = page_size(path), random.Random(seed)
    with path.open("rb+") as file:
        for page in pages:
            file.seek(page * size)
            file.write(draw.randbytes(size))


def leave_open(path: Path) -> None:
    """As a kill leaves it: a log is there."""
    program = (
        "import os, sys; from pathlib import Path; from edge.store.database import Store\n"
        "store = Store(Path(sys.argv[1]))\n"
        "with store.write() as conn: conn.execute('UPDATE identity SET created = hex(randomblob(9))')\n"
        "os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 9
    assert (path.parent / "ladder.db-wal").stat().st_size > 0


def test_a_sound_store_is_left_alone(paths: Paths) -> None:
    play(paths.store, range(5))
    backup.take(paths, NOW)
    before = epoch_of(paths.store)
    assert prepared(paths) == []
    leave_open(paths.store)
    assert prepared(paths) == []
    assert epoch_of(paths.store) == before
    assert not paths.damaged.exists()


def test_a_first_start_makes_a_store(tmp_path: Path) -> None:
    box = Paths(tmp_path / "new", tmp_path / "run")
    assert prepared(box) == []
    require_current(box.store)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_page_is_overwritten_a_sound_store_comes_of_it(paths: Paths, seed: int) -> None:
    play(paths.store, range(40))
    made = backup.take(paths, NOW)
    play(paths.store, range(40, 60))
    checkpoint(paths.store)
    before = paths.store.read_bytes()
    damage_pages(paths.store, seed, 1 + seed % 4)
    damaged = paths.store.read_bytes()
    damage.mark(paths.store, "a service met a page that is none")
    prepared(paths)
    require_current(paths.store)
    require_sound(paths.store)
    if not paths.damaged.exists():  # the pages held nothing, or what no check sees
        return
    told = what(paths)
    (aside,) = paths.damaged.iterdir()
    assert (aside / "ladder.db").read_bytes() == damaged != before, "it is kept as it was found"
    assert told["snapshot"] == made.name
    assert {f"cam@{n}" for n in range(40)} <= shots_of(paths.store)
    assert len(shots_of(paths.store)) == 40 + int(str(told["shots"]))
    assert epoch_of(paths.store) == told["epoch"] != made.epoch
    with closing(connect(paths.store, "read")) as conn:
        assert audit.recent(conn, 1)[0].what == "store.restored"


def test_where_only_an_index_is_damaged_every_shot_and_fact_is_brought_over(paths: Paths) -> None:
    play(paths.store, range(20))
    made = backup.take(paths, NOW)
    play(paths.store, range(20, 50))
    play(paths.store, range(45, 50), revision=2)
    checkpoint(paths.store)
    shots, facts = shots_of(paths.store), facts_of(paths.store)
    overwrite(paths.store, [root_of(paths.store, "shots_by_time")])
    said = prepared_when_marked(paths)
    assert shots_of(paths.store) == shots
    assert facts_of(paths.store) == facts, "every fact under its own key and hash"
    told = what(paths)
    assert (told["shots"], told["amendments"], told["facts"], told["unreadable"]) == (30, 5, 35, 0)
    assert "brought over from it: 30 shots, 5 amendments, 35 facts" in said[0]
    with closing(connect(paths.store, "read")) as conn:
        epochs = {row["seq"]: row["epoch"] for row in conn.execute("SELECT seq, epoch FROM outbox")}
        assert conn.execute("SELECT count(*) FROM to_book").fetchone()[0] >= 30, "they will be booked"
    assert {epochs[seq] for seq in range(1, 21)} == {made.epoch}
    assert {epochs[seq] for seq in range(21, 56)} == {told["epoch"]}
    require_sound(paths.store)


def test_a_shot_whose_row_is_lost_is_made_of_its_fact(paths: Paths) -> None:
    play(paths.store, range(20))
    backup.take(paths, NOW)
    play(paths.store, range(20, 40))
    with Store(paths.store) as store, store.write() as conn:
        mend_shot(conn, shot(30), "somebody", "said so")
    checkpoint(paths.store)
    shots, facts = shots_of(paths.store), facts_of(paths.store)
    overwrite(paths.store, [root_of(paths.store, "shots"), root_of(paths.store, "amendments")])
    prepared_when_marked(paths)
    assert shots_of(paths.store) == shots
    assert facts_of(paths.store) == facts
    with closing(connect(paths.store, "read")) as conn:
        row = conn.execute("SELECT revision, amended FROM shots_now WHERE id = 'cam@30'").fetchone()
    assert tuple(row) == (2, 1)
    require_sound(paths.store)


def prepared_when_marked(paths: Paths) -> list[str]:
    damage.mark(paths.store, "met")
    return prepared(paths)


def test_a_fact_that_is_lost_is_told_anew_of_its_shot(paths: Paths) -> None:
    play(paths.store, range(20))
    backup.take(paths, NOW)
    play(paths.store, range(20, 30))
    play(paths.store, range(25, 27), revision=2)
    checkpoint(paths.store)
    shots, facts = shots_of(paths.store), facts_of(paths.store)
    overwrite(paths.store, [root_of(paths.store, "outbox")])
    prepared_when_marked(paths)
    assert shots_of(paths.store) == shots
    assert len(facts_of(paths.store)) == len(facts)
    assert what(paths)["facts"] == 12
    require_sound(paths.store)


def test_a_shot_that_changed_without_a_trace_is_not_believed(paths: Paths) -> None:
    play(paths.store, range(20))
    backup.take(paths, NOW)
    play(paths.store, range(20, 40))
    checkpoint(paths.store)
    content = paths.store.read_bytes()
    assert content.count(b'"start_s":35.0') == 2, "in the shot and in its fact"
    paths.store.write_bytes(content.replace(b'"start_s":35.0', b'"start_s":36.0'))
    overwrite(paths.store, [root_of(paths.store, "shots_by_time")])
    prepared_when_marked(paths)
    assert {f"cam@{n}" for n in range(40)} - shots_of(paths.store) == {"cam@35"}
    assert what(paths)["unreadable"] == 1


def test_after_an_end_that_was_not_clean_damage_is_found_that_nobody_met(paths: Paths) -> None:
    play(paths.store, range(20))
    backup.take(paths, NOW)
    root = root_of(paths.store, "shots_by_time")
    leave_open(paths.store)
    overwrite(paths.store, [root])
    prepared(paths)
    assert what(paths)["why"] == "damaged"
    require_sound(paths.store)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_of_many_damaged_pages_what_is_brought_over_is_what_was_there(paths: Paths, seed: int) -> None:
    play(paths.store, range(30))
    backup.take(paths, NOW)
    play(paths.store, range(30, 120))
    checkpoint(paths.store)
    facts = facts_of(paths.store)
    pages = pages_of(paths.store, "outbox") + pages_of(paths.store, "shots")
    overwrite(paths.store, random.Random(seed).sample(pages, 12), seed)
    prepared_when_marked(paths)
    require_sound(paths.store)
    kept = facts_of(paths.store)
    told = what(paths)
    assert set(kept) >= set(list(facts)[:30])
    assert {key: facts[key] for key in kept if key in facts} == {key: kept[key] for key in kept if key in facts}
    assert int(str(told["facts"])) >= 40, "a page costs its own rows"
    lost = {f"cam@{n}" for n in range(120)} - shots_of(paths.store)
    assert len(lost) <= int(str(told["unreadable"]))


@pytest.mark.parametrize("how", ["first page", "header", "text", "short", "empty", "gone"])
def test_a_file_that_can_not_be_opened_is_restored(paths: Paths, how: str) -> None:
    play(paths.store, range(20))
    backup.take(paths, NOW)
    play(paths.store, range(20, 30))
    checkpoint(paths.store)
    content = paths.store.read_bytes()
    size = page_size(paths.store)
    match how:
        case "first page":
            paths.store.write_bytes(random.Random(1).randbytes(size) + content[size:])
        case "header":
            paths.store.write_bytes(bytes(100) + content[100:])
        case "text":
            paths.store.write_text("this is no database " * 400)
        case "short":
            paths.store.write_bytes(content[: len(content) // 2 + 17])
        case "empty":
            paths.store.write_bytes(b"")
        case _:
            paths.store.unlink()
    prepared(paths)
    require_current(paths.store)
    require_sound(paths.store)
    brought = {"first page": 10, "header": 10}.get(how, 0)
    assert shots_of(paths.store) >= {f"cam@{n}" for n in range(20 + brought)}
    assert what(paths)["why"] == ("gone" if how == "gone" else "damaged")


def test_a_log_that_was_not_folded_in_is_brought_over_too(paths: Paths) -> None:
    play(paths.store, range(20))
    backup.take(paths, NOW)
    program = (
        "import os, sys; sys.path.append(sys.argv[2]); from pathlib import Path\n"
        "from shot_book import play; from edge.store.database import connect\n"
        "holding = connect(Path(sys.argv[1])); play(Path(sys.argv[1]), range(20, 30)); os._exit(9)"
    )
    helpers = str(Path(__file__).parents[1] / "helpers")
    subprocess.run([sys.executable, "-c", program, str(paths.store), helpers], check=False)
    content = paths.store.read_bytes()
    paths.store.write_bytes(bytes(100) + content[100:])
    prepared(paths)
    assert shots_of(paths.store) == {f"cam@{n}" for n in range(30)}


def test_an_older_snapshot_serves_where_the_newest_is_damaged_too(paths: Paths) -> None:
    play(paths.store, range(10))
    first = backup.take(paths, NOW)
    newest = backup.take(paths, NOW + timedelta(days=1))
    overwrite(newest.path / STORE, [3])
    paths.store.write_text("no database")
    said = prepared(paths)
    assert "is not what was written" in said[0]
    assert what(paths)["snapshot"] == first.name
    assert len(shots_of(paths.store)) == 10


def test_without_a_snapshot_nothing_is_made_up(paths: Paths) -> None:
    play(paths.store, range(10))
    checkpoint(paths.store)
    overwrite(paths.store, [root_of(paths.store, "shots_by_time")])
    damage.mark(paths.store, "met")
    damaged = paths.store.read_bytes()
    for _ in range(2):
        with pytest.raises(StoreDamagedError, match=r"no snapshot in .*--start-anew"):
            prepared(paths)
        with pytest.raises(StoreDamagedError, match="run ladder migrate"):
            require_current(paths.store)
    assert paths.store.read_bytes() == damaged


def test_starting_anew_keeps_the_name_the_shots_and_the_damaged_store(paths: Paths) -> None:
    play(paths.store, range(10))
    checkpoint(paths.store)
    with closing(connect(paths.store, "read")) as conn:
        device = conn.execute("SELECT device FROM identity").fetchone()["device"]
    before = epoch_of(paths.store)
    overwrite(paths.store, [root_of(paths.store, "shots_by_time")])
    damage.mark(paths.store, "met")
    result = CliRunner().invoke(ladder, ["migrate", "--data", str(paths.data)])
    assert result.exit_code == 1
    assert "--start-anew" in result.output
    result = CliRunner().invoke(ladder, ["migrate", "--data", str(paths.data), "--start-anew"])
    assert result.exit_code == 0, result.output
    assert shots_of(paths.store) == {f"cam@{n}" for n in range(10)}
    with closing(connect(paths.store, "read")) as conn:
        assert conn.execute("SELECT device FROM identity").fetchone()["device"] == device
    assert epoch_of(paths.store) != before
    assert what(paths)["why"] == "anew"
    require_sound(paths.store)


def test_starting_anew_leaves_a_sound_store_alone(paths: Paths) -> None:
    play(paths.store, range(3))
    assert prepared(paths, start_anew=True) == []
    assert len(shots_of(paths.store)) == 3


def test_a_mark_that_was_wrong_is_taken_off(paths: Paths) -> None:
    play(paths.store, range(3))
    before = epoch_of(paths.store)
    damage.mark(paths.store, "met")
    assert prepared(paths) == []
    require_current(paths.store)
    assert epoch_of(paths.store) == before


def test_damage_met_while_it_runs_is_marked_and_no_service_starts(paths: Paths) -> None:
    play(paths.store, range(30))
    checkpoint(paths.store)
    overwrite(paths.store, [root_of(paths.store, "shots")])
    with Store(paths.store) as store, pytest.raises(StoreDamagedError), store.read() as conn:
        conn.execute("SELECT count(body) FROM shots NOT INDEXED").fetchone()
    assert "is damaged" in str(damage.marked(paths.store))
    with pytest.raises(StoreDamagedError, match="run ladder migrate"):
        require_current(paths.store)


def test_who_was_erased_since_the_snapshot_is_erased_again(paths: Paths) -> None:
    with Store(paths.store) as store, store.write() as conn:
        gone, stays = (sign_up(conn, name, stamp(NOW)).id for name in ("Ana", "Ben"))
    backup.take(paths, NOW)
    with Store(paths.store) as store, store.write() as conn:
        erasure.erase(conn, gone, NOW, role="player", who=None)
    checkpoint(paths.store)
    overwrite(paths.store, [root_of(paths.store, "players")])  # the fact still tells
    prepared_when_marked(paths)
    with closing(connect(paths.store, "read")) as conn:
        players = [get_player(conn, one) for one in (gone, stays)]
    assert [player.name for player in players if player] == ["", "Ben"]


def test_a_damaged_store_that_others_have_open_is_not_touched(paths: Paths) -> None:
    play(paths.store, range(3))
    backup.take(paths, NOW)
    program = (
        "import sys, time; from pathlib import Path; from edge.store.database import connect\n"
        "conn = connect(Path(sys.argv[1]), 'read'); print('open', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(paths.store)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        damage.mark(paths.store, "met")
        with pytest.raises(StoreBusyError, match="in use"):
            prepared(paths)
        other.kill()
    assert prepared(paths) == []
    require_current(paths.store)


RECOVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from edge.runtime.paths import Paths
from edge.store.recovery import prepare
print("begun", flush=True)
prepare(Paths(Path(sys.argv[1]), Path(sys.argv[1]) / "run"), datetime.now(UTC))
"""


@pytest.mark.parametrize("number", [0, 1, *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, 6))])
def test_whoever_is_killed_while_recovering_is_followed_by_one_who_ends_it(paths: Paths, number: int) -> None:
    play(paths.store, range(30))
    backup.take(paths, NOW)
    play(paths.store, range(30, 45))
    checkpoint(paths.store)
    overwrite(paths.store, [root_of(paths.store, "shots_by_time")])
    damage.mark(paths.store, "met")
    arguments = [sys.executable, "-c", RECOVER, str(paths.data)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(0.06 * number)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
    prepared(paths)
    require_current(paths.store)
    require_sound(paths.store)
    assert shots_of(paths.store) == {f"cam@{n}" for n in range(45)}
    kept = [aside for aside in paths.damaged.iterdir() if (aside / "ladder.db").exists()]
    assert len(kept) == 1


def test_a_check_changes_nothing_of_what_it_looks_at(paths: Paths) -> None:
    play(paths.store, range(30))
    root = root_of(paths.store, "shots_by_time")
    leave_open(paths.store)
    overwrite(paths.store, [root])
    before = {name: (paths.data / name).read_bytes() for name in ("ladder.db", "ladder.db-wal")}
    assert recovery.check(paths.store)
    assert before == {name: (paths.data / name).read_bytes() for name in before}
    assert os.listdir(paths.data).count("ladder.db") == 1


def test_no_service_starts_while_the_store_is_being_mended(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    play(paths.store, range(3))
    backup.take(paths, NOW)
    paths.store.write_text("no database")
    looked = []

    def meanwhile(*_: object) -> None:
        with pytest.raises(StoreDamagedError, match="is being put back"):
            require_current(paths.store)
        looked.append(1)

    monkeypatch.setattr("edge.backup.restoring.verify", meanwhile)
    prepared(paths)
    assert looked
    require_current(paths.store)


@pytest.mark.slow
def test_a_running_box_meets_damage_mends_itself_and_goes_on(paths: Paths) -> None:
    paths.settings.write_text("[kiosk]\nsecure_port = 0\n")
    play(paths.store, range(20))
    said: list[str] = []
    words = ["run", "--data", str(paths.data), "--port", str(free_port())]
    with subprocess.Popen(
        [sys.executable, "-m", "edge.runtime.child", str(os.getpid()), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        reader = threading.Thread(target=said.extend, args=[process.stdout])
        reader.start()

        def heard(words: str, times: int = 1) -> bool:
            return sum(words in line for line in said) >= times

        wait_until(lambda: backup.snapshots(paths) and heard("Kiosk: http"), lambda: "".join(said))
        with closing(connect(paths.store)) as conn:
            rows = conn.execute("SELECT rootpage FROM sqlite_schema WHERE name IN ('to_book', 'shots_by_time')")
            pages = [row["rootpage"] - 1 for row in rows]
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        overwrite(paths.store, pages)
        wait_until(lambda: heard("Kiosk: http", times=2), lambda: "".join(said))
        process.send_signal(signal.SIGINT)
        process.wait(60)
        reader.join(10)
    assert process.returncode == 0, "".join(said)
    assert what(paths)["why"] == "damaged"
    assert {f"cam@{n}" for n in range(20)} <= shots_of(paths.store)
    require_sound(paths.store)
