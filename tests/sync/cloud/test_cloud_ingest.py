"""What the cloud does with a batch: every fact once, acknowledged after it is kept; what can't be is set aside."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from telling_hub import NOW, Clock, TellingHub, day_fact, day_of, enrolled, kept_of

from edge.clock import stamp
from edge.facts import Fact, OutboxRow, content_hash, make_fact, uuid7
from sync import protocol
from sync.cloud import days, devices, inbox, ingest
from sync.cloud.db import Database
from sync.cloud.devices import Device
from sync.protocol import Answer, ProblemError, unpack


def device_of(db: Database, hub: TellingHub) -> Device:
    assert hub.signer is not None
    with db.read() as conn:
        found = devices.look_up(conn, hub.device, hub.signer.key_id, NOW)
    assert found is not None
    return found.device


def receive(
    db: Database, hub: TellingHub, first: int = 1, last: int | None = None, clock: Clock | None = None
) -> Answer:
    return ingest.receive(db, hub.batch(first, last), device_of(db, hub), (clock or Clock()).now)


def days_told(db: Database, hub: TellingHub) -> dict[str, int]:
    hall = device_of(db, hub).hall_id
    with db.read() as conn:
        return {
            day: one.shots
            for day, one in days.days_between(conn, [hall], "2026-01-01", "2026-12-31")[hall].items()
        }


def with_body(fact: Fact, body: str) -> Fact:
    """Another content, sound in itself, under the same key."""
    return replace(fact, body=body, hash=content_hash(body))


def test_facts_are_kept_and_acknowledged(db: Database, hub: TellingHub) -> None:
    hub.write(*(day_fact(day_of(n), 10 + n) for n in range(3)))
    assert receive(db, hub) == Answer(3, stamp(NOW))
    assert kept_of(db, hub) == ([1, 2, 3], [])
    assert days_told(db, hub) == {day_of(n): 10 + n for n in range(3)}


def test_a_fact_keeps_the_text_that_was_written(db: Database, hub: TellingHub) -> None:
    fact = day_fact(day_of(1), note="späť 8️⃣ \\u0000 \t")
    hub.write(fact)
    receive(db, hub)
    with db.read() as conn:
        found = conn.rows("SELECT kind, key, created, body, hash FROM facts")[0]
    assert Fact(**{name: found[name] for name in ("kind", "key", "created", "body", "hash")}) == fact


def test_the_same_again_is_a_success_and_changes_nothing(db: Database, hub: TellingHub) -> None:
    hub.write(*(day_fact(day_of(n)) for n in range(3)))
    assert receive(db, hub) == receive(db, hub) == receive(db, hub, 2, 3)
    assert kept_of(db, hub) == ([1, 2, 3], [])


def test_what_comes_beyond_a_gap_is_kept_and_not_acknowledged_before_the_gap_is_filled(
    db: Database, hub: TellingHub
) -> None:
    hub.write(*(day_fact(day_of(n)) for n in range(6)))
    assert receive(db, hub, 4, 5).ack == 0
    assert receive(db, hub, 1, 2).ack == 2
    assert receive(db, hub, 3, 3).ack == 5
    assert receive(db, hub, 6, 6).ack == 6


def test_a_line_may_begin_where_its_box_was_restored(db: Database, hub: TellingHub) -> None:
    hub.write(*(day_fact(day_of(n)) for n in range(5)))
    batch = protocol.pack(hub.device, hub.epoch, 4, hub.line[3:])
    assert ingest.receive(db, batch, device_of(db, hub), NOW).ack == 5


def test_an_empty_batch_tells_up_to_where_all_has_come(db: Database, hub: TellingHub) -> None:
    hub.write(day_fact(day_of(1)))
    receive(db, hub)
    batch = protocol.pack(hub.device, hub.epoch, 1, [])
    assert ingest.receive(db, batch, device_of(db, hub), NOW).ack == 1


def test_a_hub_tells_no_other_hub_s_facts(db: Database, hub: TellingHub) -> None:
    other = enrolled(db, "Rail & Rack")
    other.write(day_fact(day_of(1)))
    with pytest.raises(ProblemError, match="no other's") as told:
        ingest.receive(db, other.batch(), device_of(db, hub), NOW)
    assert told.value.status == 403
    assert kept_of(db, other) == ([], [])


def test_another_content_under_a_number_is_set_aside_and_the_first_stays(db: Database, hub: TellingHub) -> None:
    hub.write(day_fact(day_of(1), 100), day_fact(day_of(2), 100))
    receive(db, hub)
    hub.line[0] = replace(hub.line[0], fact=day_fact(day_of(1), 999))
    hub.write(day_fact(day_of(3), 100))
    answer = receive(db, hub)
    assert (answer.status, answer.ack) == (409, 3)
    assert [(seq, fate) for seq, fate, _ in answer.set_aside] == [(1, "conflict")]
    assert days_told(db, hub) == dict.fromkeys((day_of(1), day_of(2), day_of(3)), 100)
    assert kept_of(db, hub) == ([1, 2, 3], [])  # the number is held by the first alone
    assert receive(db, hub).set_aside == answer.set_aside
    with db.read() as conn:
        assert len(conn.rows("SELECT id FROM set_aside")) == 1


def test_a_key_that_has_come_under_another_number_conflicts_whoever_told_it(db: Database, hub: TellingHub) -> None:
    other = enrolled(db, "Rail & Rack")
    fact = day_fact(day_of(1))
    hub.write(fact)
    receive(db, hub)
    other.write(with_body(fact, fact.body + " "), day_fact(day_of(2)))
    answer = receive(db, other)
    assert (answer.ack, [(seq, fate) for seq, fate, _ in answer.set_aside]) == (2, [(1, "conflict")])
    assert kept_of(db, other) == ([2], [1])


def test_a_number_that_is_set_aside_is_held_by_what_came_first(db: Database, hub: TellingHub) -> None:
    first = make_fact("shot", {"schema": 1}, stamp(NOW))
    hub.write(first)
    receive(db, hub)
    hub.line[0] = replace(hub.line[0], fact=day_fact(day_of(1)))
    assert receive(db, hub).status == 409
    hub.line[0] = replace(hub.line[0], fact=first)
    assert receive(db, hub).status == 200
    assert kept_of(db, hub) == ([], [1])


def test_a_key_that_is_set_aside_conflicts_as_well(db: Database, hub: TellingHub) -> None:
    first = make_fact("shot", {"schema": 1}, stamp(NOW))
    hub.write(first, replace(day_fact(day_of(1)), key=first.key), day_fact(day_of(2)))
    receive(db, hub, 1, 1)
    answer = receive(db, hub, 2, 3)
    assert (answer.ack, [(seq, fate) for seq, fate, _ in answer.set_aside]) == (3, [(2, "conflict")])


def test_a_key_twice_in_one_batch_conflicts_with_itself(db: Database, hub: TellingHub) -> None:
    fact = day_fact(day_of(1))
    hub.write(fact, fact, day_fact(day_of(2)))
    answer = receive(db, hub)
    assert (answer.ack, [(seq, fate) for seq, fate, _ in answer.set_aside]) == (3, [(2, "conflict")])
    assert receive(db, hub).ack == 3


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        (make_fact("shot", {"schema": 1}, stamp(NOW)), "its kind"),
        (day_fact(day_of(1), schema=2), "newer"),
        (day_fact(day_of(1), schema="x"), "no schema"),
        (day_fact("2026-02-30"), "no day"),
        (day_fact("20260203"), "no day"),
        (day_fact(stamp(NOW + timedelta(days=3))[:10]), "after"),
        (day_fact(day_of(1), shots=-1), "no day"),
        (day_fact(day_of(1), shots=True), "no day"),
        (day_fact(day_of(1), players=1.5), "no day"),
        (day_fact(day_of(1), minutes=None), "no day"),
        (day_fact(day_of(1), players=10**40), "no day"),
        (Fact("day", uuid7(), stamp(NOW), "[" * 50_000, content_hash("[" * 50_000)), "no day"),
        (day_fact(day_of(1), minutes=1e9), "no day"),
        (replace(day_fact(day_of(1)), body="{}"), "not what was written"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_cannot_be_taken_in_is_kept_apart_and_holds_up_nothing(
    db: Database, hub: TellingHub, fact: Fact, why: str
) -> None:
    hub.write(day_fact(day_of(1), 5), fact, day_fact(day_of(3), 7))
    answer = receive(db, hub)
    assert (answer.ack, answer.status) == (3, 200)
    assert [(seq, fate) for seq, fate, _ in answer.set_aside] == [(2, "dead")]
    assert why in answer.set_aside[0][2]
    assert kept_of(db, hub) == ([1, 3], [2])
    assert receive(db, hub).ack == 3
    with db.read() as conn:
        assert [row["body"] for row in conn.rows("SELECT body FROM set_aside")] == [fact.body]


def test_a_kind_that_a_later_version_knows_is_taken_in_by_it(
    db: Database, hub: TellingHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(ingest, "KINDS", {})
        hub.write(day_fact(day_of(1), 5), day_fact(day_of(1), 6))
        answer = receive(db, hub)
        assert [fate for _, fate, _ in answer.set_aside] == ["dead", "dead"]
        assert ingest.take_up(db, NOW) == 0
    assert (ingest.take_up(db, NOW), ingest.take_up(db, NOW)) == (2, 0)
    assert (kept_of(db, hub), days_told(db, hub)) == (([1, 2], []), {day_of(1): 6})
    assert receive(db, hub).ack == 2


def test_what_stays_too_new_for_this_version_is_looked_at_and_left(db: Database, hub: TellingHub) -> None:
    hub.write(*(day_fact(day_of(1), schema=2) for _ in range(inbox.AT_ONCE + 3)))
    receive(db, hub)
    assert ingest.take_up(db, NOW) == 0


def test_a_fact_from_the_future_is_held_until_its_time_has_come(db: Database, hub: TellingHub) -> None:
    clock = Clock()
    ahead = NOW + timedelta(days=9)
    hub.write(day_fact(day_of(1), 5), day_fact(stamp(ahead)[:10], 6, created=stamp(ahead)))
    answer = receive(db, hub)
    assert (answer.ack, [(seq, fate) for seq, fate, _ in answer.set_aside]) == (2, [(2, "held")])
    device = device_of(db, hub)
    clock.on(days=7)
    assert ingest.take_up(db, clock.now, device.id) == 0
    clock.on(days=1, seconds=1)
    assert ingest.take_up(db, clock.now, device.id) == 1
    assert (kept_of(db, hub), days_told(db, hub)[stamp(ahead)[:10]]) == (([1, 2], []), 6)


def test_of_a_day_told_twice_the_later_holds_however_they_come(db: Database, hub: TellingHub) -> None:
    hub.write(*(day_fact(day_of(1), shots) for shots in (10, 20, 30)))
    receive(db, hub, 3, 3)
    receive(db, hub, 1, 2)
    assert days_told(db, hub) == {day_of(1): 30}


def test_of_two_lines_that_which_told_last_holds(db: Database, hub: TellingHub) -> None:
    other = enrolled(db)  # the hall's next hub
    hub.write(day_fact(day_of(1), 10, created=stamp(NOW - timedelta(hours=3))))
    other.write(day_fact(day_of(1), 20, created=stamp(NOW - timedelta(hours=1))))
    receive(db, other)
    receive(db, hub)
    assert days_told(db, hub) == {day_of(1): 20}


def test_the_same_batch_from_two_connections_at_once_is_kept_once(db: Database, hub: TellingHub) -> None:
    hub.write(*(day_fact(day_of(n % 40)) for n in range(200)))
    device, batch = device_of(db, hub), hub.batch()
    answers: list[Answer] = []
    threads = [
        threading.Thread(target=lambda: answers.append(ingest.receive(db, batch, device, NOW))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.ack for one in answers] == [200] * 4
    assert kept_of(db, hub) == (list(range(1, 201)), [])


def test_the_same_key_from_two_hubs_at_once_is_kept_once(db: Database, hub: TellingHub) -> None:
    hubs = [hub, *(enrolled(db, f"Hall {n}") for n in range(3))]
    facts = [day_fact(day_of(n % 40)) for n in range(50)]
    answers: list[Answer] = []
    for one in hubs:
        one.write(*facts)
    threads = [threading.Thread(target=lambda one=one: answers.append(receive(db, one))) for one in hubs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.ack for one in answers] == [50] * 4
    assert sorted(len(kept_of(db, one)[0]) for one in hubs) == [0, 0, 0, 50]


def test_what_fails_within_a_batch_leaves_nothing_of_it(
    db: Database, hub: TellingHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.write(*(day_fact(day_of(n)) for n in range(3)))

    def fail(*_: object) -> None:
        raise RuntimeError("the power is cut")

    monkeypatch.setattr(inbox, "keep_upto", fail)
    with pytest.raises(RuntimeError):
        receive(db, hub)
    assert (kept_of(db, hub), days_told(db, hub)) == (([], []), {})


def test_rows_are_not_asked_for_one_by_one(db: Database, hub: TellingHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.write(*(day_fact(day_of(n % 90)) for n in range(protocol.BATCH_ROWS)))
    device, batch = device_of(db, hub), hub.batch()
    asked: list[str] = []
    with db.read() as conn:
        kind = type(conn)
    for name in ("rows", "run", "insert_all", "put_all"):
        plain = getattr(kind, name)

        def counted(self: object, sql: str, *rest: object, plain: object = plain, **more: object) -> object:
            asked.append(sql)
            return plain(self, sql, *rest, **more)  # type: ignore[operator]

        monkeypatch.setattr(kind, name, counted)
    ingest.receive(db, batch, device, NOW)
    assert len(asked) <= 10


def test_an_outbox_row_is_told_as_it_was_written() -> None:
    row = OutboxRow(uuid7(), uuid7(), 1, day_fact(day_of(1)))
    assert unpack(protocol.pack(row.device, row.epoch, 1, [row])).rows[0].fact == row.fact


def test_a_line_goes_on_where_its_sender_says_that_the_rest_is_gone(db: Database, hub: TellingHub) -> None:
    hub.write(*(day_fact(day_of(n), 10 + n) for n in range(5)))
    receive(db, hub, 1, 2)
    later = protocol.pack(hub.device, hub.epoch, 4, hub.line[3:])
    assert ingest.receive(db, later, device_of(db, hub), NOW).ack == 5
    assert kept_of(db, hub) == ([1, 2, 4, 5], [])
