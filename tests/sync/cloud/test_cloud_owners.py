"""The owner's page is for who has the password: nobody tries it out, no other page acts for them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from owner_scene import EMAIL, PASSWORD, hash_fast
from telling_hub import NOW, Clock, TellingHub, day_fact, enrolled, small_cloud

from edge.clock import stamp
from sync.cloud import owners
from sync.cloud.db import Database
from sync.cloud.owners import OwnerError
from sync.cloud.site import parse_site


@pytest.fixture(autouse=True)
def fast_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    hash_fast(monkeypatch)


@pytest.fixture
def owner(db: Database) -> None:
    put_owner(db)


def put_owner(db: Database, password: str = PASSWORD, email: str = EMAIL) -> bool:
    with db.write() as conn:
        return owners.keep(conn, email, owners.hash_password(password), NOW)


def field(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found.group(1)


def sign_in(client: FlaskClient, password: str = PASSWORD, email: str = EMAIL, **more: Any) -> Any:
    csrf = field(client.get("/sign-in").text)
    return client.post("/sign-in", data={"csrf": csrf, "email": email, "password": password}, **more)


def test_who_is_not_signed_in_sees_the_door_and_nothing_else(client: FlaskClient, hub: TellingHub) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert "Chalk City" not in answer.text


def test_with_the_password_the_halls_are_seen(client: FlaskClient, hub: TellingHub, owner: None) -> None:
    assert sign_in(client).headers["Location"] == "/"
    page = client.get("/")
    assert "Chalk City" in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_an_address_may_be_spelt_in_any_capitals(client: FlaskClient, owner: None) -> None:
    assert sign_in(client, email=" Dana@Example.COM ").status_code == 303


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (EMAIL, "wrong"),
        (EMAIL, ""),
        ("no@example.com", PASSWORD),
        ("", ""),
        ("a\x00@b", PASSWORD),
        (EMAIL, "x" * 9999),
    ],
)
def test_what_does_not_go_together_is_refused_alike(
    client: FlaskClient, owner: None, email: str, password: str
) -> None:
    answer = sign_in(client, password, email)
    assert answer.status_code == 401
    assert "go together" in answer.text
    assert client.get("/").status_code == 303


def test_a_form_that_is_longer_than_any_of_ours_is_refused(client: FlaskClient) -> None:
    assert sign_in(client, "x" * 20_000).status_code == 413


def test_passwords_cannot_be_tried_out(client: FlaskClient, owner: None, clock: Clock) -> None:
    for _ in range(owners.FREE_TRIES + 1):
        assert sign_in(client, "wrong").status_code == 401
    answer = sign_in(client)  # the right one is not looked at
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    clock.on(seconds=29)
    assert sign_in(client).status_code == 429
    clock.on(seconds=1)
    assert sign_in(client).status_code == 303
    assert sign_in(client, "wrong").status_code == 401  # and it begins anew


def test_nobody_s_address_is_closed_as_soon(client: FlaskClient, owner: None) -> None:
    for email in (EMAIL, "no@example.com"):
        found = [sign_in(client, "wrong", email).status_code for _ in range(owners.FREE_TRIES + 2)]
        assert found == [401] * (owners.FREE_TRIES + 1) + [429]


def test_each_wrong_password_after_the_free_ones_closes_for_twice_as_long(db: Database, owner: None) -> None:
    delays = [owners.delay_s(failures) for failures in range(20)]
    assert delays[: owners.FREE_TRIES + 1] == [0.0] * (owners.FREE_TRIES + 1)
    assert delays[owners.FREE_TRIES + 1 :][:4] == [30.0, 60.0, 120.0, 240.0]
    assert delays[-1] == owners.LONGEST_DELAY_S


def test_a_clock_that_is_set_back_closes_for_no_longer(client: FlaskClient, owner: None, clock: Clock) -> None:
    clock.on(days=30)
    for _ in range(owners.FREE_TRIES + 1):
        sign_in(client, "wrong")
    clock.on(days=-30)
    assert sign_in(client).status_code == 429
    clock.on(seconds=30)
    assert sign_in(client).status_code == 303


def test_a_wrong_one_a_day_ago_is_forgotten(client: FlaskClient, owner: None, clock: Clock, db: Database) -> None:
    for _ in range(owners.FREE_TRIES):
        sign_in(client, "wrong")
    clock.on(days=1)
    assert sign_in(client, "wrong").status_code == 401
    assert sign_in(client).status_code == 303


def test_a_sign_in_ends_when_it_is_not_used_and_after_a_week_in_any_case(
    client: FlaskClient, owner: None, clock: Clock
) -> None:
    sign_in(client)
    clock.on(hours=11)
    assert client.get("/").status_code == 200
    clock.on(hours=13)
    assert client.get("/").status_code == 303
    sign_in(client)
    for _ in range(15):
        clock.on(hours=11)
        assert client.get("/").status_code == 200
    clock.on(hours=6)
    assert client.get("/").status_code == 303


def test_a_new_password_ends_every_sign_in_and_the_lock(db: Database, client: FlaskClient, owner: None) -> None:
    sign_in(client)
    assert put_owner(db, "another long password") is False
    assert client.get("/").status_code == 303
    for _ in range(owners.FREE_TRIES + 1):
        sign_in(client)
    put_owner(db, "a third long password")
    assert sign_in(client, "a third long password").status_code == 303


def test_who_signs_out_is_out_wherever_the_cookie_went(client: FlaskClient, owner: None) -> None:
    sign_in(client)
    cookie = client.get_cookie("ladder-cloud")
    assert cookie is not None
    client.post("/sign-out", data={"csrf": field(client.get("/").text)})
    client.set_cookie("ladder-cloud", cookie.value)
    assert client.get("/").status_code == 303


def test_what_the_browser_holds_is_in_no_table(db: Database, client: FlaskClient, owner: None) -> None:
    sign_in(client)
    cookie = client.get_cookie("ladder-cloud")
    assert cookie is not None
    with db.read() as conn:
        kept = [str(dict(row)) for table in ("sign_ins", "owners") for row in conn.rows(f"SELECT * FROM {table}")]
    assert not any(cookie.value in one or PASSWORD in one for one in kept)
    assert any("argon2id" in one for one in kept)


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example.com"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_no_other_page_signs_in_or_out(client: FlaskClient, owner: None, headers: dict[str, str]) -> None:
    assert sign_in(client, headers=headers).status_code == 403
    sign_in(client)
    client.post("/sign-out", data={"csrf": field(client.get("/").text)}, headers=headers)
    assert client.get("/").status_code == 200


def test_a_form_without_its_token_does_nothing(client: FlaskClient, owner: None) -> None:
    said = {"email": EMAIL, "password": PASSWORD}
    assert client.post("/sign-in", data=said).status_code == 403
    client.get("/sign-in")
    for csrf in ("", "0" * 64, "é"):
        assert client.post("/sign-in", data=said | {"csrf": csrf}).status_code == 403
    sign_in(client)
    client.post("/sign-out")
    assert client.get("/").status_code == 200


def test_our_own_pages_may(client: FlaskClient, owner: None) -> None:
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert sign_in(client, headers=own).status_code == 303


def test_cookies_are_kept_from_scripts_and_other_sites_and_plain_http(
    db: Database, owner: None, clock: Clock
) -> None:
    for address, prefix, secure in (("http://localhost", "", False), ("https://localhost", "__Host-", True)):
        client = small_cloud(db, clock, parse_site(address)).test_client()
        page = client.get("/sign-in", base_url=address)
        said = {"csrf": field(page.text), "email": EMAIL, "password": PASSWORD}
        answer = client.post("/sign-in", data=said, base_url=address)
        for one in answer.headers.getlist("Set-Cookie"):
            assert one.startswith(f"{prefix}ladder-cloud")
            assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(one.split("; "))
            assert ("Secure" in one.split("; ")) is secure
        assert ("Strict-Transport-Security" in answer.headers) is secure


def test_pages_run_and_load_nothing_from_elsewhere(client: FlaskClient, owner: None, hub: TellingHub) -> None:
    sign_in(client)
    for path in ("/", "/sign-in", "/nothing"):
        page = client.get(path)
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["X-Frame-Options"] == "DENY"
        for word in ("<script", "style=", "http://", "https://", "onclick"):
            assert word not in page.text
        for asset in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
            with client.get(asset) as found:
                assert found.status_code == 200


def test_what_a_hub_says_is_shown_as_text(db: Database, client: FlaskClient, owner: None, clock: Clock) -> None:
    hub = enrolled(db, "<b>Rail</b> & Rack")
    box = {"device": hub.device, "label": "<script>1</script>", "worst": "bad", "role": "hub"}
    hub.say(client, boxes=[box | {"findings": [{"state": "bad", "text": "<img src=x>", "advice": "</table>"}]}])
    sign_in(client)
    page = client.get("/").text
    assert "&lt;script&gt;" in page
    assert "&lt;img src=x&gt; &lt;/table&gt;" in page
    for found in ("<script", "<img src=x", "<b>Rail"):
        assert found not in page


def test_the_page_shows_days_and_boxes(db: Database, client: FlaskClient, owner: None, hub: TellingHub) -> None:
    hub.write(day_fact(stamp(NOW - timedelta(days=1))[:10], 1234))
    hub.told(client)
    hub.say(client, boxes=[{"device": hub.device, "label": "Table 1", "role": "hub"}])
    sign_in(client)
    page = client.get("/").text
    assert "Shots a day, 18 Nov to 1 Dec: " in page
    assert "30 Nov: 1,234" in page
    assert "1 of 1 box live" in page


def test_a_page_number_that_is_none_is_the_first(client: FlaskClient, owner: None) -> None:
    sign_in(client)
    for page in ("0", "-1", "x", "9999999999", "2", "²"):
        assert client.get(f"/?page={page}").status_code == 200


@pytest.mark.parametrize("text", ["", "dana", "a@b c", "@", "a@\x00", "x" * 250 + "@b.de"])
def test_what_is_no_address_of_a_person_is_refused(text: str) -> None:
    with pytest.raises(OwnerError):
        owners.clean_email(text)


def test_a_password_has_a_least_length_and_a_made_one_has_it() -> None:
    for password in ("", "x" * 11, "x" * 201):
        with pytest.raises(OwnerError):
            owners.hash_password(password)
    made = {owners.new_password() for _ in range(50)}
    assert len(made) == 50
    assert all(len(one) >= owners.LEAST_CHARS for one in made)
