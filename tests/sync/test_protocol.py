"""What boxes, hub and cloud say to each other: what is signed, packed and read, and what is refused."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.facts import Fact, OutboxRow, content_hash, make_fact, uuid7
from sync import protocol
from sync.protocol import (
    MOST_ROWS,
    Answer,
    ProblemError,
    Row,
    Signer,
    contiguous,
    pack,
    read_answer,
    read_signature,
    sort_rows,
    unpack,
    unzip,
)

NOW = "2026-11-30T12:00:00.000Z"
DEVICE, EPOCH = uuid7(), uuid7()
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)


def a_fact(**content: Any) -> Fact:
    return make_fact("row", {"schema": 1, **content}, NOW)


def rows_of(*seqs: int, epoch: str = EPOCH) -> list[OutboxRow]:
    return [OutboxRow(DEVICE, epoch, seq, a_fact(n=seq)) for seq in seqs]


def a_batch(*seqs: int, begins: int = 1) -> bytes:
    return pack(DEVICE, EPOCH, begins, rows_of(*seqs))


WHOLE = a_batch(1, 2, 3)


def written(head: dict[str, Any], *lines: Any) -> bytes:
    """A batch of whatever stands there."""
    whole = {"schema": 1, "device": DEVICE, "epoch": EPOCH, "begins": 1, "rows": len(lines), **head}
    return gzip.compress(
        "\n".join(one if isinstance(one, str) else json.dumps(one) for one in (whole, *lines)).encode()
    )


def a_row(**other: Any) -> dict[str, Any]:
    fact = a_fact(n=1)
    return {
        "seq": 1,
        "kind": "row",
        "key": fact.key,
        "created": NOW,
        "hash": fact.hash,
        "body": fact.body,
        **other,
    }


@given(st.dictionaries(TEXTS, TEXTS, max_size=4), st.lists(st.integers(1, 1 << 40), unique=True, max_size=20))
def test_a_batch_arrives_as_it_was_written(content: dict[str, str], seqs: list[int]) -> None:
    rows = [OutboxRow(DEVICE, EPOCH, seq, a_fact(n=seq, said=content)) for seq in sorted(seqs)]
    batch = unpack(pack(DEVICE, EPOCH, 1, rows))
    assert (batch.head.device, batch.head.epoch, batch.head.begins) == (DEVICE, EPOCH, 1)
    assert [(row.seq, row.fact) for row in batch.rows] == [(row.seq, row.fact) for row in rows]
    assert all(row.sound for row in batch.rows)


@given(st.data())
def test_half_a_batch_is_none(data: st.DataObject) -> None:
    whole = WHOLE
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(ProblemError) as refused:
        unpack(whole[:cut])
    assert (refused.value.status, refused.value.slug) == (400, "malformed")


@given(st.data())
def test_a_bit_that_flips_on_the_way_is_never_believed(data: st.DataObject) -> None:
    whole = bytearray(WHOLE)
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        batch = unpack(bytes(whole))
    except ProblemError as problem:
        assert problem.status in (400, 413, 422)  # noqa: PT017
        return
    assert [(row.seq, json.loads(row.fact.body)["n"]) for row in batch.rows] == [(1, 1), (2, 2), (3, 3)]


@given(st.binary(max_size=200))
def test_anything_else_is_no_batch(body: bytes) -> None:
    for one in (body, gzip.compress(body)):
        with pytest.raises(ProblemError) as refused:
            unpack(one)
        assert refused.value.status in (400, 422)


def test_a_body_over_the_limit_is_refused_before_it_is_unzipped() -> None:
    with pytest.raises(ProblemError) as refused:
        unpack(a_batch(1), most_bytes=10)
    assert refused.value.status == 413


def test_what_unfolds_to_more_than_is_allowed_is_refused_and_not_unfolded() -> None:
    bomb = gzip.compress(bytes(64 << 20))
    assert len(bomb) < 100_000
    with pytest.raises(ProblemError) as refused:
        unzip(bomb, 1 << 20)
    assert (refused.value.status, refused.value.more) == (413, {"most": 1 << 20})


def test_a_bomb_of_lines_is_refused_by_its_head() -> None:
    """Forty million empty lines are forty kilobytes, and would be gigabytes of rows."""
    bomb = gzip.compress(json.dumps({"schema": 1}).encode() + b"\n" * (40 << 20))
    with pytest.raises(ProblemError):
        unpack(bomb)


def test_a_batch_has_no_more_rows_than_a_hub_takes_at_once() -> None:
    rows = [a_row(seq=n) for n in range(1, MOST_ROWS + 2)]
    with pytest.raises(ProblemError) as refused:
        unpack(written({}, *rows))
    assert refused.value.status == 413


def test_a_schema_that_is_not_known_is_said_so() -> None:
    for schema in (0, 2, "1", None):
        with pytest.raises(ProblemError) as refused:
            unpack(written({"schema": schema}, a_row()))
        assert (refused.value.status, refused.value.slug) == (422, "wrong-schema")


@pytest.mark.parametrize(
    "head",
    [
        {"device": "box"},
        {"device": None},
        {"epoch": ["x"]},
        {"begins": 0},
        {"begins": True},
        {"begins": 1 << 60},
        {"rows": -1},
        {"rows": 2},
        {"rows": "1"},
        {"begins": 2},  # the row is 1
    ],
)
def test_a_head_that_names_no_line_is_refused(head: dict[str, Any]) -> None:
    with pytest.raises(ProblemError) as refused:
        unpack(written(head, a_row()))
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "other",
    [
        {"seq": 0},
        {"seq": -1},
        {"seq": True},
        {"seq": 1.0},
        {"seq": 1 << 60},
        {"kind": ""},
        {"kind": "x" * 41},
        {"kind": "a\x00b"},
        {"key": "k"},
        {"key": 7},
        {"created": "yesterday"},
        {"created": "2026-11-30T12:00:00.000+01:00"},
        {"created": "٢٠٢٦-11-30T12:00:00.000Z"},
        {"created": "2026-13-41T12:00:00.000Z"},
        {"hash": "0" * 63},
        {"body": None},
        {"body": "a\x00b"},
        {"body": "\ud800"},
    ],
)
def test_a_row_that_is_no_fact_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(ProblemError) as refused:
        unpack(written({}, a_row(**other)))
    assert refused.value.status == 400


@pytest.mark.parametrize("line", ["[]", "7", "[" * 100_000, '{"seq": ' + "9" * 5000 + "}", "{", ""])
def test_a_line_that_is_no_object_is_refused(line: str) -> None:
    with pytest.raises(ProblemError) as refused:
        unpack(written({}, line))
    assert refused.value.status == 400


def test_rows_out_of_order_and_twice_are_refused() -> None:
    for seqs in ((2, 1), (1, 1)):
        with pytest.raises(ProblemError) as refused:
            unpack(a_batch(*seqs))
        assert refused.value.status == 400


SIGNER = Signer(uuid7(), uuid7(), b"k" * 32)


def test_a_signature_holds_for_one_request_alone() -> None:
    said = read_signature(SIGNER.sign("POST", "/v1/facts?x=1", b"body", NOW))
    assert said.fits(SIGNER.secret, "POST", "/v1/facts?x=1", b"body")
    assert said.fits(SIGNER.secret, "post", "/v1/facts?x=1", b"body")
    assert not said.fits(b"j" * 32, "POST", "/v1/facts?x=1", b"body")
    assert not said.fits(SIGNER.secret, "PUT", "/v1/facts?x=1", b"body")
    assert not said.fits(SIGNER.secret, "POST", "/v1/facts?x=2", b"body")
    assert not said.fits(SIGNER.secret, "POST", "/v1/facts?x=1", b"bodY")


@pytest.mark.parametrize("name", [protocol.DEVICE, protocol.KEY, protocol.TIME])
def test_who_and_when_are_signed_too(name: str) -> None:
    headers = SIGNER.sign("GET", "/", b"", NOW)
    headers[name] = "2026-11-30T12:00:00.001Z" if name == protocol.TIME else uuid7()
    assert not read_signature(headers).fits(SIGNER.secret, "GET", "/", b"")


@pytest.mark.parametrize("name", [protocol.DEVICE, protocol.KEY, protocol.TIME, protocol.SIGNATURE])
@pytest.mark.parametrize("value", [None, "", "x", "' OR 1=1 --"])
def test_what_is_not_signed_is_not_read_further(name: str, value: str | None) -> None:
    headers = SIGNER.sign("GET", "/", b"", NOW)
    del headers[name]
    with pytest.raises(ProblemError) as refused:
        read_signature(headers if value is None else {**headers, name: value})
    assert (refused.value.status, refused.value.slug) == (401, "not-signed")


def test_a_signer_does_not_show_its_secret() -> None:
    assert "kkkk" not in repr(SIGNER)
    assert b"k" * 32 not in repr(SIGNER).encode()


@given(st.integers(0, 20), st.lists(st.integers(1, 40)))
def test_what_is_acknowledged_has_no_gap(upto: int, seqs: list[int]) -> None:
    ack = contiguous(upto, seqs)
    assert set(range(upto + 1, ack + 1)) <= set(seqs)
    assert ack + 1 not in seqs
    assert ack >= upto


def row(seq: int, fact: Fact) -> Row:
    return Row(seq, fact)


def test_rows_are_told_apart_by_number_key_and_content() -> None:
    one, two, three = (a_fact(n=n) for n in range(3))
    spoilt = Fact("row", uuid7(), NOW, one.body + " ", one.hash)
    found = sort_rows(
        [row(1, one), row(2, two), row(3, three), row(4, spoilt), row(5, a_fact(n=5))],
        {1: one.hash, 2: content_hash("other")},
        {three.key: 9},
    )
    assert [[one.seq for one in each] for each in (found.fresh, found.again, found.conflicting, found.spoilt)] == [
        [5], [1], [2, 3], [4],
    ]  # fmt: skip


def test_two_facts_of_one_key_in_one_batch_conflict() -> None:
    one, two = a_fact(n=1), a_fact(n=2)
    found = sort_rows([row(1, one), row(2, Fact("row", one.key, NOW, two.body, two.hash))], {}, {})
    assert [each.seq for each in found.fresh] == [1]
    assert [each.seq for each in found.conflicting] == [2]


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=12))
def test_no_row_is_lost_in_sorting(kinds: list[tuple[bool, bool, bool]]) -> None:
    known: dict[int, str] = {}
    keys: dict[str, int] = {}
    rows = []
    for seq, (is_known, same, sound) in enumerate(kinds, 1):
        fact = a_fact(n=seq)
        if is_known:
            known[seq] = fact.hash if same else content_hash("other")
        elif same:
            keys[fact.key] = 99
        rows.append(row(seq, fact if sound else Fact("row", fact.key, NOW, "{}", fact.hash)))
    found = sort_rows(rows, known, keys)
    sorts = (found.fresh, found.again, found.conflicting, found.spoilt)
    assert sorted(one.seq for each in sorts for one in each) == [one.seq for one in rows]
    assert all(one.sound and one.seq not in known and one.fact.key not in keys for one in found.fresh)


def test_an_answer_is_read_as_it_was_given() -> None:
    answer = Answer(7, NOW, ((3, "dead", "why"), (5, "held", "later")))
    assert read_answer(json.loads(json.dumps(answer.body()))) == answer
    assert (answer.status, Answer(7, NOW, ((3, "conflict", "why"),)).status) == (200, 409)


@pytest.mark.parametrize(
    "body", [None, [], {}, {"ack": "x", "time": NOW, "set_aside": []}, {"ack": 1, "time": NOW}]
)
def test_what_is_no_answer_is_not_taken_for_one(body: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_answer(body)


def test_a_problem_says_what_happened_as_the_standard_has_it() -> None:
    problem = protocol.too_large(8 << 20)
    assert problem.body() == {
        "type": "urn:action-ladder:too-large",
        "title": "Too large",
        "status": 413,
        "detail": "A body may have 8 MB: send fewer rows.",
        "most": 8 << 20,
    }
