"""A batch that goes in by columns leaves what it leaves fact by fact; whatever is odd is left to the latter."""

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telling_hub import NOW, TellingHub, day_fact, day_of, enrolled

from edge.clock import stamp
from edge.facts import Fact, content_hash, make_fact, uuid7
from sync import protocol
from sync.cloud import days, devices, ingest
from sync.cloud.columns import read_columns
from sync.cloud.db import Database
from sync.protocol import unpack

KINDS = ["day"]


@pytest.fixture
def told() -> TellingHub:
    hub = TellingHub()
    hub.write(*(day_fact(day_of(n), n, note='späť \\ " { } \n') for n in range(20)))
    return hub


def rewritten(hub: TellingHub, change: Any) -> bytes:
    """The batch with its lines as `change` makes them of the lines there are."""
    lines = protocol.unzip(hub.batch()).split(b"\n")
    return gzip.compress(b"\n".join(change(lines)))


def with_values(index: int, **values: Any) -> Any:
    def change(lines: list[bytes]) -> list[bytes]:
        return [
            json.dumps(json.loads(line) | values).encode() if i == index else line for i, line in enumerate(lines)
        ]

    return change


def test_an_ordinary_batch_is_read_as_it_is_fact_by_fact(told: TellingHub) -> None:
    found, plain = read_columns(told.batch(), KINDS), unpack(told.batch())
    assert found is not None
    assert found.head == plain.head
    columns = (found.seqs, found.keys, found.created, found.bodies, found.hashes)
    facts = [(row.seq, row.fact.key, row.fact.created, row.fact.body, row.fact.hash) for row in plain.rows]
    assert list(zip(*columns, strict=True)) == facts
    assert {row.fact.kind for row in plain.rows} == {found.kind}


ODD: dict[str, Any] = {
    "no rows": lambda lines: [with_values(0, rows=0)(lines)[0]],
    "a row less than its head says": lambda lines: lines[:-1],
    "no head": lambda lines: lines[1:],
    "another schema": with_values(0, schema=99),
    "rows out of order": lambda lines: [lines[0], *reversed(lines[1:])],
    "a row twice": lambda lines: [with_values(0, rows=21)(lines)[0], *lines[1:], lines[-1]],
    "two rows in a line": lambda lines: [lines[0], b",".join(lines[1:3]), *lines[3:]],
    "a row over two lines": lambda lines: [lines[0], lines[1].replace(b',"key"', b'\n,"key"'), *lines[2:]],
    "a row that is a list": lambda lines: [*lines[:5], b"[]", *lines[6:]],
    "a row that is no JSON": lambda lines: [*lines[:5], b"{", *lines[6:]],
    "a row without a key": lambda lines: [*lines[:5], lines[5].replace(b'"key"', b'"kez"'), *lines[6:]],
    "a number from before the line began": with_values(0, begins=2),
    "a number that is true": with_values(1, seq=True),
    "a number beyond all": with_values(20, seq=1 << 60),
    "a kind that is not known": with_values(3, kind="shot"),
    "a kind that is no text": with_values(3, kind=7),
    "a key that is none": with_values(3, key="x" * 36),
    "a key with more after it": with_values(3, key=uuid7() + "\n" + uuid7()),
    "a stamp with more after it": with_values(3, created="2026-02-01T00:00:00.000Z\n2026-02-01T00:00:00.000Z"),
    "a key twice": lambda lines: with_values(3, key=json.loads(lines[4])["key"])(lines),
    "a day that is none": with_values(3, created="2026-02-31T00:00:00.000Z"),
    "an hour that is none": with_values(3, created="2026-02-01T24:00:00.000Z"),
    "a stamp in other digits": with_values(3, created="２026-02-01T00:00:00.000Z"),
    "another hash": with_values(3, hash="0" * 64),
    "another body": with_values(3, body="{}"),
    "a body that is no text": with_values(3, body={}),
    "a NUL": with_values(3, body="a\x00b", hash=content_hash("a\x00b")),
    "half of a character": with_values(3, body="\ud800"),
}  # fmt: skip


@pytest.mark.parametrize("what", ODD)
def test_what_is_odd_is_left_to_be_looked_at_fact_by_fact(told: TellingHub, what: str) -> None:
    batch = rewritten(told, ODD[what])
    assert batch != told.batch()
    assert read_columns(batch, KINDS) is None


@pytest.mark.parametrize(
    "batch",
    [b"", b"hello", gzip.compress(b""), gzip.compress(b"[" * 100_000)],
    ids=["nothing", "no gzip", "nothing zipped", "deep"],
)
def test_what_is_no_batch_is_none_for_columns_either(batch: bytes) -> None:
    assert read_columns(batch, KINDS) is None


def test_a_batch_over_the_limits_is_not_read(told: TellingHub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_columns(told.batch(), KINDS) is not None
    monkeypatch.setattr(protocol, "MOST_ROWS", 19)
    assert read_columns(told.batch(), KINDS) is None


BODIES = [
    '{"schema":1,"day":"2026-01-02","shots":1,"sessions":1,"players":1,"minutes":1,"matches":1}',
    '{"schema":2,"day":"2026-01-02","shots":1,"sessions":1,"players":1,"minutes":1,"matches":1}',
    '{"schema":true,"day":"2026-01-02","shots":1,"sessions":1,"players":1,"minutes":1,"matches":1}',
    '{"schema":1,"day":"2026-13-02","shots":1,"sessions":1,"players":1,"minutes":1,"matches":1}',
    '{"schema":1,"day":"2027-01-02","shots":1,"sessions":1,"players":1,"minutes":1,"matches":1}',
    '{"schema":1,"day":7,"shots":1,"sessions":1,"players":1,"minutes":1,"matches":1}',
    '{"schema":1,"day":[],"shots":1,"sessions":1,"players":1,"minutes":1,"matches":1}',
    '{"schema":1,"day":"2026-01-02","shots":1.0,"sessions":1,"players":1,"minutes":1,"matches":1}',
    '{"schema":1,"day":"2026-01-02","shots":-1,"sessions":1,"players":1,"minutes":1,"matches":1}',
    '{"schema":1,"day":"2026-01-02","shots":1,"sessions":1,"players":1,"minutes":NaN,"matches":1}',
    '{"schema":1,"day":"2026-01-02","shots":1,"sessions":1,"players":1,"minutes":1e9,"matches":1}',
    '{"schema":1,"day":"2026-01-02","shots":1,"sessions":1,"players":1,"minutes":1,"matches":1,"more":{}}',
    '{"schema":1,"day":"2026-01-02","shots":1,"sessions":1,"players":1,"minutes":1}',
    '{"schema":1,"more":"',
    '","day":"2026-01-02","shots":1,"sessions":1,"players":1,"minutes":1,"matches":1}',
    "{}", "[]", "{},{}", "", "7", '{"a":"}', '{","b":1}',
]  # fmt: skip


@settings(max_examples=300)
@given(bodies=st.lists(st.sampled_from(BODIES), min_size=1, max_size=4))
def test_many_days_at_once_are_read_as_each_alone_or_not_at_all(bodies: list[str]) -> None:
    created = stamp(NOW)
    found = days.read_all(bodies, [created] * len(bodies))
    if found is not None:
        assert found == [days.read(Fact("day", "", created, body, "")) for body in bodies]


def test_ordinary_days_are_read_at_once() -> None:
    bodies = [day_fact(day_of(n), n).body for n in range(5)]
    found = days.read_all(bodies, [stamp(NOW)] * 5)
    assert found == [days.read(day_fact(day_of(n), n)) for n in range(5)]


def facts() -> st.SearchStrategy[list[Fact]]:
    day = st.builds(day_fact, st.integers(0, 4).map(day_of), st.integers(0, 50))
    odd = st.one_of(
        day.map(lambda fact: replace(fact, body=fact.body + " ")),
        st.just(0).map(lambda _: make_fact("shot", {"schema": 1}, stamp(NOW))),
        st.just(0).map(lambda _: day_fact(day_of(1), -1)),
        st.just(0).map(lambda _: day_fact("2027-03-01", created="2027-03-01T12:00:00.000Z")),
    )
    return st.lists(st.one_of(day, day, day, day, day, day, day, odd), min_size=1, max_size=12)


def kept_by(db: Database, hub: TellingHub) -> list[Any]:
    """All that is kept of a hub's line, without what tells it from another's."""
    asked = (
        "SELECT t.seq, t.kind, t.created, t.hash, t.body FROM facts t",
        "SELECT t.seq, t.fate, t.why, t.holds, t.body FROM set_aside t",
        "SELECT t.day, t.seq, t.told_at, t.shots, t.sessions, t.players, t.matches, t.minutes FROM hall_days t",
    )
    with db.read() as conn:
        found = [
            conn.rows(f"{sql} JOIN lines l ON l.id = t.line_id WHERE l.device_id = ? ORDER BY t.seq", [hub.device])
            for sql in asked
        ]
        upto = conn.rows("SELECT upto FROM lines WHERE device_id = ?", [hub.device])
    return [[tuple(dict(row).values()) for row in rows] for rows in (*found, upto)]


@settings(max_examples=40)
@given(facts=facts(), cuts=st.lists(st.integers(1, 12), min_size=1, max_size=4))
def test_by_columns_and_fact_by_fact_the_same_is_kept_and_answered(
    shared_db: Database, facts: list[Fact], cuts: list[int]
) -> None:
    hubs = [enrolled(shared_db, "Chalk City") for _ in range(2)]
    answers: list[list[Any]] = [[], []]
    for which, hub in enumerate(hubs):
        hub.write(*(replace(fact, key=uuid7()) for fact in facts))
        assert hub.signer is not None
        with shared_db.read() as conn:
            found = devices.look_up(conn, hub.device, hub.signer.key_id, NOW)
        assert found is not None
        for cut in (*cuts, len(facts)):
            batch = hub.batch(1, cut)
            answers[which].append(
                ingest.receive(shared_db, batch, found.device, NOW)
                if which
                else ingest.receive_one_by_one(shared_db, unpack(batch), found.device, NOW)
            )
    assert answers[0] == answers[1]
    assert kept_by(shared_db, hubs[0]) == kept_by(shared_db, hubs[1])


def test_an_ordinary_batch_is_not_looked_at_fact_by_fact(
    db: Database, hub: TellingHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.write(*(day_fact(day_of(n)) for n in range(5)))
    assert hub.signer is not None
    with db.read() as conn:
        found = devices.look_up(conn, hub.device, hub.signer.key_id, NOW)
    assert found is not None
    with monkeypatch.context() as only:
        only.setattr(ingest, "receive_one_by_one", None)
        assert ingest.receive(db, hub.batch(), found.device, NOW).ack == 5
    assert ingest.receive(db, hub.batch(), found.device, NOW).ack == 5
