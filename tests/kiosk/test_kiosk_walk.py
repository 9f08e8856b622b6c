"""Every route of the kiosk, asked by nobody, by its player, by another player, by staff, and at the screen."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from fake_box import FakeBox
from flask import Flask
from flask.testing import FlaskClient

from edge.clock import now_stamp
from edge.hall import logins
from edge.hall.occasion import occasion
from edge.hall.players import Player, Role, new_guest, sign_up
from edge.hall.sitting import at_table, leave_table, start_match

SCREEN, PHONE = "127.0.0.1", "192.168.1.20"

# Who may: n nobody on a phone, s nobody at the screen, g a guest there, p the player concerned, o another player,
# t staff, the last three on their phones, where staff are players; c staff at the counter, over HTTPS and by PIN.
# Whoever is not named is refused, or sent to check in.
EVERYBODY, AT_SCREEN, LOGGED_IN, MEMBERS = "nsgpotc", "sg", "gpotc", "potc"
PRIVATE = AT_SCREEN + "c"  # where a PIN may be typed
MAY = {
    EVERYBODY: "static api.healthz api.live api.metrics api.openapi_json api.shot api.shots api.me.alltime"
    " api.me.monthly api.token api.training.leaderboard training.banner training.board training.posts"
    " training.shot"
    " api.months.current api.months.history api.months.monthly boards.awards championships.latest"
    " championships.one draws.index draws.recipe belongings.gone boards.fame boards.groups boards.month"
    " check_in.leave table.home"
    " table.older_cards table.shot table.shots technician.condition phones.come_in phones.connect"
    " phones.give_name phones.pair phones.scanned phones.state counter_enter.leave counter_enter.enter",
    AT_SCREEN: "check_in.card check_in.guest check_in.names codes.choose_number"
    " codes.come_in codes.drop codes.enter codes.make_code codes.number codes.pin codes.state"
    " calling.call calling.state calling.take_back",
    PRIVATE: "check_in.enter check_in.name check_in.pin check_in.sign_up check_in.sign_up_done"
    " check_in.sign_up_name check_in.sign_up_pin counter_enter.check api.live_jpg"
    " new_pin.code new_pin.look_up new_pin.set_pin technician.health technician.health_now",
    LOGGED_IN: "me.home api.sessions.start start.begin_match start.begin_practice start.choose start.match"
    " start.practice",
    AT_SCREEN + MEMBERS: "say.say_it say.score say.take_it_back say.touched start.end ladders.count",
    MEMBERS: "ladders.index ladders.ladder ladders.challenge ladders.make_challenge ladders.end_challenge"
    " ladders.ended api.me.metrics api.me.misses api.me.my_stats api.months.mine"
    " api.training.own training.older training.score subscription.index subscription.link subscription.member"
    " subscription.portal subscription.start subscription.state"
    " api.months.profile month.ballot month.give_vote month.index"
    " belongings.claim belongings.claimed belongings.delete"
    " belongings.shots_csv belongings.take_over check_in.answer_consent check_in.consent me.older_sessions"
    " me.older_shots me.profile me.sessions me.shots me.stats preferences.cards"
    " preferences.clips preferences.index preferences.log_out_everywhere preferences.name preferences.notices"
    " preferences.play preferences.remove_card preferences.rename preferences.save_notices preferences.save_play"
    " preferences.theme preferences.visible",
    # What somebody's session came to is theirs.
    "pc": "api.sessions.session api.sessions.shots start.summary start.rematch",
    "gpc": "say.mend",  # the guest played in that match
    # A phone is connected at the screen, a card is added there; to be erased takes the PIN just before.
    "": "codes.connect preferences.add_card belongings.erase",
    # A PIN crosses no network unread but over HTTPS: the members are on their phones here.
    "c": "belongings.delete_pin belongings.delete_sure preferences.new_pin preferences.old_pin preferences.pin",
    "gc": "start.opponent start.opponent_checks_in start.opponent_pin",
}
NAMED = {endpoint: who for who, endpoints in MAY.items() for endpoint in endpoints.split()}
# What is the hall's own, whatever will be added to it: for staff at the counter and nobody else.
STAFF_ALONE = re.compile(r"counter(_\w+)?\..+|api\.admin\..+")


def may_use(endpoint: str) -> str | None:
    """Who may, or None for an endpoint that nobody thought of here."""
    return NAMED.get(endpoint, "c" if STAFF_ALONE.fullmatch(endpoint) else None)


Answer = tuple[int, str]  # the status and where it leads


@dataclass
class World:
    """A box with a session of Ana's that is over, and people who ask."""

    app: Flask
    box: FakeBox
    players: dict[str, Player]
    session_id: str
    shot_id: str

    def filled(self, name: str) -> str:
        """What stands in an address for a part of it."""
        values = {
            "session_id": self.session_id,
            "key": quote(self.shot_id, safe=""),
            "month": "2025-10",
            "number": "1",
            "what": "decline",
        }
        return values.get(name, "css/base.css" if name == "filename" else "x" * 43)

    def ask(self, who: str, method: str, path: str) -> Answer:
        """One request of somebody who has just logged in, with what a page of ours would send along."""
        address, host = (SCREEN, "127.0.0.1") if who in AT_SCREEN else (PHONE, "192.168.1.2")
        base, cookie = (
            (f"https://{host}:8443", "__Host-ladder") if who == "c" else (f"http://{host}:8080", "ladder")
        )
        client = self.app.test_client()
        if who in self.players:
            device: logins.Device = "counter" if who == "c" else "screen" if address == SCREEN else "phone"
            now, by_pin = datetime.now(UTC), device == "counter"
            with self.box.store.write() as conn:
                token = logins.new_login(conn, self.players[who].id, device, now, 300, by_pin=by_pin)
            client.set_cookie(cookie, token, domain=host)
        more: dict[str, Any] = {"base_url": base, "environ_overrides": {"REMOTE_ADDR": address}}
        if method != "GET":
            more["data"] = {"csrf": _token(client, more)}
        with client.open(path, method=method, **more) as answer:
            return answer.status_code, answer.headers.get("Location", "")


def _token(client: FlaskClient, more: dict[str, Any]) -> str:
    html = client.get("/", **more).get_data(as_text=True)
    found = re.search(r'name="csrf" value="([^"]+)"', html) or re.search(r'"X-CSRF-Token": "([^"]+)"', html)
    assert found is not None
    return found[1]


@pytest.fixture
def world(app: Flask, fake_box: FakeBox) -> World:
    now = datetime.now(UTC)
    roles: dict[str, frozenset[Role]] = {"t": frozenset({"player", "staff"})}
    with fake_box.store.write() as conn:
        names = {"p": "Ana", "o": "Ben", "t": "Tess"}
        players = {who: sign_up(conn, name, now_stamp(), roles.get(who)) for who, name in names.items()}
        players["c"] = players["t"]
        players["g"] = new_guest(conn, now_stamp())
        start_match(conn, (players["p"].id, players["g"].id), "8-ball", 3, occasion(UTC, "Table 1", now))
    shot = fake_box.shoot()[1]
    fake_box.save(shot)
    with fake_box.store.write() as conn:
        session = at_table(conn, "Table 1").session_of(players["p"].id)
        leave_table(conn, "Table 1", datetime.now(UTC), "player", datetime.now(UTC))
        # Long ago: the screen shows it to nobody any more.
        conn.execute(
            "UPDATE sessions SET started_at = '2025-01-01T20:00:00.000Z', ended_at = '2025-01-01T21:00:00.000Z'"
        )
    assert session is not None
    return World(app, fake_box, players, session.id, shot.id)


def routes(app: Flask) -> list[tuple[str, str, str]]:
    """Endpoint, method and rule of everything that can be asked for, save the stream, which never ends."""
    return sorted(
        (rule.endpoint, method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "table.stream"
    )


def refused(answer: Answer) -> bool:
    status, goes_to = answer
    return status in (401, 403) or goes_to.startswith(("/check-in?", "/counter/enter?"))


def test_every_route_is_for_those_it_is_meant_for_and_nobody_else(world: World) -> None:
    found = routes(world.app)
    assert NAMED.keys() <= {endpoint for endpoint, _, _ in found}
    assert {endpoint for endpoint, _, _ in found if may_use(endpoint) is None} == set()
    wrong = {}
    for endpoint, method, rule in found:
        path = re.sub(r"<(?:[^<>:]+:)?(\w+)>", lambda part: world.filled(part[1]), rule)
        answers = {who: world.ask(who, method, path) for who in EVERYBODY}
        assert all(status < 500 or endpoint == "api.healthz" for status, _ in answers.values()), path
        let_in = "".join(who for who, answer in answers.items() if not refused(answer))
        if let_in != "".join(who for who in EVERYBODY if who in (may_use(endpoint) or "")):
            wrong[f"{method} {rule}"] = {who: status for who, (status, _) in answers.items()}
    assert wrong == {}, wrong
