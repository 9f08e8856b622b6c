"""A table tells its hub: over a line that fails, to a hub that is busy, full, restored or younger."""

import random
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from evening import Evening
from faulty_line import FaultyClient
from hall_of_boxes import HubBox, TableBox, a_player, another_keeps_the_copy, require_alike, until_still
from hub_answers import Answering, Door, empty, half, html, moved, nothing_of_ours, problem
from telling_box import count

from edge.facts import make_fact
from edge.hall.players import get_player
from edge.store import outbox, sync_state
from edge.store.database import connect
from sync.hub_client import BusyError, HubClient, OutOfReachError
from sync.protocol import ProblemError
from sync.table import LAST_WAIT_S, Patience, TableSync
from sync.table_service import REFUSED_S, TableService

AT = "2026-01-01T00:00:00.000Z"


def facts(table: TableBox, some: int) -> None:
    """Facts that are about nothing much."""
    with table.store.write() as conn:
        for n in range(some):
            conn.execute(
                "INSERT INTO sources (id, place, started_at, table_name, table_length_in, table_width_in,"
                " ball_diameter_in, calibration_id, picture_width_px, picture_height_px)"
                " VALUES (?, 'x', ?, '9ft', 100, 50, 2.25, 'c', 1, 1)",
                [f"cam{outbox.last_seq(conn)}-{n}", AT],
            )
        outbox.tell_changes(conn)


def unsent(table: TableBox) -> int:
    with table.store.read() as conn:
        return sync_state.count_unsent(conn)


# What the hub answers.


def test_a_batch_that_is_too_large_is_halved_and_grows_again(table: TableBox, door: Door, hub: HubBox) -> None:
    table.sync.once()
    facts(table, 40)
    door.answers = [problem(413)] * 3
    door.asked.clear()
    table.sync.tell()
    assert (unsent(table), count(hub.store, "sources")) == (0, 40)
    sizes = [size for path, size in door.asked if path == "/v1/facts"]
    assert sizes[0] > sizes[1] > sizes[2] > sizes[3]
    assert len(sizes) == 3 + 4  # of 5, 10, 20 and the last 5


def test_one_fact_that_is_too_large_is_said_and_not_cut(table: TableBox, door: Door) -> None:
    table.sync.once()
    facts(table, 1)
    door.answers = [problem(413)]
    with pytest.raises(ProblemError, match="not now"):
        table.sync.tell()
    assert unsent(table) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_hub_that_is_busy_is_left_alone_for_as_long_as_it_asks(table: TableBox, door: Door, status: int) -> None:
    table.sync.once()
    facts(table, 1)
    door.answers = [problem(status, Retry_After="40")]
    with pytest.raises(BusyError) as busy:
        table.sync.tell()
    assert busy.value.wait_s == 40
    patience = Patience(random.Random(1))
    waits = {patience.after(busy.value) for _ in range(3)}
    assert all(40 <= wait < 61 for wait in waits)
    assert len(waits) == 3  # never all boxes at once
    table.sync.tell()
    assert unsent(table) == 0


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [("7", 7, 7), ("", 5, 5), ("soon", 5, 5), ("-3", 5, 5), ("999999999", 3600, 3600),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0), ("Wed, 21 Oct 2099 07:28:00 GMT", 3600, 3600)],
)  # fmt: skip
def test_however_long_it_is_said_to_wait_it_is_understood(
    table: TableBox, door: Door, said: str, least: float, most: float
) -> None:
    door.answers = [problem(503, Retry_After=said)]
    with pytest.raises(BusyError) as busy:
        table.sync.hello()
    assert least <= busy.value.wait_s <= most


def test_failures_are_waited_for_longer_each_time_and_forgotten() -> None:
    patience, away = Patience(random.Random(2)), OutOfReachError("away")
    waits = [patience.after(away) for _ in range(12)]
    assert 1 <= waits[0] < 1.5
    assert all(LAST_WAIT_S <= wait < 1.5 * LAST_WAIT_S for wait in waits[7:])
    patience.well()
    assert 1 <= patience.after(away) < 1.5


@pytest.mark.parametrize("answer", [html, moved, nothing_of_ours])
def test_what_is_no_hub_is_taken_for_none(table: TableBox, door: Door, answer: Answering) -> None:
    table.sync.once()
    facts(table, 1)
    for act in (table.sync.hello, table.sync.tell):
        door.answers = [answer]
        with pytest.raises(OutOfReachError):
            act()
    assert unsent(table) == 1


def test_a_turn_never_raises_for_what_may_happen(table: TableBox, door: Door, hub: HubBox) -> None:
    another_keeps_the_copy(hub)
    service = TableService(table.paths, table.store)
    facts(table, 3)
    for answer in (
        html,
        moved,
        nothing_of_ours,
        empty,
        half,
        problem(500),
        problem(503),
        problem(401),
        problem(410),
    ):
        for before in range(3):
            door.answers = [lambda _: None] * before + [answer]
            service.turn(float(before))
            assert service.status
    hub.stop()
    service.turn(0.0)
    assert "does not answer" in service.status
    hub.start()
    service.turn(0.0)
    assert service.status == "the hub has all"
    assert unsent(table) == 0


def test_who_is_refused_asks_seldom(table: TableBox, door: Door) -> None:
    service = TableService(table.paths, table.store)
    door.answers = [problem(401)]
    service.turn(0.0)
    assert service.wait_s >= REFUSED_S
    with table.store.read() as conn:
        assert sync_state.get(conn, "problem") == "not now"


def test_a_hub_whose_disk_is_full_acknowledges_nothing_and_loses_nothing(hub: HubBox, table: TableBox) -> None:
    """The pages of a store are counted out: SQLite says that the disk is full, as it would."""
    table.sync.once()
    facts(table, 300)
    limit = hub.store._connection  # every thread of the hub has a connection of its own

    def small(mode: Any) -> Any:
        conn = limit(mode)
        if mode == "write":
            pages = conn.execute("PRAGMA page_count").fetchone()[0]
            conn.execute(f"PRAGMA max_page_count = {pages + 2}")
        return conn

    hub.store._connection = small  # type: ignore[method-assign]
    with pytest.raises(BusyError, match="try again"):
        table.sync.tell()
    hub.store._connection = limit  # type: ignore[method-assign]
    assert unsent(table) == 300
    assert count(hub.store, "inbox") == 0
    hub.stop()
    hub.start()
    with closing(connect(hub.paths.store)) as conn:
        conn.execute("PRAGMA max_page_count = 1073741823")
    for connection in list(hub.store._connections.values()):
        connection.execute("PRAGMA max_page_count = 1073741823")
    table.sync.tell()
    assert (unsent(table), count(hub.store, "sources")) == (0, 300)


# Lines and what is missing in them.


def test_facts_of_before_the_box_was_enrolled_are_told_too(tmp_path: Path, hub: HubBox) -> None:
    evening = Evening(tmp_path / "early", "Table 7", "early")
    for _ in range(3):
        evening.shoot("1")
    evening.close()
    table = TableBox(tmp_path / "early", hub, "Table 7")
    table.sync.once()
    assert count(hub.store, "shots") == 3
    assert count(hub.store, "set_aside", "taken_in_at IS NULL") == 0
    table.close()


def test_what_is_gone_from_the_line_for_good_holds_up_nothing(hub: HubBox, table: TableBox) -> None:
    """A hub restored to long ago: what was told and forgotten since can't be told again."""
    table.sync.once()
    facts(table, 6)
    with table.store.write() as conn:
        conn.execute("DELETE FROM outbox WHERE seq IN (1, 2, 4)")
    table.sync.tell()
    assert unsent(table) == 0
    assert count(hub.store, "sources") == 3
    with hub.store.read() as conn:
        assert conn.execute("SELECT upto FROM inbox_lines").fetchone()["upto"] == 6


def test_a_hub_that_was_restored_is_told_again_what_it_lost(tmp_path: Path, hub: HubBox, table: TableBox) -> None:
    ana, ben = a_player(hub, "Ana"), a_player(hub, "Ben")
    table.sync.once()
    evening = Evening(table.paths.data, table.label, "three")
    evening.practise(ana)
    evening.shoot("1")
    table.sync.once()
    with closing(connect(hub.paths.store)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    shutil.copyfile(hub.paths.store, tmp_path / "snapshot.db")
    evening.match(ana, ben, race_to=1)
    for kind in ("rack", "turn"):
        evening.say(kind, side=0)
    evening.shoot("1")
    evening.leave()
    table.sync.once()
    lost = a_player(hub, "Cleo")
    table.sync.once()
    played = count(hub.store, "plays"), count(hub.store, "player_points")
    hub.stop()
    hub.store.close()
    for end in ("-wal", "-shm"):
        hub.paths.store.with_name(hub.paths.store.name + end).unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "snapshot.db", hub.paths.store)
    restored = HubBox(hub.paths.data)
    with restored.store.write() as conn:
        outbox.begin_epoch(conn)
    table.client = HubClient(restored.address, table.hub.fingerprint, table.hub.signer)
    table.sync = TableSync(table.store, table.client)
    until_still(table)
    assert (count(restored.store, "plays"), count(restored.store, "player_points")) == played
    with table.store.read() as conn:
        assert get_player(conn, lost.id) is None  # it was the hub's alone
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
        stay = "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name = 'player_points_stay'"
        assert conn.execute(stay).fetchone()[0] == 1
    require_alike(restored, table)
    evening.close()
    restored.close()
    hub.start()


def test_lines_that_fail_in_every_way_lose_nothing(hub: HubBox, table: TableBox) -> None:
    chance = random.Random(5)
    client = FaultyClient(table.hub, chance, 0.6)
    sync = TableSync(table.store, client)
    for _ in range(25):
        facts(table, 2)
        try:
            sync.hello()
            sync.once()
        except (OutOfReachError, ProblemError):
            pass
    assert len(client.happened) > 5
    client.rate = 0.0
    sync.hello()
    sync.once()
    assert (unsent(table), count(hub.store, "sources")) == (0, 50)
    with table.store.read() as conn:
        assert count(hub.store, "inbox") == outbox.last_seq(conn)
    client.close()


def test_a_fact_that_is_no_more_than_a_row_of_text_is_sent_as_it_was_written(hub: HubBox, table: TableBox) -> None:
    """A body is never written anew: an unknown fact of a later version arrives byte for byte."""
    fact = make_fact("day", {"schema": 1, "ünïcode": '\u2028 \U0001f3b1 \\ " \x7f'}, AT)
    with table.store.write() as conn:
        outbox.append(conn, fact)
    table.sync.once()
    with hub.store.read() as conn:
        row = conn.execute("SELECT body, hash FROM set_aside").fetchone()
    assert (row["body"], row["hash"]) == (fact.body, fact.hash)
