"""What can't be understood or believed is answered clearly, logged without secrets, and changes nothing."""

import gzip
import json
import logging
import re
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from telling_hub import NOW, Clock, TellingHub, day_fact, day_of, kept_of, small_cloud

from edge.clock import stamp
from edge.facts import uuid7
from sync import protocol
from sync.cloud import api, inbox
from sync.cloud.db import Database, StoreError
from sync.cloud.openapi import document
from sync.cloud.site import parse_site
from sync.protocol import Signer


def slug(answer: Any) -> str:
    assert answer.content_type == protocol.PROBLEM_TYPE
    return str(answer.get_json()["type"]).rpartition(":")[2]


@pytest.fixture
def told(hub: TellingHub) -> TellingHub:
    """A hub with facts to tell."""
    hub.write(*(day_fact(day_of(n)) for n in range(5)))
    return hub


def lines(hub: TellingHub) -> list[bytes]:
    return protocol.unzip(hub.batch()).split(b"\n")


def changed(hub: TellingHub, index: int, **values: Any) -> bytes:
    """The batch with values of one of its lines changed, before it is signed."""
    found = lines(hub)
    found[index] = json.dumps(json.loads(found[index]) | values).encode()
    return gzip.compress(b"\n".join(found))


MALFORMED: dict[str, Callable[[TellingHub], bytes]] = {
    "no gzip": lambda _: b"hello",
    "nothing": lambda _: b"",
    "half of it": lambda hub: hub.batch()[:-40],
    "a row less": lambda hub: gzip.compress(b"\n".join(lines(hub)[:-1])),
    "a head that names no line": lambda hub: changed(hub, 0, epoch="x"),
    "a head without numbers": lambda hub: changed(hub, 0, begins=None),
    "rows out of order": lambda hub: gzip.compress(b"\n".join([lines(hub)[0], *reversed(lines(hub)[1:])])),
    "no JSON": lambda hub: gzip.compress(lines(hub)[0] + b"\n{" * 5),
    "nested too deep": lambda hub: gzip.compress(lines(hub)[0] + b"\n" + b"[" * 200_000 + b"\n{}" * 4),
    "a number that is none": lambda hub: changed(hub, 1, seq=True),
    "a number beyond all": lambda hub: changed(hub, 5, seq=1 << 60),
    "a body that is no text": lambda hub: changed(hub, 1, body={}),
    "a text that no database takes": lambda hub: changed(hub, 1, body="a\x00b"),
    "half of a character": lambda hub: changed(hub, 1, body="\ud800"),
    "a kind that no database takes": lambda hub: changed(hub, 1, kind="\x00"),
    "a key that is none": lambda hub: changed(hub, 1, key="../etc/passwd"),
}  # fmt: skip


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_no_whole_batch_is_refused_and_nothing_of_it_kept(
    db: Database, client: FlaskClient, told: TellingHub, what: str
) -> None:
    answer = told.tell(client, MALFORMED[what](told))
    assert (answer.status_code, slug(answer)) == (400, "malformed")
    assert kept_of(db, told) == ([], [])
    assert told.told(client).ack == 5  # and sent again whole it is taken


def test_a_batch_of_a_schema_that_is_not_known_is_refused(client: FlaskClient, told: TellingHub) -> None:
    answer = told.tell(client, changed(told, 0, schema=99))
    assert (answer.status_code, slug(answer)) == (422, "wrong-schema")


def test_a_body_that_unfolds_without_end_is_not_unfolded(client: FlaskClient, told: TellingHub) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(64)) + packer.flush()
    assert len(bomb) < 100_000
    answer = told.tell(client, bomb)
    assert (answer.status_code, slug(answer)) == (413, "too-large")


def test_a_body_over_the_limit_is_refused_with_the_limit(client: FlaskClient, told: TellingHub) -> None:
    answer = told.tell(client, b"\0" * (protocol.MOST_BYTES + 1))
    assert (answer.status_code, slug(answer), answer.get_json()["most"]) == (413, "too-large", protocol.MOST_BYTES)


def test_a_hello_over_its_own_limit_is_refused(client: FlaskClient, hub: TellingHub) -> None:
    answer = hub.say(client, version="x" * api.MOST_JSON)
    assert (answer.status_code, slug(answer)) == (413, "too-large")


@pytest.mark.parametrize(
    "headers", [{}, {"Ladder-Device": "x"}, {"Ladder-Device": uuid7(), "Ladder-Key": uuid7()}]
)
def test_what_is_not_signed_is_refused(client: FlaskClient, told: TellingHub, headers: dict[str, str]) -> None:
    answer = client.post("/v1/facts", data=told.batch(), headers=headers)
    assert (answer.status_code, slug(answer)) == (401, "not-signed")


def test_a_device_that_is_not_enrolled_is_refused(client: FlaskClient) -> None:
    stranger = TellingHub()
    stranger.signer = Signer(stranger.device, uuid7(), b"k" * 32)
    answer = stranger.say(client)
    assert (answer.status_code, slug(answer)) == (401, "unknown-device")


@pytest.mark.parametrize("wrong", ["secret", "key", "body", "path", "time"])
def test_a_signature_holds_for_exactly_what_was_signed(
    db: Database, client: FlaskClient, told: TellingHub, wrong: str
) -> None:
    assert told.signer is not None
    signer, body = told.signer, told.batch()
    if wrong == "secret":
        signer = Signer(signer.device, signer.key_id, b"k" * 32)
    if wrong == "key":
        signer = Signer(signer.device, uuid7(), signer.secret)
    headers = signer.sign("POST", "/v1/facts" if wrong != "path" else "/v1/hello", body, stamp(NOW))
    if wrong == "time":
        headers[protocol.TIME] = "2026-01-01T00:00:00.000Z"
    answer = client.post("/v1/facts", data=body if wrong != "body" else told.batch(1, 4), headers=headers)
    assert (answer.status_code, slug(answer)) == (401, "wrong-key")
    assert kept_of(db, told) == ([], [])


def test_a_replay_does_no_harm_however_late(
    db: Database, client: FlaskClient, told: TellingHub, clock: Clock
) -> None:
    first = told.told(client)
    clock.on(days=400)
    assert told.told(client).ack == first.ack
    assert kept_of(db, told) == ([1, 2, 3, 4, 5], [])


def test_a_hub_with_a_wrong_clock_is_heard(client: FlaskClient, hub: TellingHub) -> None:
    for time in ("1970-01-01T00:00:00.000Z", "2999-12-31T23:59:59.999Z"):
        assert hub.say(client, time=time).status_code == 200


@pytest.mark.parametrize(
    "said",
    [
        {"boxes": "x"},
        {"boxes": [1]},
        {"boxes": [{"label": "Table 1"}]},
        {"boxes": [{"device": "x" * 36}]},
    ],
)
def test_a_hello_that_tells_no_boxes_is_refused(
    client: FlaskClient, hub: TellingHub, said: dict[str, Any]
) -> None:
    answer = hub.say(client, **said)
    assert (answer.status_code, slug(answer)) == (400, "malformed")


def test_a_hello_of_which_only_some_is_odd_is_taken_for_what_it_is(
    db: Database, client: FlaskClient, hub: TellingHub
) -> None:
    box = {
        "device": uuid7(), "label": "T\x00\x1b[2J" + "x" * 999, "role": "boss", "version": None, "seen_at": "soon",
        "unsent": -1, "worst": "dreadful", "findings": [None, 7, {"state": {}, "text": ["x"]}, "Dust."] * 20,
    }  # fmt: skip
    for findings in (box["findings"], "none", {"a": 1}):
        said: dict[str, Any] = {
            "boxes": [box | {"findings": findings}] * 99,
            "zone": "Mars/Olympus",
            "unsent": 1e99,
        }
        assert hub.say(client, **said).status_code == 200
    assert hub.say(client, boxes=[box], zone="../../etc/passwd").status_code == 200
    with db.read() as conn:
        assert conn.rows("SELECT zone FROM halls")[0]["zone"] == "UTC"


def test_no_database_is_a_reason_to_come_again(
    client: FlaskClient, told: TellingHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "begin_line", fail)
        answer = told.tell(client)
        assert (answer.status_code, slug(answer)) == (503, "store-busy")
        assert int(answer.headers["Retry-After"]) > 0
    assert "the disk is full" in caplog.text
    assert told.told(client).ack == 5


def test_a_mistake_of_the_program_is_a_problem_that_says_nothing_of_it(
    client: FlaskClient, told: TellingHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("secret of the program")

    monkeypatch.setattr(inbox, "begin_line", fail)
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    answer = told.tell(client)
    assert (answer.status_code, slug(answer)) == (500, "internal-server-error")
    assert "secret" not in answer.text


def test_what_is_refused_is_logged_without_secrets(
    client: FlaskClient, told: TellingHub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert told.signer is not None
    signature = told.signer.sign("POST", "/v1/facts", told.batch(), stamp(NOW))[protocol.SIGNATURE]
    told.tell(client)
    told.tell(client, told.batch()[:-9])
    told.tell(client, changed(told, 1, hash="0" * 64))
    told.send(client, "/v1/key", b"", "application/json")
    assert "set aside" in caplog.text
    assert "cut off" in caplog.text
    for secret in (told.signer.secret.hex(), signature, "312.5"):
        assert secret not in caplog.text


def test_an_address_that_is_none_is_a_problem_for_programs_and_a_page_for_people(client: FlaskClient) -> None:
    assert slug(client.get("/v1/nothing")) == "not-found"
    assert slug(client.get("/v1/facts")) == "method-not-allowed"
    page = client.get("/nothing")
    assert (page.status_code, page.mimetype) == (404, "text/html")


def test_a_name_that_is_not_ours_is_refused(db: Database, clock: Clock) -> None:
    client = small_cloud(db, clock, parse_site("https://ladder.example.com")).test_client()
    assert slug(client.get("/", headers={"Host": "evil.example.com"})) == "another-host"
    assert client.get("/healthz", headers={"Host": "10.0.0.7:8090"}).status_code == 200
    assert client.get("/metrics", headers={"Host": "localhost:8090"}).status_code == 200


def test_only_a_named_proxy_is_believed(db: Database, clock: Clock) -> None:
    said = {"X-Forwarded-For": "evil, 203.0.113.9", "X-Forwarded-Proto": "https"}
    for proxies, forwarded in (([], False), (["10.0.0.0/8"], False), (["127.0.0.1"], True)):
        client = small_cloud(db, clock, parse_site("http://localhost", proxies)).test_client()
        answer = client.get("/metrics", headers=said)
        assert answer.status_code == (404 if forwarded else 200)  # figures are not for the world


def test_health_says_why(db: Database, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/healthz").get_json() == {"ok": True, "reasons": []}

    def fail() -> None:
        raise StoreError("no")

    monkeypatch.setattr(db, "read", fail)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.get_json()["ok"]) == (503, False)


def test_metrics_count_what_happens(client: FlaskClient, told: TellingHub) -> None:
    told.told(client)
    client.post("/v1/facts")
    text = client.get("/metrics").text
    for line in (
        "ladder_cloud_halls 1",
        "ladder_cloud_facts_acknowledged 5",
        "ladder_cloud_batches_total 1",
        'ladder_cloud_set_aside{fate="dead"} 0',
        'ladder_cloud_refused_total{why="not-signed"} 1',
        "ladder_cloud_hub_age_seconds 0",
    ):
        assert line in text.splitlines()


def test_every_address_is_described_and_no_other(client: FlaskClient) -> None:
    described = client.get("/api/openapi.json").get_json()
    assert described == json.loads(json.dumps(document(described["info"]["version"])))
    routes = {
        (re.sub(r"<(\w+?)(?:_id)?>", r"{\1}", rule.rule), method.lower())
        for rule in client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(("/v1/", "/api/", "/healthz", "/metrics"))
    }
    assert {(path, method) for path, found in described["paths"].items() for method in found} == routes
    assert set(described["components"]["schemas"]) >= set(find_refs(described))


def find_refs(found: Any) -> list[str]:
    if isinstance(found, dict):
        own = [found["$ref"].rpartition("/")[2]] if "$ref" in found else []
        return own + [ref for value in found.values() for ref in find_refs(value)]
    return [ref for value in found for ref in find_refs(value)] if isinstance(found, list) else []
