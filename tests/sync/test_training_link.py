"""A hub puts a month's training scores in the line to its cloud when they are others, and never twice the same."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from evening import BEGIN, ZONE, Evening

from edge.facts import content_hash
from edge.hall.training_periods import begin, facts_to_tell, hear_periods, make_final
from edge.hall.training_scores import settle
from edge.store import outbox
from sync.cloud import standings
from sync.cloud_link import CloudSync
from sync.hub_client import HubClient, OutOfReachError
from sync.training_link import note_training

OCTOBER = "2025-10"
NOW = BEGIN + timedelta(hours=5)  # eleven in the evening of the thirty-first


@pytest.fixture
def evening(tmp_path: Path) -> Iterator[Evening]:
    evening = Evening(tmp_path)
    yield evening
    evening.close()


def train(evening: Evening, name: str, shots: int = 12) -> None:
    evening.practise(evening.player(name))
    for _ in range(shots):
        evening.shoot("1")
    evening.leave()


def made(evening: Evening) -> None:
    with evening.store.write() as conn:
        settle(conn, NOW, ZONE)


def in_line(evening: Evening) -> list[dict[str, object]]:
    with evening.store.read() as conn:
        rows = outbox.rows_after(conn, 0, 100, "cloud_outbox")
    assert all(row.fact.hash == content_hash(row.fact.body) for row in rows)
    return [json.loads(row.fact.body) for row in rows if row.fact.kind == "training"]


def test_nothing_is_told_before_there_are_scores(evening: Evening) -> None:
    train(evening, "Ana")
    assert note_training(evening.store, NOW) == 0
    with evening.store.write() as conn:
        begin(conn, NOW, ZONE)
    assert note_training(evening.store, NOW) == 0


def test_scores_are_told_once_and_again_when_they_are_others(evening: Evening) -> None:
    train(evening, "Ana")
    made(evening)
    assert [note_training(evening.store, NOW) for _ in range(3)] == [1, 0, 0]
    train(evening, "Ben")
    assert note_training(evening.store, NOW) == 0
    made(evening)
    assert [note_training(evening.store, NOW) for _ in range(2)] == [1, 0]
    first, second = in_line(evening)
    assert [first["rev"], second["rev"]] == [1, 2]
    assert [len(one["scores"]) for one in (first, second)] == [1, 2]  # type: ignore[arg-type]


def test_the_cloud_reads_what_is_told(evening: Evening) -> None:
    train(evening, "Ana")
    train(evening, "Ben")
    made(evening)
    with evening.store.write() as conn:
        (fact,) = facts_to_tell(conn, NOW)
    told = standings.read(fact)
    assert (told.period, told.rev, told.final, len(told.scores)) == (OCTOBER, 1, False, 2)


def test_a_hub_notes_them_beside_its_days_though_the_line_is_down(evening: Evening) -> None:
    train(evening, "Ana")
    made(evening)
    client = HubClient("http://127.0.0.1:9", None, None)
    sync = CloudSync(evening.store, client, ZONE, "Table 1", lambda: {"version": "1"})
    for turn in range(2):
        with pytest.raises(OutOfReachError):
            sync.turn(10_000.0 * turn, NOW)
    assert [one["period"] for one in in_line(evening)] == [OCTOBER]
    client.close()


def test_a_month_is_told_as_final_once_and_what_the_cloud_froze_is_not_told_again(evening: Evening) -> None:
    train(evening, "Ana")
    made(evening)
    note_training(evening.store, NOW)
    with evening.store.write() as conn:
        make_final(conn, OCTOBER, NOW)
    assert [note_training(evening.store, NOW) for _ in range(2)] == [1, 0]
    assert [(one["rev"], one["final"]) for one in in_line(evening)] == [(1, False), (2, True)]
    with evening.store.write() as conn:
        frozen = {"period": OCTOBER, "state": "frozen", "rev": 2, "frozen_at": "2025-11-01T07:00:00.000Z"}
        hear_periods(conn, [frozen], NOW + timedelta(days=1))
    assert note_training(evening.store, NOW + timedelta(days=1)) == 0
