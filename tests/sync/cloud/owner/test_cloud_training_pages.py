"""The page of a hall: its leaderboard, its winner, how it improves, its feed, its members."""

from flask.testing import FlaskClient
from owner_scene import MONTH, NAMES, START, Paying, confirm, move, only_reward, put_hall, put_past
from reward_month import a_score, make_halls, tell_scores

from edge.clock import stamp
from edge.facts import uuid7
from sync.cloud import names, plans
from sync.cloud.closing import close_due
from sync.cloud.db import Database
from sync.cloud.owner import feed
from sync.cloud.owner.progress import HallMonthSums, chart, sums_of


def test_the_halls_lead_to_their_pages(db: Database, client: FlaskClient) -> None:
    hall = put_hall(db, "Chalk City")
    assert f'href="/halls/{hall.id}"' in client.get("/").text


def test_the_leaderboard_shows_ten_each_with_a_name_or_as_not_shown(db: Database, client: FlaskClient) -> None:
    hall = put_hall(db, "Chalk City")
    with db.write() as conn:
        names.replace(
            conn, hall.id, {hall.players[0]: "Ana", hall.players[10]: "Eleventh", hall.players[11]: "Twelfth"}
        )
    page = client.get(f"/halls/{hall.id}?month={MONTH}").text
    board = page.partition("Training leaderboard")[2].partition("Coach average and hours")[0]
    assert board.count("<tr") == 11
    assert board.count("a player who is not shown") == 9
    assert "Ana" in board
    assert "Eleventh" not in page


def test_a_decided_month_has_the_winner_s_banner_and_the_reward_s_true_state(paying: Paying) -> None:
    hall = put_hall(paying.db, "Chalk City")
    paying.member(hall)
    reward = paying.decided(hall)
    address = f"/halls/{hall.id}?month={MONTH}"
    page = paying.client.get(address).text
    banner = page.partition('class="banner"')[2].partition("</section>")[0]
    assert NAMES[0] in banner
    assert "50 % off the next month" in banner
    assert f"{reward.total:.2f}" in banner
    assert "50 % off: decided, not at Stripe yet" in page
    paying.turn()
    assert "50 % off: on the next invoice" in paying.client.get(address).text


def test_a_reward_that_was_taken_back_makes_no_banner_and_no_post(db: Database, client: FlaskClient) -> None:
    hall = put_hall(db, "Chalk City")
    close_due(db, START)
    confirm(client, hall)
    assert 'class="banner"' in client.get(f"/halls/{hall.id}?month={MONTH}").text
    move(db, only_reward(db, hall).id, "reverted", START)
    page = client.get(f"/halls/{hall.id}?month={MONTH}").text
    assert 'class="banner"' not in page
    assert 'class="post"' not in page
    assert "taken back" in page


def test_the_feed_has_past_winners_with_lines_that_stay_and_differ(db: Database, client: FlaskClient) -> None:
    hall = put_hall(db, "Chalk City")
    put_past(db, hall, START, months=9)
    with db.read() as conn:
        posts, again = feed.posts_of(conn, hall.id), feed.posts_of(conn, hall.id)
    assert posts == again
    assert len(posts) == feed.MOST_POSTS
    assert len({one.tagline for one in posts}) == len(posts)
    page = client.get(f"/halls/{hall.id}").text
    assert all(one.tagline in page for one in posts)


def test_a_chart_of_months_has_bars_and_says_what_has_changed() -> None:
    months = [f"2026-{n:02}" for n in range(1, 13)]
    found = chart("Hours", months, [None] * 10 + [2.0, 5.0])
    assert [(one.x, one.height) for one in found.marks] == [(200.0, 22.4), (220.0, 56.0)]
    assert (found.last, found.change) == ("5.0", "+3.0 since Nov 2026")
    stale = chart("Coach average", months, [None] * 10 + [2.0, None], line=True)
    assert (stale.last, stale.change) == ("2.0", "in Nov")
    assert chart("Hours", months, [None] * 12).last == "–"


def test_the_csv_is_the_month_s_board_and_no_name_is_a_formula(db: Database, client: FlaskClient) -> None:
    hall = put_hall(db, "Chalk City")
    with db.write() as conn:
        names.replace(conn, hall.id, {hall.players[0]: "=2+5", hall.players[1]: "Ben"})
    answer = client.get(f"/halls/{hall.id}/training.csv?month={MONTH}")
    assert answer.content_type.startswith("text/csv")
    assert 'filename="training-2026-10.csv"' in answer.headers["Content-Disposition"]
    lines = answer.text.splitlines()
    assert len(lines) == 11
    assert lines[1].startswith("1,'=2+5,")


def test_the_plan_and_how_many_members_of_which_status(paying: Paying) -> None:
    hall = put_hall(paying.db, "Chalk City")
    page = paying.client.get(f"/halls/{hall.id}").text
    assert "No subscription is offered" in page
    assert "None of its players has a subscription" in page
    paying.member(hall, 0)
    paying.member(hall, 1)
    paying.member(hall, 2, trial_period_days=30)
    with paying.db.write() as conn:
        plans.keep(conn, hall.id, plans.Plan("Gold", "price_1", 1500, "eur", 1), stamp(START))
    text = " ".join(paying.client.get(f"/halls/{hall.id}").text.replace("<b>", "").replace("</b>", "").split())
    assert "Gold, €15.00 a month" in text
    assert "2 active" in text
    assert "1 in a trial" in text


def test_how_the_hall_improves_is_weighted_by_shots_and_counts_each_player_once(db: Database) -> None:
    ana, ben = uuid7(), uuid7()
    two = [("a" * 8 + uuid7()[8:], "8-ball"), ("b" * 8 + uuid7()[8:], "9-ball")]
    told = [
        *(
            a_score(ana, 80.0, coach_avg=80.0, shots=300, hours=4.0, ladder=ladder, ladder_name=name)
            for ladder, name in two
        ),
        a_score(ben, 40.0, coach_avg=40.0, shots=100, hours=2.0),
        a_score(uuid7(), 0.0, coach_avg=0.0, shots=0, hours=0.0, sessions=0),
    ]
    with db.write() as conn:
        (hall_id,) = make_halls(conn, 1)
        tell_scores(conn, hall_id, MONTH, told)
        found = sums_of(conn, hall_id, MONTH, MONTH)
    assert found == {MONTH: HallMonthSums(70.0, 6.0, 2)}
