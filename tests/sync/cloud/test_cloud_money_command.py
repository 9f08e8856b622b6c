"""What of `ladder cloud` is about money: the key, the price, a subscription that was started by hand, tokens."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from reward_month import a_price, make_halls, subscribe
from stripe_sandbox import StripeSandbox, stripe_sandbox

from edge.facts import uuid7
from sync.cloud import members, owners, plans
from sync.cloud.db import Database
from sync.cloud.stripe_config import FILE, StripeConfigError, load_config
from sync.cloud_command import cloud

Run = Callable[..., Result]


@pytest.fixture
def run(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("LADDER_STRIPE_KEY", raising=False)

    def asked(*words: str, typed: str = "") -> Result:
        return CliRunner().invoke(
            cloud, ["--db", address, "--data", str(tmp_path), *words], input=typed, prog_name="ladder cloud"
        )

    return asked


@pytest.fixture
def box(tmp_path: Path, run: Run) -> Iterator[StripeSandbox]:
    """A sandbox to which the cloud's key leads."""
    with stripe_sandbox() as made:
        assert run("stripe", "--sandbox", made.address, typed=f"{made.key}\n\n").exit_code == 0
        yield made


def test_a_key_is_kept_where_only_its_user_reads_and_is_never_shown(run: Run, tmp_path: Path) -> None:
    result = run("stripe", typed="sk_test_secret\nwhsec_secret\n")
    assert result.exit_code == 0
    assert "secret" not in result.output.replace("secret of the webhooks", "").replace("Secret", "")
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    found = load_config(tmp_path, {})
    assert found is not None
    assert (found.key, found.webhook, found.live) == ("sk_test_secret", "whsec_secret", False)
    assert "secret" not in repr(found)
    assert run("stripe", "--forget").exit_code == 0
    assert load_config(tmp_path, {}) is None


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("sk_live_1\nsk_live_1\ny\n\n", True),
        ("sk_live_1\nsk_live_2\ny\n\n", False),
        ("sk_live_1\nsk_live_1\nn\n\n", False),
        ("pk_test_1\n\n", False),
    ],
)
def test_a_live_key_is_asked_for_twice(run: Run, tmp_path: Path, typed: str, kept: bool) -> None:
    result = run("stripe", typed=typed)
    assert (result.exit_code == 0) is kept
    assert (tmp_path / FILE).exists() is kept


def test_a_live_key_is_never_given_to_a_sandbox_nor_taken_from_the_environment(run: Run, tmp_path: Path) -> None:
    assert run("stripe", "--sandbox", "http://localhost:1", typed="sk_live_1\nsk_live_1\ny\n\n").exit_code == 1
    with pytest.raises(StripeConfigError, match="real money"):
        load_config(tmp_path, {"LADDER_STRIPE_KEY": "sk_live_1"})


def test_a_price_is_looked_up_and_set_for_a_hall_or_for_all(run: Run, db: Database, box: StripeSandbox) -> None:
    with db.write() as conn:
        first, second = make_halls(conn, 2)
    monthly, yearly = a_price(box), a_price(box, 19900, "year", "eur")
    assert "20.00 USD every month" in run("plan", monthly).output
    assert "199.00 EUR every 12 months" in run("plan", yearly, "--hall", "Hall 1", "--name", "Gold").output
    with db.read() as conn:
        found = [plans.plan_of(conn, hall_id) for hall_id in (first, second)]
    assert [(one.name, one.price_id) for one in found if one] == [("Membership", monthly), ("Gold", yearly)]
    for wrong in (["price_nothing"], [monthly, "--hall", "Nowhere"], [a_price(box, 500, "week")]):
        result = run("plan", *wrong)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)


def test_without_a_key_it_is_said_what_to_do(run: Run) -> None:
    result = run("plan", "price_1")
    assert (result.exit_code, "ladder cloud stripe" in result.stderr) == (1, True)


def test_a_subscription_started_by_hand_is_linked_to_its_player(
    run: Run, db: Database, box: StripeSandbox
) -> None:
    with db.write() as conn:
        (hall_id,) = make_halls(conn, 1)
    player, sub = uuid7(), subscribe(box, a_price(box))
    for _ in range(2):
        assert f"Linked: {sub.id}, active" in run("link", "Hall 0", player, sub.id).output
    with db.read() as conn:
        member = members.of_player(conn, hall_id, player)
    assert member is not None
    assert member.subscription_id == sub.id
    another = box.client().v1.subscriptions.create(
        {"customer": str(sub.customer), "items": [{"price": a_price(box)}]}
    )
    for words in (
        ["Nowhere", player, sub.id], ["Hall 0", "ana", sub.id], ["Hall 0", player, "sub_nothing"],
        ["Hall 0", uuid7(), another.id],
    ):  # fmt: skip
        result = run("link", *words)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    with db.read() as conn:
        assert len(conn.rows("SELECT * FROM member_players")) == 1


def test_a_token_is_an_owner_s_and_the_last_one_holds(run: Run, db: Database) -> None:
    assert run("token", "nobody@example.com").exit_code == 1
    run("owner", "dana@example.com")
    first, second = (run("token", "dana@example.com").stdout.split()[-1] for _ in range(2))
    assert owners.who_by_token(db, first) is None
    found = owners.who_by_token(db, second)
    assert found is not None
    assert found.email == "dana@example.com"
