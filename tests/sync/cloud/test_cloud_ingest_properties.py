"""However batches are cut, lost, doubled, reordered and spoilt on their way: every fact once, nothing acknowledged
that is not kept."""

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from telling_hub import Clock, TellingHub, day_fact, day_of, enrolled, kept_of, small_cloud

from edge.facts import Fact, make_fact
from sync.cloud import days
from sync.cloud.db import Database
from sync.protocol import read_answer

FACTS, DAYS = 24, 5
CREATED = "2026-11-30T12:00:00.000Z"


@dataclass(frozen=True)
class Sent:
    """A batch on its way: from which number on how many, what becomes of it, and whether its answer comes back."""

    first: int
    many: int
    fate: str
    cut: int
    answered: bool


def facts() -> st.SearchStrategy[list[Fact]]:
    day = st.builds(day_fact, st.integers(0, DAYS - 1).map(day_of), st.integers(0, 50), created=st.just(CREATED))
    unknown = st.just("x").map(lambda _: make_fact("shot", {"schema": 1}, CREATED))
    wrong = st.integers(0, DAYS).map(lambda n: day_fact(day_of(n), -1, created=CREATED))
    spoilt = day.map(lambda fact: replace(fact, body=fact.body + " "))
    ahead = st.just("x").map(lambda _: day_fact(day_of(0), created="2027-03-01T12:00:00.000Z"))
    one = st.one_of(day, day, day, day, unknown, wrong, spoilt, ahead)
    return st.lists(one, min_size=1, max_size=FACTS)


def journeys() -> st.SearchStrategy[list[Sent]]:
    sent = st.builds(
        Sent,
        st.integers(1, FACTS),
        st.integers(1, FACTS),
        st.sampled_from(("whole", "whole", "whole", "twice", "cut", "flipped")),
        st.integers(1, 400),
        st.booleans(),
    )
    return st.lists(sent, max_size=8)


def on_the_way(batch: bytes, sent: Sent) -> list[bytes]:
    """What arrives of a batch."""
    if sent.fate == "cut":
        return [batch[: max(1, len(batch) - sent.cut)]]
    if sent.fate == "flipped":
        at = sent.cut % len(batch)
        return [batch[:at] + bytes([batch[at] ^ 0x55]) + batch[at + 1 :]]
    return [batch] * (2 if sent.fate == "twice" else 1)


@settings(max_examples=60)
@given(facts=facts(), journeys=journeys(), cut=st.integers(1, FACTS))
def test_every_fact_arrives_once_and_what_is_acknowledged_is_kept(
    shared_db: Database, facts: list[Fact], journeys: list[Sent], cut: int
) -> None:
    hub = enrolled(shared_db, "Chalk City")
    client = small_cloud(shared_db, Clock()).test_client()
    hub.write(*facts)
    acked = 0
    for sent in journeys:
        if sent.first > len(facts):
            continue
        batch = hub.batch(sent.first, sent.first + sent.many - 1)
        for arrived in on_the_way(batch, sent):
            signed = batch if sent.fate == "flipped" else arrived  # spoilt after it was signed, or cut before
            acked = max(acked, arrive(client, hub, signed, arrived, sent))
            kept = {seq for which in kept_of(shared_db, hub) for seq in which}
            assert set(range(1, acked + 1)) <= kept
    tell_the_rest(client, hub, cut)
    taken, aside = kept_of(shared_db, hub)
    assert sorted(taken + aside) == list(range(1, len(facts) + 1))
    assert told(shared_db, hub) == should_be_told(hub, taken)


def arrive(client: object, hub: TellingHub, signed: bytes, arrived: bytes, sent: Sent) -> int:
    """What the hub learns: the acknowledgement, if the answer comes back."""
    from flask.testing import FlaskClient
    from telling_hub import NOW

    from edge.clock import stamp
    from sync import protocol

    assert isinstance(client, FlaskClient)
    assert hub.signer is not None
    headers = hub.signer.sign("POST", "/v1/facts", signed, stamp(NOW))
    answer = client.post("/v1/facts", data=arrived, headers=headers, content_type=protocol.BATCH_TYPE)
    if sent.fate in ("cut", "flipped"):
        assert answer.status_code == (401 if sent.fate == "flipped" else 400)
        assert answer.content_type == protocol.PROBLEM_TYPE
        return 0
    assert answer.status_code == 200
    return read_answer(answer.get_json()).ack if sent.answered else 0


def tell_the_rest(client: object, hub: TellingHub, cut: int) -> None:
    """As a hub does: on from what is acknowledged, in batches of `cut`, until all is."""
    from flask.testing import FlaskClient

    assert isinstance(client, FlaskClient)
    ack = 0
    while ack < len(hub.line):
        found = hub.told(client, hub.batch(ack + 1, ack + cut)).ack
        assert found > ack
        ack = found


def told(db: Database, hub: TellingHub) -> dict[str, int]:
    with db.read() as conn:
        rows = conn.rows(
            "SELECT d.day, d.shots FROM hall_days d JOIN lines l ON l.id = d.line_id WHERE l.device_id = ?",
            [hub.device],
        )
    return {row["day"]: row["shots"] for row in rows}


def should_be_told(hub: TellingHub, taken: list[int]) -> dict[str, int]:
    """The last of each day, told plainly."""
    found = [days.read(hub.line[seq - 1].fact) for seq in taken]
    return {one.day: one.shots for one in found}
