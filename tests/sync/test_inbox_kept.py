"""What a hub has noted of facts that came goes after a fortnight; who tells them again after that does no harm."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from evening import Evening, a_shot
from hall_of_boxes import HubBox, TableBox
from sqlite_work import instructions
from telling_box import (
    AT,
    NOW,
    TellingBox,
    a_hub,
    count,
    only,
    row,
    session_row,
    shot_fact,
    source_row,
    whole_store,
)

from edge.backup import restore, take
from edge.facts import Fact, OutboxRow, content_hash, erased, uuid7
from edge.hall.players import new_guest, sign_up
from edge.runtime.paths import Paths
from edge.settings import Settings
from edge.store import inbox, outbox
from edge.store.database import Store
from sync import protocol
from sync.copying import HubCopy
from sync.promotion import promote
from sync.receiving import receive

# A fact's key says when it was written: now.
A_FORTNIGHT_ON = datetime.now(UTC) + timedelta(days=14, hours=1)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Store]:
    with a_hub(tmp_path) as store:
        yield store


@pytest.fixture
def box(hub: Store) -> TellingBox:
    return TellingBox(hub)


def prune(hub: Store, now: datetime = A_FORTNIGHT_ON) -> int:
    with hub.write() as conn:
        return inbox.forget_old(conn, now)


def practice(hub: Store, shots: int = 3) -> list[Fact]:
    with hub.write() as conn:
        ana = sign_up(conn, "Ana", AT).id
    return [
        source_row(),
        session_row("s", ana),
        *(shot_fact(a_shot(f"cam/{n}", ["1"])) for n in range(1, shots + 1)),
        row("sessions", "s", {"shots": shots}, new=False),
    ]


def test_what_came_is_noted_for_a_fortnight_and_cleared_in_parts(
    hub: Store, box: TellingBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "AT_ONCE", 4)
    box.tell(*practice(hub))
    assert prune(hub, A_FORTNIGHT_ON - timedelta(hours=2)) == 0
    assert [prune(hub) for _ in range(3)] == [4, 2, 0]
    assert count(hub, "inbox") == 0
    assert only(hub, "SELECT upto FROM inbox_lines")[0] == 6


@pytest.mark.parametrize("at_once", [2, 2000])
def test_told_again_after_that_it_is_a_success_and_changes_nothing(
    hub: Store, box: TellingBox, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(inbox, "AT_ONCE", at_once)
    rows = box.numbered(*practice(hub))
    first = box.send(rows)
    box.tell(row("sessions", "s", {"shots": 7}, new=False))
    prune(hub)
    before = whole_store(hub)
    assert box.send(rows) == replace(first, ack=7)
    assert box.send(rows[2:3]).ack == 7
    assert whole_store(hub) == before
    assert box.tell(row("sessions", "s", {"shots": 8}, new=False)).ack == 8
    assert only(hub, "SELECT shots FROM sessions")[0] == 8


def test_another_content_under_such_a_number_is_not_believed(hub: Store, box: TellingBox) -> None:
    rows = box.numbered(*practice(hub))
    box.send(rows)
    prune(hub)
    before = whole_store(hub)
    other = row("sessions", "s", {"shots": 99}, new=False)
    assert box.send([OutboxRow(box.device, box.epoch, 6, other)]).ack == 6
    assert whole_store(hub) == before


def test_an_erasure_in_the_place_of_such_a_shot_still_holds(hub: Store, box: TellingBox) -> None:
    rows = box.numbered(*practice(hub))
    box.send(rows)
    prune(hub)
    content = erased(None, ["cam/1"], created=AT)
    instead = Fact(content.kind, rows[2].fact.key, AT, content.body, content_hash(content.body))
    for _ in range(2):
        assert box.send([OutboxRow(box.device, box.epoch, 3, instead)]).ack == 6
    assert [shot["id"] for shot in whole_store(hub)["shots"]] == ["cam/2", "cam/3"]
    assert count(hub, "set_aside") == 0


def test_what_is_set_aside_stays_and_is_taken_in_when_it_can_be(hub: Store, box: TellingBox) -> None:
    early = shot_fact(a_shot("cam/9", ["1"]))  # its source comes later
    lost = row("players", uuid7(), {"name": "Nobody's"}, new=False)
    assert [fate for _, fate, _ in box.tell(early, lost).set_aside] == ["dead", "dead"]
    assert prune(hub) == 2
    assert count(hub, "set_aside", "taken_in_at IS NULL") == 2
    assert box.send(box_rows(box, early, lost)).set_aside == ()
    assert count(hub, "set_aside") == 2
    box.tell(source_row())
    assert [shot["id"] for shot in whole_store(hub)["shots"]] == ["cam/9"]
    assert count(hub, "set_aside", "taken_in_at IS NULL") == 1


def box_rows(box: TellingBox, *facts: Fact) -> list[OutboxRow]:
    """Facts under the first numbers of a box's line."""
    return [OutboxRow(box.device, box.epoch, seq, fact) for seq, fact in enumerate(facts, 1)]


def test_a_restored_hub_knows_what_its_snapshot_knew_before_it_was_cleared(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path / "run")
    with a_hub(tmp_path) as hub:
        box = TellingBox(hub)
        rows = box.numbered(*practice(hub))
        box.send(rows)
        prune(hub)
        late = box.numbered(row("sessions", "s", {"shots": 7}, new=False))
        snapshot = take(paths, datetime.now(UTC))
        box.send(late)
        prune(hub)
    restore(paths, snapshot, now=datetime.now(UTC))
    with Store(paths.store) as hub:
        box.hub = hub
        before = whole_store(hub)
        assert box.send(rows).ack == 6
        assert whole_store(hub) == before
        assert box.send([*rows, *late]).ack == 7
        assert only(hub, "SELECT shots FROM sessions")[0] == 7
        assert count(hub, "shots") == 3


def test_a_table_that_becomes_the_hub_knows_it_too(tmp_path: Path) -> None:
    hub = HubBox(tmp_path / "hub", settings=Settings())
    three, five = (TableBox(tmp_path / word, hub, label) for word, label in [("3", "Table 3"), ("5", "Table 5")])
    copy = HubCopy(three.paths.hub_copy)
    evening = Evening(five.paths.data, five.label, "5")
    for guest_shots in (2, 3):
        with five.store.write() as conn:
            guest = new_guest(conn, AT)
        evening.practise(guest)
        for _ in range(guest_shots):
            evening.shoot("1")
        evening.leave()
    evening.close()
    with five.store.write() as conn:
        outbox.tell_changes(conn)
        told = outbox.rows_after(conn, 0, 1000)
    five.sync.once()
    copy.follow(three.client)  # with what was noted
    assert prune(hub.store) == len(told)
    copy.follow(three.client)
    copy.close()
    with Store(copy.path) as copied:
        assert count(copied, "inbox") == 0
    hub.stop()
    three.close()
    five.close()
    promote(three.paths, NOW)
    with Store(three.paths.store) as new:
        before = whole_store(new)
        for some in (told, told[3:9]):
            assert tell(new, some).ack == told[-1].seq
        assert whole_store(new) == before
    hub.store.close()


def tell(hub: Store, rows: Sequence[OutboxRow]) -> protocol.Answer:
    batch = protocol.unpack(protocol.pack(rows[0].device, rows[0].epoch, 1, rows))
    return receive(hub, batch, rows[0].device, datetime.now(UTC))


def test_looking_for_what_may_go_costs_little_where_all_is_young(hub: Store) -> None:
    with hub.write() as conn:
        line = inbox.begin_line(conn, "d", "e", 5001)
        facts = [row("sessions", str(n), {}, new=False) for n in range(1, 5001)]
        inbox.note(conn, line, enumerate(facts, 1))
        now = A_FORTNIGHT_ON - timedelta(hours=2)
        assert instructions(conn, lambda: inbox.forget_old(conn, now)) < 200
