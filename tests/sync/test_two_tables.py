"""Two tables and their hub: what happens at either is one hall."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from evening import Evening
from hall_of_boxes import HubBox, TableBox
from whole_hall import everything, play_a_rack

from edge.hall.players import Player, sign_up
from edge.store import changes
from edge.store.replicas import OWN_AFFAIR
from edge.store.shots import count_all_shots, recent_shots
from kiosk.api.hall_metrics import of_hall

BOXES_ALONE = OWN_AFFAIR | {"devices", "device_keys", "inbox", "inbox_lines", "set_aside"}


@pytest.fixture
def tables(tmp_path: Path, hub: HubBox) -> Iterator[tuple[TableBox, TableBox]]:
    found = TableBox(tmp_path / "three", hub, "Table 3"), TableBox(tmp_path / "five", hub, "Table 5")
    yield found
    for one in found:
        one.close()


def test_players_of_the_hall_are_known_at_every_table(hub: HubBox, tables: tuple[TableBox, TableBox]) -> None:
    with hub.store.write() as conn:
        ana = sign_up(conn, "Ana", "2026-01-01T00:00:00.000Z")
    for table in tables:
        table.sync.once()
        with table.store.read() as conn:
            assert changes.role_of(conn) == "table"
            assert [row["id"] for row in conn.execute("SELECT id FROM players")] == [ana.id]


def test_what_is_played_at_two_tables_is_what_one_store_would_hold(
    tmp_path: Path, hub: HubBox, tables: tuple[TableBox, TableBox]
) -> None:
    """The hub's store against that of a hall whose tables share one: every table of the schema, row by row."""
    boxes = {table.label: Evening(table.paths.data, table.label, table.label[-1]) for table in tables}
    alone = {label: Evening(tmp_path / "alone", label, label[-1]) for label in boxes}
    names = ("Ana", "Ben", "Cleo", "Dan")
    known: dict[str, dict[str, Player]] = {}
    for where, store in (("hub", hub.store), ("alone", alone["Table 3"].store)):
        with store.write() as conn:
            known[where] = {name: sign_up(conn, name, "2026-01-01T00:00:00.000Z") for name in names}
    for table in tables:
        table.sync.once()

    def play(evenings: dict[str, Evening], players: dict[str, Player]) -> None:
        three, five = evenings["Table 3"], evenings["Table 5"]
        three.practise(players["Ana"])
        for _ in range(4):
            three.shoot("1")
        three.shoot()
        five.match(players["Cleo"], players["Dan"], race_to=1)
        play_a_rack(five)
        three.leave()
        three.match(players["Ana"], players["Ben"], race_to=1)
        play_a_rack(three)
        for evening in evenings.values():
            evening.leave()

    play(boxes, known["hub"])
    play(alone, known["alone"])
    for table in tables:
        table.sync.once()
    there = everything(hub.store, {player.id: name for name, player in known["hub"].items()})
    here = everything(alone["Table 3"].store, {player.id: name for name, player in known["alone"].items()})
    for one in BOXES_ALONE:
        there.pop(one, None), here.pop(one, None)
    assert there == here
    for evening in (*boxes.values(), *alone.values()):
        evening.close()


def test_the_hubs_own_table_shows_its_own_shots(hub: HubBox, tables: tuple[TableBox, TableBox]) -> None:
    three = Evening(tables[0].paths.data, "Table 3", "3")
    three.shoot("1")
    three.close()
    tables[0].sync.once()
    with hub.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM shots").fetchone()[0] == 1
        assert (recent_shots(conn, 10), count_all_shots(conn)) == ([], 0)


def test_how_far_boxes_are_is_told_to_prometheus(hub: HubBox, tables: tuple[TableBox, TableBox]) -> None:
    tables[0].sync.once()
    told = {metric.name: metric.value for metric in of_hall(tables[0].store)}
    assert told["ladder_sync_unsent"] == 0.0
    found = {metric.name: metric.value for metric in of_hall(hub.store)}
    assert found["ladder_box_unsent"] == {"Table 3": 0.0, "Table 5": 0.0}
    assert found["ladder_set_aside"] == {"conflict": 0.0, "dead": 0.0, "held": 0.0}
