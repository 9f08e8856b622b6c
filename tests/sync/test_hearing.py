"""A table hears its hub: what it tells is here, whatever is told in the other direction meanwhile."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from evening import Evening
from hall_of_boxes import HubBox, TableBox, a_player, require_alike, until_still
from hub_answers import Answering, Door, empty, half, without_an_end
from telling_box import count
from werkzeug.wrappers import Response

from edge.hall import calls, renaming
from edge.hall.players import get_player
from edge.store import sync_state
from sync.hub_client import HubClient, OutOfReachError
from sync.protocol import ProblemError
from sync.table import TableSync

AT = "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize("answer", [empty, half, without_an_end])
def test_an_answer_that_was_cut_off_is_not_heard(
    hub: HubBox, table: TableBox, door: Door, answer: Answering
) -> None:
    a_player(hub, "Ana")
    table.sync.hello()
    for name in ("Ben", "Cleo"):  # all of it, and then what has changed
        door.answers = [answer]
        with pytest.raises((OutOfReachError, ProblemError)):
            table.sync.hear()
        table.sync.hear()
        assert count(table.store, "players") == count(hub.store, "players")
        a_player(hub, name)


def test_what_another_process_has_told_meanwhile_is_not_undone(hub: HubBox, table: TableBox) -> None:
    """The kiosk tells something between the hub's answer and the moment in which `ladder sync` writes it."""
    ana = a_player(hub, "Ana")
    table.sync.once()
    evening = Evening(table.paths.data, table.label, "three")
    with hub.store.write() as conn:
        conn.execute("UPDATE players SET cues = 'a new one'")
    real, kiosk = table.client.everything, HubClient.of(table.hub)
    kiosk_sync = TableSync(table.store, kiosk)

    def slow() -> Any:
        told = real()
        evening.practise(ana)
        evening.shoot("1")
        kiosk_sync.tell()
        return told

    table.client.everything = slow  # type: ignore[method-assign]
    with table.store.write() as conn:
        sync_state.put(conn, "feed", "another")
    table.sync.once()
    assert (count(table.store, "sessions"), count(table.store, "plays")) == (1, 1)
    table.client.everything = real  # type: ignore[method-assign]
    until_still(table)
    assert (count(table.store, "sessions"), count(table.store, "plays")) == (1, 1)
    require_alike(hub, table)
    evening.close()
    kiosk.close()


def test_players_who_exchange_their_names_are_heard_by_everybody(hub: HubBox, table: TableBox) -> None:
    boss, ana, ben = a_player(hub, "Boss"), a_player(hub, "Ana"), a_player(hub, "Ben")
    table.sync.once()
    now = datetime.now(UTC)
    with hub.store.write() as conn:
        for player, name in ((ana, "Somebody"), (ben, "Ana"), (ana, "Ben")):
            known = get_player(conn, player.id)
            assert known is not None
            renaming.rename(conn, known, name, boss.id, now)
    table.sync.once()
    require_alike(hub, table)
    with table.store.write() as conn:  # and in the order in which they signed up
        sync_state.put(conn, "feed", "another")
    table.sync.once()
    require_alike(hub, table)


def test_a_match_that_is_told_late_moves_all_later_ratings_and_is_heard(
    tmp_path: Path, hub: HubBox, table: TableBox
) -> None:
    other = TableBox(tmp_path / "five", hub, "Table 5")
    ana, ben = a_player(hub, "Ana"), a_player(hub, "Ben")
    for box in (table, other):
        box.sync.once()
    early, late = (Evening(box.paths.data, box.label, box.label[-1]) for box in (table, other))
    for evening, wait_s in ((early, 0), (late, 3600), (late, 60), (late, 60)):
        evening.wait(wait_s)
        evening.match(ana, ben, race_to=1)
        evening.shoot("1")
        evening.say("rack", side=0)
        evening.leave()
    other.sync.once()
    table.sync.once()
    until_still(table, other)
    assert count(hub.store, "rating_changes") == 8
    require_alike(hub, table, other)
    for evening in (early, late):
        evening.close()
    other.close()


def test_a_table_that_calls_twice_calls_once(hub: HubBox, table: TableBox) -> None:
    """From its own screen, and from a phone whose page the hub makes."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    table.sync.once()
    with hub.store.write() as conn:
        first = calls.call(conn, table.label, now)
    with table.store.write() as conn:
        calls.call(conn, table.label, now + timedelta(seconds=1))
    until_still(table)
    require_alike(hub, table)
    for store in (hub.store, table.store):
        with store.read() as conn:
            assert [call.id for call in calls.open_calls(conn)] == [first.id]
    assert count(hub.store, "set_aside") == 0


def test_a_later_hub_tells_of_tables_that_this_version_does_not_know(
    hub: HubBox, table: TableBox, door: Door
) -> None:
    table.sync.hello()
    lines = [{"feed": table.sync.met.feed if table.sync.met else "", "upto": 3, "more": False},
             ["cue_rentals", ["x"], {"id": "x"}], ["shots", ["x"], None],
             ["vote_closings", ["2026-10"], {"month": "2026-10", "closed_at": AT, "mood": "good"}],
             {"end": True}]  # fmt: skip
    body = gzip.compress("\n".join(json.dumps(line) for line in lines).encode() + b"\n")
    door.answers = [lambda _: Response(body, content_type="application/gzip")]
    table.sync.hear()
    assert count(table.store, "vote_closings") == 1
