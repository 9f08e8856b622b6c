"""A hub that was put back to last night knows nobody who signed up since: what they played is kept and holds up
nothing, and it is taken in when they are known again."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from evening import Evening
from hall_of_boxes import HubBox, TableBox, a_player, another_keeps_the_copy, until_still
from telling_box import count

from edge.backup import Snapshot, restore, take
from edge.hall.players import Player, find_player, get_player
from edge.store import changes, inbox
from edge.store.replicas import BY_TABLE
from sync.hub_client import HubClient
from sync.receiving import try_again
from sync.table import TableSync


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubBox]:
    box = HubBox(tmp_path / "hub")
    another_keeps_the_copy(box)
    yield box
    box.store.close()


def play(evening: Evening, player: Player, shots: int) -> None:
    evening.practise(player)
    for _ in range(shots):
        evening.shoot("1")
    evening.leave()


def plays_of(hub: HubBox, player_id: str) -> int:
    return count(hub.store, "plays", f"player_id = '{player_id}'")


@contextmanager
def restored(hub: HubBox, table: TableBox, snapshot: Snapshot) -> Iterator[HubBox]:
    """The hub as it was, at another address; the table has found it, and has told and heard all."""
    hub.stop()
    hub.store.close()
    restore(hub.paths, snapshot, now=datetime.now(UTC))
    again = HubBox(hub.paths.data)
    table.client = HubClient(again.address, table.hub.fingerprint, table.hub.signer)
    table.sync = TableSync(table.store, table.client)
    until_still(table)
    yield again
    again.close()


@pytest.mark.slow
def test_sessions_of_players_it_does_not_know_any_more_wait_and_the_line_goes_on(
    hub: HubBox, table: TableBox
) -> None:
    evening = Evening(table.paths.data, table.label, "three")
    ana = a_player(hub, "Ana")
    until_still(table)
    play(evening, ana, 2)
    until_still(table)
    snapshot = take(hub.paths, datetime.now(UTC))

    ben = a_player(hub, "Ben")
    with hub.store.read() as conn:
        row = next(
            one for one in changes.all_rows(conn, BY_TABLE["players"], changes.Reader(None)) if ben.id in one.key
        )
    until_still(table)
    play(evening, ben, 3)
    play(evening, ana, 4)
    until_still(table)
    assert (plays_of(hub, ana.id), plays_of(hub, ben.id)) == (6, 3)

    with restored(hub, table, snapshot) as again:
        # All that does not need Ben is there; what does is set aside whole, with why.
        assert (plays_of(again, ana.id), plays_of(again, ben.id)) == (6, 0)
        assert count(again.store, "shots") == 9
        with again.store.read() as conn:
            aside = inbox.waiting(conn)
            assert {one.why for one in aside if one.fate == "dead"} == {inbox.REFERS_TO_NOTHING}
            assert {one.fate for one in aside} == {"dead", "held"}
            assert len(inbox.waiting(conn, device=table.hub.device)) == len(aside) >= 4
            assert conn.execute("SELECT count(*) FROM inbox").fetchone()[0] == last_of(table)

        with table.store.read() as conn:
            assert get_player(conn, ben.id) is not None, "the table keeps what was played at it"
            assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
        play(evening, ana, 1)
        until_still(table)
        assert plays_of(again, ana.id) == 7
        assert count(again.store, "set_aside", "taken_in_at IS NULL") == len(aside)

        # He is known again, as staff have him from a later copy.
        with again.store.write() as conn:
            changes.put_row(conn, BY_TABLE["players"], row, whole=True)
        try_again(again.store, datetime.now(UTC))
        until_still(table)
        assert (plays_of(again, ana.id), plays_of(again, ben.id)) == (7, 3)
        assert count(again.store, "set_aside", "taken_in_at IS NULL") == 0
        assert count(again.store, "sessions", f"player_id = '{ben.id}' AND shots = 3") == 1
        assert count(table.store, "sessions", f"player_id = '{ben.id}' AND shots = 3") == 1
    evening.close()


def test_who_signs_up_again_under_the_same_name_is_known_at_every_table(hub: HubBox, table: TableBox) -> None:
    snapshot = take(hub.paths, datetime.now(UTC))
    ben = a_player(hub, "Ben")
    until_still(table)
    evening = Evening(table.paths.data, table.label, "three")
    play(evening, ben, 2)
    until_still(table)
    with restored(hub, table, snapshot) as again:
        once_more = a_player(again, "Ben")
        until_still(table)
        play(evening, once_more, 1)
        until_still(table)
        assert (plays_of(again, once_more.id), plays_of(again, ben.id)) == (1, 0)
        with table.store.read() as conn:
            found = find_player(conn, "Ben")
            assert found is not None
            assert found.id == once_more.id
            assert get_player(conn, ben.id) is not None
    evening.close()


def last_of(table: TableBox) -> int:
    with table.store.read() as conn:
        return int(conn.execute("SELECT max(seq) FROM outbox").fetchone()[0])
