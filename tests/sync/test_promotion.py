"""The hub dies, and a table takes its place: nothing is lost that was told or is still at a table."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from evening import Evening
from hall_of_boxes import HubBox, TableBox, a_player

from edge.hall.players import Player
from edge.settings import Settings
from edge.store import changes, sync_state
from edge.store.database import Store
from edge.store.migrations import require_current
from edge.store.replicas import REPLICAS
from sync.copying import HubCopy
from sync.hub_client import OutOfReachError
from sync.hub_file import save_hub
from sync.hub_watch import look_for_successor
from sync.promotion import PromotionError, promote
from sync.protocol import ProblemError
from sync.table_service import TableService

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubBox]:
    box = HubBox(tmp_path / "hub", settings=Settings())
    yield box
    box.close()


@pytest.fixture
def tables(tmp_path: Path, hub: HubBox) -> Iterator[tuple[TableBox, TableBox]]:
    found = TableBox(tmp_path / "three", hub, "Table 3"), TableBox(tmp_path / "five", hub, "Table 5")
    yield found
    for one in found:
        one.close()


def play(table: TableBox, player: Player, shots: int, since: int = 0) -> None:
    evening = Evening(table.paths.data, table.label, table.label[-1])
    evening.count = since
    evening.practise(player)
    for _ in range(shots):
        evening.shoot("1")
    evening.leave()
    evening.close()


def counted(store: Store) -> dict[str, int]:
    with store.read() as conn:
        tables = ("players", "sessions", "shots", "plays", "audit")
        return {table: conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


def everything(store: Store) -> dict[str, set[tuple[object, ...]]]:
    """All rows that boxes tell each other of."""
    with store.read() as conn:
        return {
            one.table: {tuple(row) for row in conn.execute(f"SELECT * FROM {one.table}")}
            for one in REPLICAS
            if one.table not in ("devices", "device_keys", "inbox", "inbox_lines")
        }


def test_the_copy_is_the_hubs_store_row_by_row(hub: HubBox, tables: tuple[TableBox, TableBox]) -> None:
    three, five = tables
    copy = HubCopy(three.paths.hub_copy)
    ana = a_player(hub, "Ana")
    five.sync.once()
    play(five, ana, 3)
    five.sync.once()
    copy.follow(three.client)
    play(five, ana, 4, since=10)
    five.sync.once()
    a_player(hub, "Ben")
    assert copy.follow(three.client) > 0
    assert copy.follow(three.client) == 0
    with Store(copy.path) as copied:
        assert everything(copied) == everything(hub.store)
    copy.close()


def test_only_the_keeper_is_given_the_hubs_store(hub: HubBox, tables: tuple[TableBox, TableBox]) -> None:
    three, five = tables
    assert (three.sync.hello().keep_copy, five.sync.hello().keep_copy) == (True, False)
    with pytest.raises(ProblemError, match="Another box"):
        HubCopy(five.paths.hub_copy).follow(five.client)


def test_a_table_becomes_the_hub_and_nothing_is_lost(
    hub: HubBox, tables: tuple[TableBox, TableBox], tmp_path: Path
) -> None:
    three, five = tables
    copy = HubCopy(three.paths.hub_copy)
    ana = a_player(hub, "Ana")
    for table in tables:
        table.sync.once()
    play(three, ana, 2)
    play(five, ana, 2)
    three.sync.once()
    copy.follow(three.client)
    copy.close()
    five.sync.once()  # the hub acknowledges what the copy has not
    play(five, ana, 3, since=10)
    play(three, ana, 3, since=10)  # nobody but the tables has these
    hub.stop()
    for table in tables:
        with pytest.raises(OutOfReachError):
            table.sync.once()
    three.client.close()
    three.store.close()
    done = promote(three.paths, NOW)
    assert done.term == 2
    assert done.added > 0
    require_current(three.paths.store)
    new = HubBox(three.paths.data, settings=Settings())
    with new.store.read() as conn:
        assert changes.role_of(conn) == "hub"
        assert sync_state.get(conn, "term") == "2"
    save_hub(five.paths.hub, replace(five.hub, address=new.address))
    service = TableService(five.paths, five.store)
    service.turn(0.0)
    assert service.status == "the hub has all"
    found = counted(new.store)
    assert (found["players"], found["sessions"], found["shots"], found["plays"]) == (1, 4, 10, 10)
    with new.store.read() as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
    new.close()
    hub.start()


def test_a_box_that_keeps_no_copy_is_not_promoted(hub: HubBox, tables: tuple[TableBox, TableBox]) -> None:
    with pytest.raises(PromotionError, match="no copy"):
        promote(tables[1].paths, NOW)


def test_while_the_hub_answers_nobody_is_promoted(hub: HubBox, tables: tuple[TableBox, TableBox]) -> None:
    copy = HubCopy(tables[0].paths.hub_copy)
    copy.follow(tables[0].client)
    copy.close()
    with pytest.raises(PromotionError, match="the hub answers"):
        promote(tables[0].paths, NOW)


def test_tables_find_the_new_hub_and_the_old_one_lets_nobody_in(
    hub: HubBox, tables: tuple[TableBox, TableBox]
) -> None:
    three, five = tables
    copy = HubCopy(three.paths.hub_copy)
    copy.follow(three.client)
    copy.close()
    hub.stop()
    three.client.close()
    three.store.close()
    promote(three.paths, NOW)
    new = HubBox(three.paths.data, settings=Settings())
    save_hub(five.paths.hub, replace(five.hub, others=(new.address,)))
    service = TableService(five.paths, five.store)
    service.turn(0.0)
    service.turn(0.0)
    assert service.status == "the hub has all"
    hub.start()
    assert look_for_successor(hub.store, five.hub.fingerprint, [new.address]) == new.address
    with pytest.raises(ProblemError, match="Another box is the hub now"):
        five.sync.hello()
    new.close()
