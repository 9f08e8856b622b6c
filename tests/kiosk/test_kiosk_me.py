"""A player's own pages: they show what is the player's, to nobody else; everything can be changed and deleted."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from evening import ZONE
from hall_visitor import PHONE, PIN, SCREEN, House, a_house, hidden

from edge.hall import audit, consents, erasure, logins, pins
from edge.hall.keys import load_keys
from edge.hall.occasion import occasion
from edge.hall.players import Player, find_player, get_player
from edge.hall.words import nowhere_word

INLINE = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<[^>]+\s(?:style|on[a-z]+)=", re.IGNORECASE)
PAGES = (
    "/me",
    "/me/stats",
    *(f"/me/stats?range={name}" for name in ("day", "week", "month", "lifetime")),
    "/me/stats?range=week&ago=3",
    "/me/profile",
    "/me/sessions",
    "/me/shots",
    "/me/settings",
    "/me/settings/name",
    "/me/settings/play",
    "/me/settings/notices",
    "/me/settings/cards",
    "/me/claim",
    "/me/claimed?sessions=1&shots=3",
    "/me/delete",
)
AT_TABLE = ("/me/settings/pin", "/me/delete/pin")
FRAGMENTS = ("/me/sessions/older?before=2030-01-01T00:00:00Z", "/me/shots/older?before=cam/00001")
API = ("/api/me/metrics", "/api/me/heatmap/misses", "/api/my-stats")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, dict[str, Player]]]:
    """Ana has played Ben, a guest and alone, Nora not at all; no test changes it."""
    with a_house(tmp_path_factory.mktemp("full")) as house:
        players = {name: house.evening.player(name) for name in ("Ana", "Ben", "Nora")}
        players["Guest"] = house.evening.guest()
        house.play_a_match(players["Ben"], players["Ana"])
        house.play_a_match(players["Ana"], players["Guest"])
        house.practise(players["Ana"])
        yield house, players


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path) as house:
        yield house


@pytest.mark.parametrize("name", ["Ana", "Nora"])
@pytest.mark.parametrize("address", [SCREEN, PHONE])
def test_every_page_renders_leads_back_and_runs_nothing_inline(
    full: tuple[House, dict[str, Player]], name: str, address: str
) -> None:
    house, players = full
    browser = house.browser(players[name], address)
    for path in (*PAGES, *(AT_TABLE if address == SCREEN else ())):
        html = browser.html(path)
        assert not INLINE.search(html), path
        assert re.search(r'class="button back" href="/', html), path
        assert len(re.findall(r"<form[^>]*method=.post", html)) <= html.count('name="csrf"'), path
        assert nowhere_word(re.sub(r"<[^>]+>", " ", html)) is None, path


def test_what_a_full_player_sees(full: tuple[House, dict[str, Player]]) -> None:
    house, players = full
    ana = house.browser(players["Ana"])
    home = ana.html("/me")
    assert "against Guest" in home
    assert "Your place: 1st, 2.5 points" in home
    assert "One-Pack King" in home
    stats = ana.html("/me/stats")
    assert re.search(r"Ben</span><span class=.split.>1–0", stats)
    assert re.search(r"Guests</span><span class=.split.>0–1", stats)
    assert "shot-map" in stats
    assert "line-chart" in stats
    profile = ana.html("/me/profile")
    assert "1016" in profile
    assert "Earned" in profile
    sessions = ana.html("/me/sessions")
    assert sessions.count('class="stay"') == 3
    link = re.search(r'class="stay" href="([^"]+)"', sessions)
    assert link is not None
    assert "Ana" in ana.html(link[1])
    assert ana.html("/me/shots").count('class="card ') == 13


def test_what_there_is_none_of_is_a_dash_and_an_invitation(full: tuple[House, dict[str, Player]]) -> None:
    house, players = full
    nora = house.browser(players["Nora"])
    assert "No match yet" in nora.html("/me")
    assert "Nothing was played" in nora.html("/me/stats")
    assert "No session yet" in nora.html("/me/sessions")
    assert "No shots yet" in nora.html("/me/shots")
    ana = house.browser(players["Ana"]).html("/me/stats")
    assert re.search(r'pos_error_in"><dt>[^<]+</dt><dd><span class="dash">–', ana)


@pytest.mark.parametrize("address", [SCREEN, PHONE])
def test_nobody_gets_nothing(full: tuple[House, dict[str, Player]], address: str) -> None:
    house, players = full
    nobody, guest = house.browser(None, address), house.browser(players["Guest"], address)
    for path in (*PAGES, *AT_TABLE, "/me/shots.csv"):
        assert nobody.get(path, 303).location.startswith("/check-in"), path
    for path in FRAGMENTS:
        nobody.get(path, 401)
    for path in (*PAGES[1:], *AT_TABLE, *FRAGMENTS, "/me/shots.csv"):
        guest.get(path, 403)
    assert "You play as a guest" in guest.html("/me")
    for path in API:
        assert nobody.get(path, 401).json is not None
        assert guest.get(path, 403).json is not None


def test_another_player_sees_nothing_of_mine(full: tuple[House, dict[str, Player]]) -> None:
    house, players = full
    nora, ana = house.browser(players["Nora"], PHONE), players["Ana"]
    own = [row["shot_id"] for row in house.evening.rows("SELECT shot_id FROM plays WHERE player_id = ?", ana.id)]
    assert nora.html(f"/me/shots/older?before={own[-1]}").strip() == ""
    for row in house.evening.rows("SELECT id FROM sessions WHERE player_id = ?", ana.id):
        nora.get(f"/session/{row['id']}", 403)
    assert len(nora.get("/me/shots.csv").get_data(as_text=True).splitlines()) == 1
    assert nora.get("/api/my-stats").json["matches"] == 0  # type: ignore[index]
    for path in (*PAGES, *FRAGMENTS):
        assert "Ana" not in nora.html(path), path


@pytest.mark.parametrize(
    "path",
    [
        "/me/stats?range=year",
        "/me/stats?ago=-1",
        "/me/stats?ago=601",
        "/me/stats?range=lifetime&ago=1",
        "/me/sessions/older?before=yesterday",
        "/me/sessions/older?before=2025-10-31",
        "/me/shots/older",
        "/me/shots/older?before=" + "x" * 3000,
        "/api/me/metrics?range=year",
    ],
)
def test_what_can_t_be_read_is_refused(full: tuple[House, dict[str, Player]], path: str) -> None:
    house, players = full
    house.browser(players["Ana"]).get(path, 400)


def test_figures_by_program_are_those_of_the_page(full: tuple[House, dict[str, Player]]) -> None:
    house, players = full
    ana = house.browser(players["Ana"], PHONE)
    month: Any = ana.get("/api/me/metrics").json
    life: Any = ana.get("/api/me/metrics?range=lifetime").json
    assert (month["range"], life["range"]) == ("month", "lifetime")
    assert (life["shots"], life["makes"], life["breaks"], life["best_run"]) == (13, 10, 1, 7)
    assert life["pos_error_in"] is None
    assert [part["shots"] for part in life["parts"]] == [13]
    heat: Any = ana.get("/api/me/heatmap/misses").json
    assert (heat["columns"], heat["rows"]) == (16, 8)
    assert sum(map(sum, heat["misses"])) == life["attempts"] - life["makes"]
    own: Any = ana.get("/api/my-stats").json
    assert own["own"] == own["alltime"] == {"rank": 1, "points": 2.5}
    assert (own["wins"], own["matches"], own["elo"], own["group"]) == (1, 1, 1016.0, "active")
    assert [badge["badge"] for badge in own["badges"]] == ["one_pack_king"]


def test_days_weeks_and_months_end_at_the_hall_s_midnight(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = house.evening.player("Ana")
    for moment in ("2025-11-01T04:50:00+00:00", "2025-11-02T05:10:00+00:00", "2025-11-03T05:50:00+00:00"):
        house.evening.now = datetime.fromisoformat(moment)
        house.practise(ana, 1, 0)
    browser = house.browser(ana)

    def shots(name: str, moment: str) -> int:
        now = datetime.fromisoformat(moment)
        monkeypatch.setattr("kiosk.box.occasion", lambda zone, label: occasion(zone, label, now))
        answer: Any = browser.get(f"/api/me/metrics?range={name}").json
        return int(answer["shots"])

    # The clocks go back on the 2nd, a Sunday: it ends at 06:00 UTC.
    assert [shots("day", f"2025-11-03T0{time}Z") for time in ("5:59:00", "6:00:00")] == [2, 0]
    assert [shots("week", f"2025-11-03T0{time}Z") for time in ("5:59:00", "6:00:00")] == [3, 0]
    assert [shots("month", f"2025-11-01T0{time}Z") for time in ("4:59:59", "5:00:00")] == [1, 2]


def test_the_file_holds_one_s_own_shots_and_comes_in_pieces(full: tuple[House, dict[str, Player]]) -> None:
    house, players = full
    answer = house.browser(players["Ana"], PHONE).get("/me/shots.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        r'attachment; filename="shots-\d{4}-\d\d-\d\d\.csv"', answer.headers["Content-Disposition"]
    )
    assert answer.is_streamed
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert len(rows) == 13
    assert {row["opponent"] for row in rows} == {"", "Ben", "Guest"}


def test_settings_are_kept_and_said(house: House) -> None:
    ana = house.evening.player("Ana")
    browser = house.browser(ana)
    assert browser.post("/me/settings/theme", theme="light").location == "/me/settings?saved="
    assert 'data-theme="light"' in browser.html("/me/settings?saved=")
    assert "Saved" in browser.html("/me/settings?saved=")
    browser.post("/me/settings/visible", visible="no")
    browser.post("/me/settings/play", handedness="left", games=["8-ball", "snooker", "9-ball"], cues="  Mezz  ")
    browser.post("/me/settings/notices", email="ana@example.org", notify=["award", "nonsense", "month"])
    browser.post("/me/settings/name", name="Ana Lena")
    kept = stored(house, ana)
    assert (kept.theme, kept.visible, kept.handedness, kept.games) == (
        "light",
        False,
        "left",
        ("8-ball", "9-ball"),
    )
    assert (kept.cues, kept.email, kept.notify) == ("Mezz", "ana@example.org", ("month", "award"))
    assert kept.name == "Ana Lena"
    browser.post("/me/settings/theme", theme="hall")
    browser.post("/me/settings/notices", email="", notify=[])
    browser.post("/me/settings/play", handedness="", cues="")
    kept = stored(house, ana)
    assert (kept.theme, kept.email, kept.notify, kept.handedness, kept.games) == (None, None, (), None, ())


def test_what_can_t_be_is_a_sentence(house: House) -> None:
    ana, _ = house.evening.player("Ana"), house.evening.player("Ben")
    browser = house.browser(ana)
    assert "is here already" in browser.post("/me/settings/name", 400, name=" bEN ").get_data(as_text=True)
    assert "Only letters" in browser.post("/me/settings/name", 400, name="<b>x</b>").get_data(as_text=True)
    assert "no e-mail" in browser.post("/me/settings/notices", 400, email="ana@nowhere").get_data(as_text=True)
    assert "Up to 80" in browser.post("/me/settings/play", 400, cues="x" * 81).get_data(as_text=True)
    for path, data in (
        ("/me/settings/theme", {"theme": "pink"}),
        ("/me/settings/visible", {}),
        ("/me/settings/clips", {"answer": "perhaps"}),
    ):
        browser.post(path, 400, **data)
    assert stored(house, ana) == ana


def test_answers_about_clips_are_added_never_changed(house: House) -> None:
    ana = house.evening.player("Ana")
    browser = house.browser(ana)
    for answer in ("yes", "no", "yes"):
        browser.post("/me/settings/clips", answer=answer)
    answers = [row["answer"] for row in house.evening.rows("SELECT answer FROM consents ORDER BY id")]
    assert answers == ["yes", "no", "yes"]
    with house.evening.store.read() as conn:
        assert consents.may_record(conn, ana.id)


def test_a_new_pin_needs_the_old_one_and_ends_all_other_logins(house: House) -> None:
    ana, ben = house.evening.player("Ana"), house.evening.player("Ben")
    house.set_pin(ana)
    browser, phone = house.browser(ana), house.browser(ana, PHONE)
    wrong = browser.post("/me/settings/pin", 200, pin="9173").get_data(as_text=True)
    assert "That did not fit" in wrong
    form = browser.post("/me/settings/pin", 200, pin=PIN).get_data(as_text=True)
    granted = hidden(form, "granted")
    house.browser(ben).post("/me/settings/pin/new", 403, granted=granted, pin="5937")
    assert "too easy" in browser.post("/me/settings/pin/new", 400, granted=granted, pin="1234").get_data(
        as_text=True
    )
    browser.post("/me/settings/pin/new", granted=granted, pin="5937")
    assert verdict(house, ana, "5937") == "right"
    assert verdict(house, ana, PIN) == "wrong"
    browser.html("/me")
    phone.get("/me", 303)
    browser.post("/me/settings/pin/new", 403, granted=granted, pin="2846")
    assert deeds(house, ana) == ["player.pin_changed"]


def test_no_pin_crosses_the_hall_s_network(house: House) -> None:
    ana = house.evening.player("Ana")
    house.set_pin(ana)
    phone = house.browser(ana, PHONE)
    for path in AT_TABLE:
        assert "At the table, please" in phone.html(path, 403)
        phone.post(path, 403, pin=PIN)
    phone.post("/me/settings/pin/new", 403, pin="5937")
    phone.post("/me/delete", 403)
    assert verdict(house, ana, PIN) == "right"


def test_cards_are_added_at_the_reader_and_removed_anywhere(house: House) -> None:
    ana, ben = house.evening.player("Ana"), house.evening.player("Ben")
    at_table, phone = house.browser(ana), house.browser(ana, PHONE)
    assert "card-form" in at_table.html("/me/settings/cards")
    assert "card-form" not in phone.html("/me/settings/cards")
    phone.post("/me/settings/cards", 403, number="04A3B2C1")
    at_table.post("/me/settings/cards", number=";04:A3:B2:C1?")
    taken = house.browser(ben).post("/me/settings/cards", 400, number="04A3B2C1").get_data(as_text=True)
    assert "Somebody else" in taken
    assert "could not be read" in at_table.post("/me/settings/cards", 400, number="?").get_data(as_text=True)
    card = hidden(phone.html("/me/settings/cards"), "card")
    house.browser(ben).post("/me/settings/cards/remove", card=card)
    assert len(house.evening.rows("SELECT 1 FROM cards")) == 1
    phone.post("/me/settings/cards/remove", card=card)
    assert house.evening.rows("SELECT 1 FROM cards") == []


def test_logging_out_everywhere_leaves_this_place(house: House) -> None:
    ana = house.evening.player("Ana")
    at_table, phone, lost = house.browser(ana), house.browser(ana, PHONE), house.browser(ana, PHONE)
    phone.post("/me/settings/phones")
    phone.html("/me")
    lost.get("/me", 303)
    at_table.get("/me", 303)


def test_a_guest_s_session_is_claimed_by_the_code_on_its_summary(house: House) -> None:
    ana, guest = house.evening.player("Ana"), house.evening.guest()
    house.evening.now = datetime.now(UTC) - timedelta(minutes=3)  # they still stand there
    session = house.practise(guest, 3, 1)
    screen = house.browser()
    html = screen.html(f"/session/{session}")
    code = re.search(r'class="code">([^<]+)<', html)
    assert code is not None
    assert code[1] in screen.html(f"/session/{session}")  # loaded again it is the same
    browser = house.browser(ana, PHONE)
    assert "No session has this code" in browser.post("/me/claim", 400, code="B4KX-79QM").get_data(as_text=True)
    assert browser.post("/me/claim", code=code[1].lower()).location == "/me/claimed?shots=4&sessions=1"
    assert "1 session with 4 shots" in browser.html("/me/claimed?shots=4&sessions=1")
    assert browser.html("/me/shots").count('class="card ') == 4
    assert 'class="code"' not in screen.html(f"/session/{session}")
    browser.post("/me/claim", 400, code=code[1])


def test_codes_can_t_be_tried_for_ever(house: House) -> None:
    browser = house.browser(house.evening.player("Ana"), PHONE)
    codes = {browser.post("/me/claim", 400, code=f"BCDF-{n:04}").status_code for n in range(10)}
    assert codes == {400}
    browser.post("/me/claim", 429, code="BCDF-GHJK")


def test_a_guest_who_signs_up_keeps_points_and_ratings(house: House) -> None:
    ana, guest = house.evening.player("Ana"), house.evening.guest()
    house.play_a_match(ana, guest)
    browser = house.browser(guest)
    browser.post("/sign-up/pin", name="Gus", pin="5937")
    assert "Your place: 1st, 2.5 points" in browser.html("/me")
    assert "1016" in browser.html("/me")
    assert "984" in house.browser(ana).html("/me")


def test_deleting_everything_takes_the_pin_and_a_second_tap(house: House) -> None:
    ana, ben = house.evening.player("Ana"), house.evening.player("Ben")
    house.set_pin(ana)
    house.play_a_match(ana, ben)
    of_ben = house.browser(ben)
    session = house.evening.rows("SELECT id FROM sessions WHERE player_id = ?", ben.id)[0]["id"]
    assert "Ana" in of_ben.html(f"/session/{session}")
    browser = house.browser(ana)
    html = browser.html("/me/delete")
    assert "This goes" in html
    assert "This stays" in html
    assert "did not fit" in browser.post("/me/delete/pin", 200, pin="9173").get_data(as_text=True)
    browser.post("/me/delete", 403)
    granted = hidden(browser.post("/me/delete/pin", 200, pin=PIN).get_data(as_text=True), "granted")
    assert stored(house, ana).name == "Ana"
    answer = browser.post("/me/delete", granted=granted)
    assert answer.location == "/gone"
    assert "It is gone" in browser.html("/gone")
    browser.get("/me", 303)
    with house.evening.store.read() as conn:
        assert find_player(conn, "Ana") is None
    assert not erasure.waiting(house.evening.store)
    assert house.evening.rows("SELECT player_id, count(*) AS n FROM plays GROUP BY 1") == [
        {"player_id": ben.id, "n": 7}
    ]
    for path in ("/me", "/me/stats", "/me/sessions", f"/session/{session}"):
        html = of_ben.html(path)
        assert "Ana" not in html
        assert "former player" in html
    assert deeds(house, ana) == ["player.erased"]


def test_an_old_pass_deletes_nothing(house: House) -> None:
    ana = house.evening.player("Ana")
    house.set_pin(ana)
    with house.evening.store.write() as conn:
        old = datetime.now(UTC) - timedelta(minutes=6)
        expired = logins.make_token(conn, "erase", old, 300, player_id=ana.id)
        other = logins.make_token(conn, "new-pin", old + timedelta(minutes=6), 300, player_id=ana.id)
    browser = house.browser(ana)
    for token in (expired, other, "", "x" * 43):
        browser.post("/me/delete", 403, granted=token)
    assert stored(house, ana).name == "Ana"


def test_done_leaves_the_screen(house: House) -> None:
    browser = house.browser(house.evening.player("Ana"))
    assert "Done" in browser.html("/me")
    browser.post("/leave")
    browser.get("/me", 303)


def test_play_leads_to_the_table_while_one_plays(house: House) -> None:
    ana = house.evening.player("Ana")
    browser = house.browser(ana)
    assert 'huge" href="/start"' in browser.html("/me")
    house.evening.practise(ana)
    assert 'huge" href="/"' in browser.html("/me")


def stored(house: House, player: Player) -> Player:
    with house.evening.store.read() as conn:
        found = get_player(conn, player.id)
    assert found is not None
    return found


def verdict(house: House, player: Player, pin: str) -> str:
    keys = load_keys(house.box.paths.secrets)
    return pins.verify(house.evening.store, keys.pins, player.id, pin, pins.this_moment()).outcome


def deeds(house: House, player: Player) -> list[str]:
    with house.evening.store.read() as conn:
        return [deed.what for deed in audit.about(conn, f"player:{player.id}")]


def test_times_are_the_hall_s(full: tuple[House, dict[str, Player]]) -> None:
    house, players = full
    begun = house.evening.rows("SELECT started_at FROM sessions WHERE player_id = ?", players["Ana"].id)[-1]
    time = datetime.fromisoformat(begun["started_at"]).astimezone(ZONE).strftime("%H:%M")
    assert time in house.browser(players["Ana"]).html("/me/sessions")
