"""A hub is enrolled once by a code that never travels, and then believed by its key alone."""

import secrets
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from telling_hub import ADDRESS, NOW, Clock, TellingHub, day_fact, day_of, enrolled, kept_of, small_cloud

from edge.clock import stamp
from edge.hall import devices as hubs_devices
from sync.cloud import codes, devices, halls
from sync.cloud.db import Database
from sync.cloud.site import parse_site
from sync.protocol import CloudProof, Signer, cloud_address


def code_for(db: Database, hall: str = "Chalk City", clock: Clock | None = None) -> str:
    now = (clock or Clock()).now
    with db.write() as conn:
        return devices.new_code(conn, halls.find_or_make(conn, hall, stamp(now))[0], now)


def slug(answer: Any) -> str:
    return str(answer.get_json()["type"]).rpartition(":")[2]


def test_a_hub_that_knows_the_code_is_taken_in_and_believed(db: Database, client: FlaskClient) -> None:
    hub, code = TellingHub(), code_for(db)
    answer = hub.enrol(client, code)
    assert (answer.status_code, answer.get_json()["hall"]) == (200, "Chalk City")
    hub.write(day_fact(day_of(1)))
    assert hub.told(client).ack == 1


def test_the_code_itself_is_in_neither_message(db: Database, client: FlaskClient) -> None:
    hub, code = TellingHub(), code_for(db)
    proof = CloudProof(hub.device, secrets.token_hex(16), ADDRESS).by(code, "hub")
    answer = hub.enrol(client, code)
    assert code not in proof
    assert code not in answer.text


def test_a_code_is_read_as_a_hub_s_own_codes_are(db: Database) -> None:
    code = code_for(db)
    assert (codes.CHARS, codes.LENGTH) == (hubs_devices.CODE_CHARS, hubs_devices.CODE_LENGTH)
    assert hubs_devices.clean_code(codes.shown_code(code).lower()) == code


def test_a_code_is_good_once(db: Database, client: FlaskClient) -> None:
    code = code_for(db)
    assert TellingHub().enrol(client, code).status_code == 200
    assert slug(TellingHub().enrol(client, code)) == "wrong-code"


def test_a_code_is_good_for_half_an_hour(db: Database, client: FlaskClient, clock: Clock) -> None:
    code = code_for(db)
    clock.on(minutes=30)
    assert slug(TellingHub().enrol(client, code)) == "wrong-code"


def test_a_code_ends_the_one_before_of_its_hall_and_of_no_other(db: Database, client: FlaskClient) -> None:
    other, first, second = code_for(db, "Rail & Rack"), code_for(db), code_for(db)
    assert TellingHub().enrol(client, first).status_code == 403
    assert TellingHub().enrol(client, second).status_code == 200
    assert TellingHub().enrol(client, other).status_code == 200


def test_codes_cannot_be_tried_out(db: Database, clock: Clock, client: FlaskClient) -> None:
    code = code_for(db)
    for _ in range(devices.WRONG_TRIES):
        assert TellingHub().enrol(client, "A" * 12).status_code == 403
    assert slug(TellingHub().enrol(client, code)) == "wrong-code"
    for _ in range(20):
        answer = TellingHub().enrol(client, "A" * 12)
    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (429, True)
    clock.on(minutes=1)
    assert TellingHub().enrol(client, code_for(db, clock=clock)).status_code == 200


def test_a_proof_for_another_address_is_good_nowhere_else(db: Database, client: FlaskClient) -> None:
    code = code_for(db)
    assert slug(TellingHub().enrol(client, code, "http://evil.example.com")) == "wrong-code"
    assert TellingHub().enrol(client, code).status_code == 200


@pytest.mark.parametrize(
    "said",
    [None, [], {}, {"device": "x"}, {"device": "../" * 12, "nonce": "n" * 32, "proof": ""}, {"nonce": "n" * 9999}],
)
def test_what_is_no_request_to_be_enrolled_is_refused(client: FlaskClient, said: Any) -> None:
    answer = client.post("/v1/enrol", json=said)
    assert (answer.status_code, slug(answer)) == (400, "malformed")


def test_a_proof_that_is_no_text_of_ours_is_a_wrong_one(client: FlaskClient) -> None:
    said = {"device": TellingHub().device, "nonce": "n" * 32, "proof": "é" * 64}
    assert client.post("/v1/enrol", json=said).status_code == 400


def test_enrolled_again_a_hub_has_a_new_key_and_the_old_one_ends(db: Database, client: FlaskClient) -> None:
    hub = TellingHub()
    hub.enrol(client, code_for(db))
    before = hub.signer
    hub.enrol(client, code_for(db))
    assert hub.say(client).status_code == 200
    hub.signer = before
    assert slug(hub.say(client)) == "wrong-key"


def test_a_hub_belongs_to_one_hall_for_good(db: Database, client: FlaskClient) -> None:
    hub = TellingHub()
    hub.enrol(client, code_for(db))
    code = code_for(db, "Rail & Rack")
    answer = hub.enrol(client, code)
    assert (answer.status_code, "Chalk City" in answer.get_json()["detail"]) == (409, True)
    assert hub.say(client).status_code == 200  # as before
    assert TellingHub().enrol(client, code).status_code == 200  # the code is still good


def test_after_a_rotation_both_keys_are_good_until_the_new_one_is_used(
    db: Database, client: FlaskClient, hub: TellingHub
) -> None:
    before = hub.signer
    told = hub.send(client, "/v1/key", b"", "application/json").get_json()
    assert hub.say(client).status_code == 200  # the answer may have been lost
    hub.signer = Signer(hub.device, told["key_id"], bytes.fromhex(told["key"]))
    assert hub.say(client).status_code == 200
    hub.signer = before
    assert slug(hub.say(client)) == "wrong-key"


def test_a_key_that_was_replaced_meanwhile_ends_no_other(
    db: Database, client: FlaskClient, hub: TellingHub
) -> None:
    before = hub.signer
    assert before is not None
    hub.send(client, "/v1/key", b"", "application/json")
    with db.write() as conn:
        devices.end_earlier_keys(conn, hub.device, before.key_id, NOW)
    assert hub.say(client).status_code == 200


def test_a_key_that_was_replaced_ends_by_itself(client: FlaskClient, hub: TellingHub, clock: Clock) -> None:
    hub.send(client, "/v1/key", b"", "application/json")
    clock.on(days=6)
    assert hub.say(client).status_code == 200
    clock.on(days=1)
    assert slug(hub.say(client)) == "wrong-key"


def test_who_is_removed_is_not_heard_and_what_they_told_stays(
    db: Database, client: FlaskClient, hub: TellingHub
) -> None:
    hub.write(day_fact(day_of(1)))
    hub.told(client)
    with db.write() as conn:
        assert devices.remove(conn, hub.device, NOW)
        assert not devices.remove(conn, hub.device, NOW)
    assert slug(hub.tell(client)) == "unknown-device"
    assert kept_of(db, hub) == ([1], [])
    hub.enrol(client, code_for(db))  # and may come back
    assert hub.told(client).ack == 1


def test_keys_are_told_over_https_alone_where_there_is_https(db: Database, clock: Clock) -> None:
    site = parse_site("https://ladder.example.com", ["127.0.0.1"])
    client = small_cloud(db, clock, site).test_client()
    hub, code = TellingHub(), code_for(db)
    proof = CloudProof(hub.device, "n" * 32, site.address)
    said = {"device": hub.device, "nonce": proof.nonce, "proof": proof.by(code, "hub")}
    plain = client.post("/v1/enrol", json=said, headers={"Host": "ladder.example.com"})
    assert slug(plain) == "not-secure"
    headers = {"Host": "ladder.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    assert client.post("/v1/enrol", json=said, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("https://Ladder.Example.com/", "https://ladder.example.com"),
        (" https://ladder.example.com:443", "https://ladder.example.com"),
        ("http://10.0.0.7:8090", "http://10.0.0.7:8090"),
        ("http://[::1]:8090/", "http://[::1]:8090"),
    ],
)
def test_an_address_is_written_one_way(typed: str, meant: str) -> None:
    assert cloud_address(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ladder.example.com",
        "ftp://x",
        "https://",
        "https://x/y",
        "https://x?y",
        "https://u@x",
        "http://x:99999",
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        cloud_address(typed)


def test_halls_are_told_apart_by_their_names_however_they_are_spelt(db: Database) -> None:
    with db.write() as conn:
        first, new = halls.find_or_make(conn, "  Chalk   City ", stamp(NOW))
        again, newer = halls.find_or_make(conn, "CHALK CITY", stamp(NOW))
        assert (first.name, first.id, new, newer) == ("Chalk City", again.id, True, False)
        for name in ("", "x" * 81, "a\x00b", "a\x1bb"):
            with pytest.raises(halls.HallError):
                halls.find_or_make(conn, name, stamp(NOW))


def test_a_hall_that_is_renamed_keeps_its_hub(db: Database, client: FlaskClient) -> None:
    hub = enrolled(db, "Chalk Cty")
    enrolled(db, "Rail & Rack")
    with db.write() as conn:
        halls.rename(conn, "chalk cty", "Chalk City")
        for name, to in (("Chalk Cty", "X"), ("Chalk City", "Rail & Rack")):
            with pytest.raises(halls.HallError):
                halls.rename(conn, name, to)
    assert hub.say(client).get_json()["hall"] == "Chalk City"


def test_codes_of_a_clock_that_was_far_ahead_are_not_good_for_ever(db: Database, client: FlaskClient) -> None:
    code = code_for(db, clock=Clock(NOW + timedelta(days=400)))
    assert slug(TellingHub().enrol(client, code)) == "wrong-code"
