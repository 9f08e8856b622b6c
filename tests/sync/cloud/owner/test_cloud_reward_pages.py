"""Each reward's page: how it came to be, taken back or tried again, and what Stripe says otherwise."""

from owner_scene import EMAIL, START, Paying, deeds_of, move, only_reward, put_hall, send

from sync.cloud import codes, rewards
from sync.cloud.db import Database


def test_a_reward_s_page_tells_its_way_and_its_ids(paying: Paying) -> None:
    hall = put_hall(paying.db, "Chalk City")
    member = paying.member(hall)
    reward = paying.decided(hall)
    paying.turn()
    page = paying.client.get(f"/rewards/{reward.id}").text
    found = only_reward(paying.db, hall)
    assert found.state == "applied"
    for part in (
        member.subscription_id,
        found.coupon_id,
        member.customer_id,
        codes.shown_code(member.code),
        "On its way to Stripe",
    ):
        assert str(part) in page
    paying.on(days=31)
    paying.turn()
    page = paying.client.get(f"/rewards/{reward.id}").text
    assert "$10.00" in page
    assert str(only_reward(paying.db, hall).invoice_id) in page
    assert ">Take back<" not in page


def test_what_was_applied_is_taken_back_in_two_steps_with_a_reason(paying: Paying) -> None:
    hall = put_hall(paying.db, "Chalk City")
    member = paying.member(hall)
    reward = paying.decided(hall)
    paying.turn()
    address = f"/rewards/{reward.id}/take-back"
    assert "taken off the subscription" in paying.client.get(address).text
    assert send(paying.client, address, why="").status_code == 400
    assert only_reward(paying.db, hall).state == "applied"
    assert send(paying.client, address, why="scores of a test").status_code == 303
    assert only_reward(paying.db, hall).state == "reverted"
    assert member.subscription_id is not None
    assert paying.gateway.subscription(member.subscription_id).discounts == ()
    page = paying.client.get(f"/rewards/{reward.id}").text
    assert "scores of a test" in page
    assert (EMAIL, "take-back") in deeds_of(paying.db, hall.id)
    again = send(paying.client, address, why="once more")
    assert (again.status_code, "reverted already" in again.text) == (409, True)


def test_what_an_invoice_has_is_not_taken_back(paying: Paying) -> None:
    hall = put_hall(paying.db, "Chalk City")
    paying.member(hall)
    reward = paying.decided(hall)
    paying.turn()
    paying.on(days=31)
    answer = send(paying.client, f"/rewards/{reward.id}/take-back", why="too late")
    assert (answer.status_code, "an invoice has it already" in answer.text) == (409, True)
    assert only_reward(paying.db, hall).state == "consumed"


def test_when_stripe_is_away_nothing_is_lost_and_it_is_said(paying: Paying) -> None:
    hall = put_hall(paying.db, "Chalk City")
    paying.member(hall)
    reward = paying.decided(hall)
    paying.turn()
    paying.box.served.shut()
    answer = send(paying.client, f"/rewards/{reward.id}/take-back", why="scores of a test")
    paying.box.served.open()
    assert (answer.status_code, "does not answer just now" in answer.text) == (503, True)
    assert "scores of a test" in answer.text
    assert only_reward(paying.db, hall).state == "applied"


def test_what_needs_a_look_is_on_top_and_is_tried_again(paying: Paying) -> None:
    hall = put_hall(paying.db, "Chalk City")
    paying.member(hall)
    reward = paying.decided(hall)
    move(paying.db, reward.id, "needs_review", START, said="stripe refuses", reason="stripe refuses")
    look = paying.client.get("/rewards?month=2026-05").text.partition("Calls for a look")[2]
    assert reward.id in look
    assert "Stripe refuses." in look
    answer = send(paying.client, f"/rewards/{reward.id}/try-again")
    assert answer.status_code == 303
    paying.turn()
    assert only_reward(paying.db, hall).state == "applied"
    assert "Calls for a look" not in paying.client.get("/rewards").text
    assert send(paying.client, f"/rewards/{reward.id}/try-again").status_code == 409
    assert [one.who for one in history_of(paying.db, reward.id) if one.said == "tried again"] == [EMAIL]


def history_of(db: Database, reward_id: str) -> list[rewards.Event]:
    with db.read() as conn:
        return rewards.history(conn, reward_id)


def test_drift_is_on_top_until_somebody_has_looked(paying: Paying) -> None:
    hall = put_hall(paying.db, "Chalk City")
    member = paying.member(hall)
    reward = paying.decided(hall)
    move(paying.db, reward.id, "consumed", START, drift="the invoice that had it is void (in_1)")
    with paying.db.write() as conn:
        conn.run("UPDATE members SET drift = ?", ["Stripe has a reward of 2026-04 that is not ours"])
    page = paying.client.get("/rewards").text
    assert "The invoice that had it is void (in_1)." in page
    assert "Stripe has a reward of 2026-04 that is not ours" in page
    assert str(member.subscription_id) in page
    for _ in range(2):
        assert send(paying.client, f"/rewards/{reward.id}/seen").status_code == 303
    assert "is void" not in paying.client.get("/rewards").text
    assert [one.who for one in history_of(paying.db, reward.id) if "looked at" in one.said] == [EMAIL]
