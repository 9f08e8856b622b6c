"""How a box gets its keys at the hub's door: by a code once, and a new key ends the old one when it is used."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hub_door import FINGERPRINT, SECRETS, Box, Hub, slug_of
from telling_box import NOW

from edge.facts import uuid7
from edge.hall import devices
from edge.hall.devices import Proof
from sync.hub import TRIES_A_MINUTE
from sync.protocol import Signer


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    found = Hub(tmp_path)
    yield found
    found.store.close()


@pytest.fixture
def box(hub: Hub) -> Box:
    return Box.of(hub)


def test_a_box_that_was_removed_comes_back_with_a_new_code_and_no_old_key(hub: Hub, box: Box) -> None:
    with hub.store.write() as conn:
        devices.remove_device(conn, box.signer.device, None, NOW)
    told = hub.enrol(Proof(box.signer.device, "1" * 32, FINGERPRINT), hub.code()).json
    assert told is not None
    assert slug_of(box.post("/v1/hello", {})) == (401, "wrong-key")
    new = replace(box, signer=Signer(box.signer.device, told["key_id"], bytes.fromhex(told["key"])))
    assert new.post("/v1/hello", {}).status_code == 200


def test_a_box_is_let_in_by_a_code_once(hub: Hub) -> None:
    code, proof = hub.code(), Proof(uuid7(), "0" * 32, FINGERPRINT)
    told = hub.enrol(proof, code).json
    assert told is not None
    assert told["proof"] == proof.by(code, "hub") != proof.by(code, "box")
    assert (told["table_label"], told["hall"], told["secrets"]) == ("Table 3", "Chalk City", SECRETS)
    assert slug_of(hub.enrol(proof, code)) == (403, "wrong-code")
    assert slug_of(hub.enrol(Proof(uuid7(), "0" * 32, FINGERPRINT), code)) == (403, "wrong-code")


def test_a_code_is_worth_nothing_to_who_sees_another_certificate(hub: Hub) -> None:
    """Who stands between the two shows a certificate of their own, for which the proof is another."""
    code = hub.code()
    assert slug_of(hub.enrol(Proof(uuid7(), "0" * 32, "e2" * 32), code)) == (403, "wrong-code")
    assert slug_of(hub.enrol(Proof(uuid7(), "0" * 32, FINGERPRINT), code, side="hub")) == (403, "wrong-code")
    assert hub.enrol(Proof(uuid7(), "0" * 32, FINGERPRINT), code).status_code == 200


def test_a_code_is_good_for_half_an_hour(hub: Hub) -> None:
    code = hub.code()
    hub.now += timedelta(minutes=31)
    assert slug_of(hub.enrol(Proof(uuid7(), "0" * 32, FINGERPRINT), code)) == (403, "wrong-code")


def test_a_new_code_for_a_table_takes_the_place_of_the_one_before(hub: Hub) -> None:
    code, other, new = hub.code(), hub.code("Table 5"), hub.code()
    assert hub.enrol(Proof(uuid7(), "0" * 32, FINGERPRINT), code).status_code == 403
    for one in (other, new):
        assert hub.enrol(Proof(uuid7(), "0" * 32, FINGERPRINT), one).status_code == 200


def test_who_guesses_is_stopped(hub: Hub) -> None:
    code = hub.code()
    for n in range(devices.WRONG_TRIES):
        hub.now += timedelta(seconds=5)
        assert slug_of(hub.enrol(Proof(uuid7(), f"{n:032}", FINGERPRINT), "A" * 12)) == (403, "wrong-code")
    assert slug_of(hub.enrol(Proof(uuid7(), "0" * 32, FINGERPRINT), code)) == (403, "wrong-code")
    assert hub.enrol(Proof(uuid7(), "0" * 32, FINGERPRINT), hub.code()).status_code == 200


def test_too_many_at_once_are_asked_to_wait(hub: Hub) -> None:
    for _ in range(TRIES_A_MINUTE):
        hub.client.post("/v1/enrol", json={})
    answer = hub.client.post("/v1/enrol", json={})
    assert slug_of(answer) == (429, "too-many-tries")
    assert 5 <= int(answer.headers["Retry-After"]) < 15
    hub.now += timedelta(minutes=1)
    assert hub.enrol(Proof(uuid7(), "0" * 32, FINGERPRINT), hub.code()).status_code == 200


@pytest.mark.parametrize(
    "said", [{}, {"device": "x" * 36}, {"nonce": "short"}, {"nonce": "x" * 65}, {"device": 7}]
)
def test_what_is_no_wish_to_be_enrolled_is_refused(hub: Hub, said: dict[str, Any]) -> None:
    whole = {"device": uuid7(), "nonce": "0" * 32, "proof": "0" * 64} if said else {}
    assert slug_of(hub.client.post("/v1/enrol", json={**whole, **said})) == (400, "malformed")


def test_two_keys_are_good_until_the_new_one_is_used(hub: Hub, box: Box) -> None:
    new = box.new_key()
    assert box.post("/v1/hello", {}).status_code == 200  # the answer may have been lost
    assert new.post("/v1/hello", {}).status_code == 200
    assert slug_of(box.post("/v1/hello", {})) == (401, "wrong-key")
    assert new.post("/v1/hello", {}).status_code == 200


def test_a_key_whose_answer_was_lost_is_asked_for_again(hub: Hub, box: Box) -> None:
    box.new_key()
    hub.now += timedelta(days=1)
    newest = box.new_key()
    assert box.post("/v1/hello", {}).status_code == 200
    assert newest.post("/v1/hello", {}).status_code == 200
    with hub.store.read() as conn:
        assert not devices.has_earlier_key(conn, box.signer.device, newest.signer.key_id, hub.now)


def test_a_key_that_was_replaced_and_not_used_ends_after_a_week(hub: Hub, box: Box) -> None:
    new = box.new_key()
    hub.now += timedelta(days=8)
    assert slug_of(box.post("/v1/hello", {})) == (401, "wrong-key")
    assert new.post("/v1/hello", {}).status_code == 200


@pytest.mark.parametrize("back", [timedelta(), timedelta(days=900)])
def test_the_old_key_never_ends_the_new_one_though_the_clock_went_back(
    hub: Hub, box: Box, back: timedelta
) -> None:
    hub.now -= back
    new = box.new_key()
    assert box.post("/v1/hello", {}).status_code == 200
    assert box.post("/v1/hello", {}).status_code == 200
    assert new.post("/v1/hello", {}).status_code == 200
    assert slug_of(box.post("/v1/hello", {})) == (401, "wrong-key")


def test_who_is_enrolled_anew_has_one_key(hub: Hub, box: Box) -> None:
    new = box.new_key()
    told = hub.enrol(Proof(box.signer.device, "1" * 32, FINGERPRINT), hub.code()).json
    assert told is not None
    for old in (box, new):
        assert slug_of(old.post("/v1/hello", {})) == (401, "wrong-key")
