"""The hub's door: who is let in, what is answered to what can't be, and that nothing secret is written down."""

import base64
import gzip
import json
import logging
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from evening import a_shot
from hub_door import FINGERPRINT, SECRETS, Box, Hub, slug_of
from telling_box import AT, NOW, count, guest_row, session_row, shot_fact, source_row

from edge.clock import stamp
from edge.facts import uuid7
from edge.hall import devices
from edge.hall.devices import Proof
from edge.hall.players import sign_up
from edge.store import changes
from edge.store.database import connect
from sync import protocol
from sync.protocol import Signer


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    found = Hub(tmp_path)
    yield found
    found.store.close()


@pytest.fixture
def box(hub: Hub) -> Box:
    return Box.of(hub)


def test_whether_it_lives_anybody_may_ask(hub: Hub) -> None:
    assert hub.client.get("/healthz").json == {"ok": True, "reasons": []}
    assert hub.client.get("/v1/term").json == {"term": 1}


WAYS = [
    ("POST", "/v1/hello"), ("POST", "/v1/facts"), ("POST", "/v1/key"), ("POST", "/v1/page"), ("POST", "/v1/pin"),
    ("POST", "/v1/card"), ("GET", "/v1/rows?feed=x&after=0"), ("GET", "/v1/everything"), ("GET", "/v1/snapshot"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), WAYS)
def test_nobody_else_is_told_anything(hub: Hub, box: Box, method: str, path: str) -> None:
    assert slug_of(hub.client.open(path, method=method)) == (401, "not-signed")
    stranger = Box(hub, Signer(uuid7(), uuid7(), b"x" * 32), "Table 3", uuid7())
    assert slug_of(stranger.ask(method, path)) == (401, "unknown-device")
    for signer in (replace(box.signer, secret=b"x" * 32), replace(box.signer, key_id=uuid7())):
        assert slug_of(replace(box, signer=signer).ask(method, path)) == (401, "wrong-key")
    other = Box.of(hub, "Table 5")
    borrowed = replace(box.signer, device=other.signer.device)  # its own key, in another's name
    assert slug_of(replace(box, signer=borrowed).ask(method, path)) == (401, "wrong-key")
    headers = box.signer.sign(method, path + "1", b"", AT)  # signed for another path
    assert slug_of(hub.client.open(path, method=method, headers=headers)) == (401, "wrong-key")
    with hub.store.write() as conn:
        devices.remove_device(conn, box.signer.device, None, NOW)
    assert slug_of(box.ask(method, path)) == (401, "unknown-device")


def test_a_replay_does_no_harm(hub: Hub, box: Box) -> None:
    batch = box.batch(source_row(), guest_row("g"), session_row("s", "g"))
    headers = box.signer.sign("POST", "/v1/facts", batch, AT)
    hub.now += timedelta(days=400)  # nobody is refused for a clock
    answers = [hub.client.post("/v1/facts", data=batch, headers=headers) for _ in range(3)]
    assert [answer.json for answer in answers] == [answers[0].json] * 3
    assert answers[0].status_code == 200
    assert count(hub.store, "sessions") == 1
    assert count(hub.store, "inbox") == 3


def test_what_is_acknowledged_is_there_and_what_is_not_is_not(hub: Hub, box: Box) -> None:
    answer = box.facts(source_row(), guest_row("g")).json
    assert answer == {"ack": 2, "time": stamp(NOW), "set_aside": []}
    with closing(connect(hub.store.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        busy = box.facts(session_row("s", "g"))
        other.execute("ROLLBACK")
    assert slug_of(busy) == (503, "store-busy")
    assert 5 <= int(busy.headers["Retry-After"]) < 15
    assert count(hub.store, "sessions") == 0


def test_a_batch_that_can_not_be_is_refused_in_words(box: Box) -> None:
    good = box.batch(source_row())
    refused = {
        "half": (good[: len(good) // 2], (400, "malformed")),
        "nothing": (b"", (400, "malformed")),
        "noise": (b"\x1f\x8b" + b"noise" * 20, (400, "malformed")),
        "bomb": (gzip.compress(bytes(80 << 20)), (413, "too-large")),
        "over the limit": (b"x" * (protocol.MOST_BYTES + 1), (413, "too-large")),
        "schema": (gzip.compress(b'{"schema": 9}'), (422, "wrong-schema")),
    }
    for what, (body, wanted) in refused.items():
        assert slug_of(box.ask("POST", "/v1/facts", body)) == wanted, what
    assert box.ask("POST", "/v1/facts", good).status_code == 200


def test_a_box_tells_no_other_boxs_facts(hub: Hub, box: Box) -> None:
    other = Box.of(hub, "Table 5")
    assert slug_of(box.ask("POST", "/v1/facts", other.batch(source_row()))) == (403, "another-device")


def test_a_conflict_is_said_with_its_number(hub: Hub, box: Box) -> None:
    box.facts(source_row())
    box.seq = 0
    answer = box.facts(source_row(place="another"))
    assert answer.status_code == 409
    assert answer.json is not None
    assert [(one["seq"], one["fate"]) for one in answer.json["set_aside"]] == [(1, "conflict")]


@pytest.mark.parametrize("path", ["/v1/hello", "/v1/pin", "/v1/card", "/v1/page", "/v1/enrol"])
def test_what_is_no_request_is_refused_in_words(box: Box, path: str) -> None:
    for body in (b"", b"{", b"[]", b"7", b"null", b"\xff", b"[" * 60_000):
        answer = box.ask("POST", path, body, content_type="application/json")
        assert slug_of(answer) == (400, "malformed"), body[:9]
    if path != "/v1/page":
        large = json.dumps({"name": "x" * 70_000}).encode()
        assert slug_of(box.ask("POST", path, large, content_type="application/json")) == (413, "too-large")


def test_no_way_and_no_such_method_are_problems_too(box: Box) -> None:
    assert slug_of(box.ask("GET", "/v1/nothing")) == (404, "not-found")
    assert slug_of(box.ask("GET", "/v1/facts")) == (405, "method-not-allowed")


def test_what_breaks_inside_is_said_without_what_it_was(box: Box) -> None:
    box.hub.client.application.config["PROPAGATE_EXCEPTIONS"] = False
    page = {"method": "POST", "path": "/breaks", "headers": {}, "body": "",
            "asker": {"player_id": None, "device": None, "by_pin": False, "screen": True, "secure": False,
                      "address": ""}}  # fmt: skip
    answer = box.post("/v1/page", page)
    assert slug_of(answer)[0] == 500
    assert "4711" not in answer.text


def test_a_page_is_for_the_table_that_asks_whatever_the_request_says(box: Box) -> None:
    asker = {
        "player_id": None, "device": None, "by_pin": False, "screen": True, "secure": False, "address": "",
    }  # fmt: skip
    page = {
        "method": "GET",
        "path": "/boards",
        "headers": {},
        "body": "",
        "asker": asker,
        "table_label": "Table 9",
    }
    answer = box.post("/v1/page", page)
    assert answer.json is not None
    assert answer.json["status"] == 200
    assert base64.b64decode(answer.json["body"]) == b"/boardsTable 3"


def test_hello_tells_how_far_the_hub_has_come(hub: Hub, box: Box) -> None:
    box.facts(source_row(), guest_row("g"))
    told = box.post("/v1/hello", {"unsent": 3, "hub_port": 8444}).json
    assert told is not None
    assert told["lines"] == {box.epoch: 2}
    assert (told["table_label"], told["keep_copy"], told["time"]) == ("Table 3", True, stamp(NOW))
    with hub.store.read() as conn:
        found = devices.get_device(conn, box.signer.device)
    assert found is not None
    assert (found.says["unsent"], found.seen_at) == (3, stamp(NOW))


# Rows down.


def test_what_has_changed_since_is_told_and_then_no_more(hub: Hub, box: Box) -> None:
    feed = (box.post("/v1/hello", {}).json or {})["feed"]
    with hub.store.write() as conn:
        after = changes.latest(conn)
        ana = sign_up(conn, "Ana", AT)
    head, player, end = box.lines(f"/v1/rows?feed={feed}&after={after}")
    assert (player[0], player[1], player[2]["name"], end) == ("players", [ana.id], "Ana", {"end": True})
    assert box.lines(f"/v1/rows?feed={feed}&after={head['upto']}") == [head, end]


def test_who_can_not_be_told_what_has_changed_since_takes_all_anew(hub: Hub, box: Box) -> None:
    feed = (box.post("/v1/hello", {}).json or {})["feed"]
    with hub.store.write() as conn:
        for name in ("Ana", "Ben", "Cleo"):
            sign_up(conn, name, AT)
        latest = changes.latest(conn)
        changes.forget_before(conn, latest - 1)
    fine = f"/v1/rows?feed={feed}&after={latest - 1}"
    assert box.ask("GET", fine).status_code == 200
    for query in (
        f"feed={feed}&after={latest - 2}",
        f"feed={feed}&after={latest + 1}",
        f"feed=old&after={latest}",
    ):
        assert slug_of(box.ask("GET", f"/v1/rows?{query}")) == (410, "start-anew")
    for after in ("", "-1", "1.5", "x", "9" * 16, "١"):
        answer = box.ask("GET", f"/v1/rows?feed={feed}&after={after}".encode().decode("latin-1"))
        assert answer.status_code in (400, 401)  # what is no ASCII is signed otherwise than it comes


def test_everything_is_what_the_hub_has_for_this_table(hub: Hub, box: Box) -> None:
    with hub.store.write() as conn:
        ana = sign_up(conn, "Ana", AT)
        conn.execute("UPDATE players SET email = 'ana@example.com'")
    head, *told, end = box.lines("/v1/everything")
    assert end == {"end": True}
    assert head["more"] is False
    assert [one[1] for one in told if one[0] == "players"] == [[ana.id]]
    assert "ana@example.com" not in json.dumps(told)


def test_only_the_keeper_of_the_copy_is_told_what_is_private(hub: Hub, box: Box) -> None:
    other = Box.of(hub, "Table 5")
    feed = (other.post("/v1/hello", {}).json or {})["feed"]
    for path in (f"/v1/rows?feed={feed}&after=0&copy=1", "/v1/snapshot"):
        assert slug_of(other.ask("GET", path)) == (403, "not-the-keeper")
        assert box.ask("GET", path).status_code == 200
    with hub.store.write() as conn:
        devices.remove_device(conn, box.signer.device, None, NOW)
    assert other.ask("GET", "/v1/snapshot").data == b"snapshot"


# What is written down.


def test_no_secret_is_written_down_whatever_happens(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    """Everything above in short, with all that is logged, also what only somebody who looks for a fault sees."""
    caplog.set_level(logging.DEBUG)
    hub.client.application.config["PROPAGATE_EXCEPTIONS"] = False
    code = hub.code()
    box = Box.of(hub)
    other = box.new_key()
    hub.enrol(Proof(uuid7(), "0" * 32, FINGERPRINT), code)
    hub.enrol(Proof(uuid7(), "0" * 32, FINGERPRINT), "WRNGWRNGWRNG")
    for one in (box, other, replace(box, signer=replace(box.signer, secret=b"y" * 32))):
        one.post("/v1/pin", {"name": "Ana", "pin": "4711"})
        one.post("/v1/pin", {"name": "Ana", "pin": "0815"})
        one.post("/v1/card", {"number": "04A3B2C1"})
        one.ask("POST", "/v1/page", b'{"body": "4711"}')
        one.ask("POST", "/v1/facts", b"4711")
        one.facts(guest_row("g", name="Guest of 4711"), session_row("s", "4711"), shot_fact(a_shot("4711/1")))
        one.ask("GET", "/v1/rows?feed=x&after=4")
        one.ask("GET", "/v1/everything")
    with closing(connect(hub.store.path)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        other.facts(source_row())
        busy.execute("ROLLBACK")
    said = "\n".join(record.getMessage() + (record.exc_text or "") for record in caplog.records)
    assert "is enrolled" in said
    assert "set aside" in said
    assert "held by another process" in said
    with hub.store.read() as conn:
        secret = [row["secret"].hex() for row in conn.execute("SELECT secret FROM device_keys")]
    signatures = [one.signer.sign("GET", "/v1/everything", b"", AT)[protocol.SIGNATURE] for one in (box, other)]
    for word in (
        code,
        devices.shown_code(code),
        "WRNG",
        "4711",
        "0815",
        "04A3B2C1",
        *secret,
        *signatures,
        *SECRETS.values(),
    ):
        assert word not in said, word


def test_a_key_is_nowhere_in_what_is_shown_of_it(box: Box) -> None:
    assert box.signer.secret.hex() not in repr(box.signer)
    assert repr(box.signer.secret) not in repr(box.signer)


def test_a_line_that_was_cut_off_is_told_from_a_whole_one(box: Box) -> None:
    answer = box.ask("GET", "/v1/everything")
    with pytest.raises(protocol.ProblemError):
        protocol.unzip(answer.data[:-1])
    assert zlib.decompress(answer.data, wbits=31).endswith(b'{"end":true}\n')


def test_the_keys_of_a_hub_are_in_no_answer_but_the_one_that_gives_them(hub: Hub, box: Box) -> None:
    for method, path in WAYS:
        if path not in ("/v1/key", "/v1/snapshot"):
            text = box.ask(method, path).data
            assert box.signer.secret not in text
            assert not any(secret.encode() in text for secret in SECRETS.values())
