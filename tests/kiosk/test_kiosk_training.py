"""Training at the kiosk: ten on the board and nobody below, who has won, the posts, how the own score is made."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hall_visitor import PHONE, SCREEN
from month_hall import words
from training_house import DECIDED, MONTH, NOW, THIS_MONTH, TrainingHouse, training_house

from edge.clock import from_stamp
from edge.hall.feed import TAGLINES
from edge.hall.ladders import Terms
from edge.hall.ladders.members import add_members
from edge.hall.ladders.setup import create_ladder
from edge.hall.occasion import occasion
from edge.hall.players import Player, erase_player, save_player
from edge.hall.training_board import Step
from edge.hall.words import nowhere_word
from kiosk.box import EXTENSION, Box
from kiosk.elsewhere import Upstairs
from kiosk.player.training import SESSIONS_ON_PAGE
from kiosk.texts import catalogue
from kiosk.training_words import step_words
from kiosk.upstairs import is_halls

BOARD, POSTS, OWN = "/boards/training", "/boards/training/posts", "/me/training"
PAGES = (BOARD, f"{BOARD}?month={MONTH}", POSTS)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainingHouse]:
    with training_house(tmp_path, monkeypatch) as made:
        yield made


def players(house: TrainingHouse, count: int) -> list[Player]:
    return [house.evening.player(f"Player {chr(65 + n)}") for n in range(count)]


def names_on(html: str) -> list[str]:
    return re.findall(r'class="name">([^<]+)<', html)


def hide(house: TrainingHouse, player: Player) -> None:
    with house.evening.store.write() as conn:
        save_player(conn, replace(player, visible=False))


def test_the_board_is_for_everybody_and_ends_after_ten(house: TrainingHouse) -> None:
    found = players(house, 13)
    house.scored(*((player, 90.0 - n) for n, player in enumerate(found)))
    for browser in (house.browser(), house.browser(None, PHONE), house.browser(found[11])):
        html = browser.html(f"{BOARD}?month={MONTH}")
        assert names_on(html) == [player.name for player in found[:10]]
        assert "October 2025" in html
    line = re.sub(r"<[^>]+>", " ", html)
    assert re.search(r"Player A\s+No ladder\s+10 h · coach 70\.0\s+10 h\s+70\.0\s+90\.0", line)


def test_who_is_below_sees_the_own_place_alone(house: TrainingHouse) -> None:
    found = players(house, 13)
    house.scored(*((player, 90.0 - n) for n, player in enumerate(found)))
    html = house.browser(found[11]).html(f"{BOARD}?month={MONTH}")
    assert "Your place: 12th, 79.0<" in html
    assert found[10].name not in html
    assert found[12].name not in html
    assert "Your place" not in house.browser(found[3]).html(f"{BOARD}?month={MONTH}")
    assert 'class=" own' in house.browser(found[3]).html(f"{BOARD}?month={MONTH}")
    assert "Your place" not in house.browser().html(f"{BOARD}?month={MONTH}")
    assert "after your first session" in house.browser(found[11]).html(BOARD)


def test_who_does_not_want_to_be_seen_keeps_the_rank_and_sees_it_alone(house: TrainingHouse) -> None:
    ana, ben = players(house, 2)
    house.scored((ana, 80.0), (ben, 70.0))
    hide(house, ana)
    html = house.browser().html(f"{BOARD}?month={MONTH}")
    assert names_on(html) == [ben.name]
    assert '<td class="rank">2</td>' in html
    own = house.browser(ana).html(f"{BOARD}?month={MONTH}")
    assert "Your place: 1st, 80.0" in own
    assert "Only you see it" in own


def test_months_are_leafed_through_and_there_is_no_other(house: TrainingHouse) -> None:
    (ana,) = players(house, 1)
    for month in ("2025-08", "2025-09", MONTH, "2025-12"):
        house.scored((ana, 80.0), month=month)
    browser = house.browser()
    now = browser.html(BOARD)
    assert "November 2025</h2>" in now
    assert f'href="{BOARD}?month={MONTH}"' in now
    assert "2025-12" not in now
    middle = browser.html(f"{BOARD}?month=2025-09")
    assert f"{BOARD}?month=2025-08" in middle
    assert f"{BOARD}?month={MONTH}" in middle
    for month in ("2025-07", "2025-13", "nonsense", ""):
        browser.get(f"{BOARD}?month={month}", 404)
        house.browser(ana).get(f"{OWN}?month={month}", 404)


def test_an_open_month_tells_until_when_and_what_there_is_to_win(house: TrainingHouse) -> None:
    page = words(house.browser().html(BOARD))
    assert "Until Sun, Nov 30, midnight" in page
    assert "First place wins" not in page  # nothing is paid in a hall without a subscription
    house.offers()
    assert "First place wins Half off next month" in words(house.browser().html(BOARD))


def test_the_winner_stands_on_the_month_and_for_some_days_on_the_first_page(
    house: TrainingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, ben = players(house, 2)
    house.scored((ana, 71.63), (ben, 60.0))
    house.won(ana, ladder="one that is closed by now")
    house.won(ben, "2025-09")  # a month that was decided late: old news
    assert "September" not in house.browser().html("/")
    assert '<span class="flag gold reward">' in house.browser().html(f"{BOARD}?month={MONTH}")
    for path in ("/", f"{BOARD}?month={MONTH}"):
        page = words(house.browser().html(path))
        assert "October 2025 Player A Score 71.6" in page
        assert "Half off next month, unlocked." in page
    assert names_on(house.browser().html(BOARD)) == []
    assert "unlocked" not in house.browser().html(BOARD)
    for days, shown in ((4.9, True), (5.1, False)):
        late = from_stamp(DECIDED) + timedelta(days=days)
        monkeypatch.setattr("kiosk.box.occasion", lambda zone, label, late=late: occasion(zone, label, late))
        assert ("unlocked" in house.browser().html("/")) is shown
        assert ("unlocked" in house.browser().html("/boards/training/banner")) is shown


def test_a_winner_who_is_not_to_be_seen_has_no_name_anywhere(house: TrainingHouse) -> None:
    ana, ben, cleo = players(house, 3)
    house.scored((ana, 80.0), (ben, 70.0), (cleo, 60.0))
    house.won(ana)
    house.won(ben, "2025-09")
    hide(house, ana)
    with house.evening.store.write() as conn:
        erase_player(conn, ben.id, DECIDED)
    for path in ("/", f"{BOARD}?month={MONTH}", POSTS):
        html = house.browser().html(path)
        assert "A player of this hall" in html
        assert ana.name not in html
        assert ben.name not in html
    answer: Any = house.browser().get(f"/api/training-leaderboard?month={MONTH}").json
    assert [one["name"] for one in answer["winners"]] == [None]


def test_only_the_winner_sees_how_far_the_reward_is(house: TrainingHouse) -> None:
    ana, ben = players(house, 2)
    house.scored((ana, 80.0), (ben, 70.0))
    house.won(ana, state="applied")
    for path in (f"{BOARD}?month={MONTH}", "/me", f"{OWN}?month={MONTH}"):
        assert "Comes off your next invoice" in house.browser(ana).html(path)
        assert "next invoice" not in house.browser(ben).html(path)
    assert "You won October 2025." in house.browser(ana).html("/me")
    assert "You won" not in house.browser(ben).html("/me")


@pytest.mark.parametrize(
    ("state", "more", "told"),
    [
        ("decided", {}, "On its way"),
        ("waiting", {}, "Waits for your subscription"),
        ("no_subscription", {}, "Subscribe, and it is yours"),
        ("consumed", {"saved_cents": 1450, "currency": "usd"}, "$14.50 saved"),
        ("consumed", {}, "Came off your invoice"),
        ("expired", {}, "Was not used in time"),
        ("of a later cloud", {}, "On its way"),
    ],
)
def test_a_reward_s_state_is_told_in_words(
    house: TrainingHouse, state: str, more: dict[str, Any], told: str
) -> None:
    (ana,) = players(house, 1)
    house.scored((ana, 80.0))
    house.won(ana, state=state, **more)
    assert f'class="own-state">{told}</p>' in house.browser(ana).html(f"{BOARD}?month={MONTH}")


def test_a_month_that_is_over_says_what_is_still_to_come(house: TrainingHouse) -> None:
    (ana,) = players(house, 1)
    house.scored((ana, 80.0), state="grace")
    path = f"{BOARD}?month={MONTH}"
    assert "The winner is named in a few days" not in house.browser().html(path)
    house.offers()
    assert "The winner is named in a few days" in house.browser().html(path)
    house.said["periods"].append({"period": MONTH, "nobody": "nobody reached 4 sessions and 3 hours"})
    house.hear()
    assert "This month has no winner." in house.browser().html(path)


def test_every_post_has_a_sentence_and_the_hardest_make_that_can_be_played_again(house: TrainingHouse) -> None:
    (ana,) = players(house, 1)
    house.evening.now = NOW.replace(month=10, day=20)
    session = house.practise(ana, makes=3)
    shot = house.evening.rows("SELECT shot_id FROM plays WHERE session_id = ? AND result = 'make'", session)
    hardest = shot[1]["shot_id"]
    with house.evening.store.write() as conn:
        conn.execute("UPDATE plays SET difficulty = CASE shot_id WHEN ? THEN 0.9 ELSE 0.2 END", [hardest])
    house.won(ana)
    html = house.browser().html(POSTS)
    page = words(html)
    assert "October 2025 Player A" in page
    assert sum(house.app.extensions["kiosk"].t(f"training.tagline.{n}") in page for n in range(TAGLINES)) == 1
    assert 'class="diagram"' in html
    path = re.search(r'href="(/boards/training/shot/[^"]+)"', html)
    assert path is not None
    assert path[1].endswith(hardest)
    replay = house.browser().html(path[1])
    assert 'id="replay-data"' in replay
    assert f'href="{POSTS}"' in replay
    assert 'class="mend"' not in replay
    house.browser().get(f"/boards/training/shot/{shot[0]['shot_id']}", 404)  # a shot of nobody's post
    hide(house, ana)
    assert 'class="diagram"' not in house.browser().html(POSTS)
    house.browser().get(path[1], 404)


def test_without_a_cloud_nothing_is_said_of_rewards(house: TrainingHouse) -> None:
    (ana,) = players(house, 1)
    house.scored((ana, 80.0))
    for path in (*PAGES, "/me", f"{OWN}?month={MONTH}"):
        page = words(house.browser(ana).html(path))
        assert "off next month" not in page
        assert "subscription" not in page.lower()
    assert "The first winner is on the way" in house.browser().html(POSTS)


def test_there_is_a_sentence_for_every_post_and_each_is_another() -> None:
    sentences = {name: text for name, text in catalogue().items() if name.startswith("training.tagline.")}
    assert sentences.keys() == {f"training.tagline.{n}" for n in range(TAGLINES)}
    assert len(set(sentences.values())) == TAGLINES


def test_at_a_table_of_the_hall_the_hub_answers(house: TrainingHouse) -> None:
    (ana,) = players(house, 1)
    house.won(ana)
    rooms = ("training.", "subscription.", "api.training.")
    views = [name for name in house.app.view_functions if name.startswith(rooms)]
    assert len(views) == 14
    assert all(is_halls(name) for name in views)
    here: Box = house.app.extensions[EXTENSION]
    house.app.extensions[EXTENSION] = replace(here, upstairs=cast(Upstairs, object()))
    html = house.browser().html("/")  # this box has not heard of winners
    assert 'hx-get="/boards/training/banner"' in html
    assert ana.name not in html


def test_the_own_score_is_for_its_player_alone(house: TrainingHouse) -> None:
    guest = house.evening.guest()
    assert "/check-in?next=/me/training" in house.browser().get(OWN, 303).location
    house.browser(guest).get(OWN, 403)
    house.browser(None, PHONE).get("/api/me/training-score", 401)


def test_the_three_parts_add_up_and_each_opens(house: TrainingHouse) -> None:
    ana, ben = players(house, 2)
    with house.trained() as hall:
        hall.players = [ana.id, ben.id]
        hall.settle("2025-10-01")
        hall.stay(0, "2025-10-10", hours=1.5)
        hall.stay(0, "2025-10-12", hours=1.0)
        hall.stay(1, "2025-10-12", hours=4.0, made=10)
        hall.settle("2025-10-31")
    browser = house.browser(ana)
    page = words(browser.html(f"{OWN}?month={MONTH}"))
    assert "52.25 2nd of the month" in page
    assert "Coach score 33.50 of 50" in page
    assert "67.00 × 0.5" in page
    assert "Hours 18.75 of 30" in page
    assert "Matches won 0.00 of 20" in page
    assert "Sun, Oct 12 60 min · 40 shots 67.0" in page
    hours = words(browser.html(f"{OWN}?month={MONTH}&part=hours"))
    assert "You 2.5 h" in hours
    assert "Most in the hall 4 h" in hours
    assert ben.name not in hours
    wins = words(browser.html(f"{OWN}?month={MONTH}&part=wins"))
    assert "All your matches No match yet" in wins
    browser.get(f"{OWN}?part=luck", 400)


def test_a_month_of_many_sessions_is_leafed_through_by_its_player_alone(house: TrainingHouse) -> None:
    ana, ben = players(house, 2)
    with house.trained() as hall:
        hall.players = [ana.id, ben.id]
        hall.settle("2025-10-01")
        for day in range(1, SESSIONS_ON_PAGE + 4):
            hall.stay(0, f"2025-10-{day:02}")
        hall.stay(1, "2025-10-30")
        hall.settle("2025-10-31")
    older = re.compile(r'hx-get="(/me/training/older[^"]+)"')
    page = house.browser(ana).html(f"{OWN}?month={MONTH}")
    (address,) = older.findall(page)
    assert page.count("<summary>") == SESSIONS_ON_PAGE
    rest = house.browser(ana).html(address.replace("&amp;", "&"))
    assert [day for day in range(1, 32) if f"Oct {day}<" in rest] == [1, 2, 3]
    assert older.findall(rest) == []
    assert "<summary>" not in house.browser(ben).html(address.replace("&amp;", "&"))
    house.browser(ana).get("/me/training/older", 400)
    house.browser().get("/me/training/older?before=stay-1", 401)


def test_what_is_missing_to_win_is_told_while_the_month_goes_on(house: TrainingHouse) -> None:
    (ana,) = players(house, 1)
    with house.trained() as hall:
        hall.players = [ana.id]
        hall.settle("2025-11-01")
        hall.stay(0, "2025-11-02", hours=1.0)
        hall.settle("2025-11-03")
    browser = house.browser(ana)
    assert "and you can win" not in browser.html(OWN)
    house.offers()
    assert "3 sessions and 2 h more, and you can win." in browser.html(OWN)
    with house.trained() as hall:
        hall.players = [ana.id]
        for day in (3, 4):
            hall.stay(0, f"2025-11-0{day}", hours=2.0)
        hall.settle("2025-11-05")
    assert "1 session more, and you can win." in browser.html(OWN)
    with house.trained() as hall:
        hall.players = [ana.id]
        hall.stay(0, "2025-11-01", hours=0.5)
        hall.settle("2025-11-05")
    assert "You can win this month." in browser.html(OWN)


def test_a_newcomer_is_told_when_improvement_begins_to_count(house: TrainingHouse) -> None:
    ana, ben = players(house, 2)
    with house.trained() as hall:
        hall.players = [ana.id, ben.id]
        hall.weeks(1, MONTH + "-01")
        hall.settle("2025-10-01")
        hall.stay(0, "2025-10-10", made=30)
        hall.stay(1, "2025-10-10", made=30)
        hall.settle("2025-10-31")
    path = f"{OWN}?month={MONTH}"
    new, known = (words(house.browser(one).html(path)) for one in (ana, ben))
    assert "Improvement begins to count after 3 weeks with 15 strokes each." in new
    assert "Aim 75 % in 40 strokes, nothing to compare with yet" in new
    assert re.search(r"Aim 25\.0 % over your usual; counted \+\d\.\d for 40 strokes", known)
    assert re.search(r"50% \d+ strokes in \d+ weeks", known)
    assert "What is usual" in words(house.browser(ana).html(OWN))  # also before the first session of a month


def test_a_measure_says_what_it_was_and_what_of_it_counts(house: TrainingHouse) -> None:
    with house.app.app_context():
        told = [
            step_words(Step(68.0, 40, 6.0, 2.1)),
            step_words(Step(57.0, 1, -5.0, -0.04)),
            step_words(Step(62.0, 40, 0.04, 0.01)),
            step_words(Step(62.0, 40, None, 0.0)),
            step_words(Step(None, 0, None, 0.0)),
        ]
    assert told == [
        "6.0 % over your usual; counted +2.1 for 40 strokes",
        "5.0 % under your usual; counted 0.0 for 1 stroke",
        "As usual, in 40 strokes",
        "62 % in 40 strokes, nothing to compare with yet",
        "Nothing to measure",
    ]


def test_of_several_ladders_the_one_that_counts_is_marked(house: TrainingHouse) -> None:
    (ana,) = players(house, 1)
    house.scored((ana, 60.0))
    with house.evening.store.write() as conn:
        for name, total in (("Nine", 75.0), ("Eight", 65.0)):
            made = create_ladder(conn, Terms(name, "9-ball", 3), ["All"], ana.id, DECIDED)
            add_members(conn, made.divisions[0].id, [ana.id], ana.id, DECIDED)
            conn.execute(
                "INSERT INTO ladder_training_scores SELECT player_id, ?, period, coach_avg, hours_total,"
                " hours_norm, win_rate, ?, sessions, shots, won, played, reached_at, rank, winner"
                " FROM ladder_training_scores WHERE ladder_id = ''",
                [made.id, total],
            )
        conn.execute("DELETE FROM ladder_training_scores WHERE ladder_id = ''")
    page = words(house.browser(ana).html(f"{OWN}?month={MONTH}&part=wins"))
    assert re.search(r"Nine 3 of 6 Score with it: 75\.00 · counts Eight 3 of 6 Score with it: 65\.00 [^·]", page)
    assert "75.00 1st of the month Nine" in page
    board = words(house.browser().html(f"{BOARD}?month={MONTH}"))
    assert "Nine" in board
    assert "Eight" not in board


def test_the_same_by_program(house: TrainingHouse) -> None:
    found = players(house, 12)
    house.scored(*((player, 90.0 - n) for n, player in enumerate(found)))
    house.won(found[0], kind="free")
    nobody: Any = house.browser(None, PHONE).get(f"/api/training-leaderboard?month={MONTH}").json
    assert [row["name"] for row in nobody["top"]] == [player.name for player in found[:10]]
    assert set(nobody["top"][0]) == {"rank", "name", "ladder", "hours", "coach_avg", "total", "reward"}
    assert nobody["top"][0]["reward"] == "free"
    assert nobody["own"] is None
    below: Any = house.browser(found[11], PHONE).get(f"/api/training-leaderboard?month={MONTH}").json
    assert below["own"] == {"rank": 12, "total": 79.0}
    this: Any = house.browser().get("/api/training-leaderboard").json
    assert (this["month"], this["state"], this["top"]) == (THIS_MONTH, "open", [])
    house.browser().get("/api/training-leaderboard?month=2025-13", 404)
    own: Any = house.browser(found[11], PHONE).get(f"/api/me/training-score?month={MONTH}").json
    assert (own["score"]["rank"], own["score"]["total"], own["score"]["most_hours"]) == (12, 79.0, 10.0)
    none: Any = house.browser(found[11], PHONE).get("/api/me/training-score").json
    assert none["score"] is None


def test_the_file_of_staff_has_everybody_and_no_formula(house: TrainingHouse) -> None:
    found = players(house, 12)
    with house.evening.store.write() as conn:
        conn.execute("UPDATE players SET name = '=1+1' WHERE id = ?", [found[11].id])
    house.scored(*((player, 90.0 - n) for n, player in enumerate(found)))
    path = f"/counter/hall/training.csv?month={MONTH}"
    text = house.counter().get(path).get_data().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["rank"] for row in rows] == [str(n) for n in range(1, 13)]
    assert rows[-1]["name"] == "'=1+1"
    assert rows[0]["total"] == "90.0"
    house.browser(found[0]).get(path, 403)
    assert f"/counter/hall/training.csv?month={MONTH}" in house.counter().html("/counter/hall/exports")


@pytest.mark.parametrize("address", [SCREEN, PHONE])
def test_pages_lead_on_and_shame_nobody(house: TrainingHouse, address: str) -> None:
    found = players(house, 12)
    for scores in ((), [(player, 90.0 - n) for n, player in enumerate(found)]):
        house.scored(*scores)
        for path in PAGES:
            html = house.browser(None, address).html(path)
            assert 'class="button back" href="/"' in html
            assert nowhere_word(re.sub(r"<[^>]+>", " ", html)) is None
    for path in ("/", "/boards", "/boards/fame"):
        assert f'href="{BOARD}"' in house.browser(None, address).html(path)
    assert f'href="{OWN}"' in house.browser(found[0], address).html("/me")


def test_what_the_cloud_s_rules_ask_is_what_players_are_told(house: TrainingHouse) -> None:
    house.offers(rules={"winners": "ladder", "free_month": True, "free_ladders": 3, "active_players": 7})
    page = house.browser().html("/boards/training")
    assert "First of each ladder wins" in page
    assert "On 3 ladders where 7 or more train" in page
    house.offers(rules={"free_month": False})
    assert "ladders where" not in house.browser().html("/boards/training")
