"""`ladder cloud` killed while it pays through `ladder cloud sandbox`, both real: each reward comes once."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import stripe
from ports import free_port
from reward_month import a_score, make_halls, make_member, tell_scores
from waiting import wait_until

from edge.clock import month_before, stamp
from edge.facts import uuid7
from sync.cloud import rules
from sync.cloud.db import Database
from sync.cloud.rules import Rules
from sync.cloud.stripe_config import StripeConfig, save_config
from sync.cloud.stripe_gateway import Gateway

KEY = "sk_test_sandbox"
HALLS = 30
KILLS = 8


@contextmanager
def started(*words: str, url: str | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    """A program of ours, which is waited for at `url` where one is given; killed at the end."""
    program = shutil.which("ladder", path=str(Path(sys.executable).parent)) or "ladder"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LADDER_")}
    process = subprocess.Popen(
        [program, "cloud", *words], start_new_session=True, stderr=subprocess.DEVNULL, env=environ
    )

    def answers() -> bool:
        assert process.poll() is None, "it has ended"
        try:
            urllib.request.urlopen(str(url), timeout=2).close()
        except OSError:
            return False
        return True

    try:
        if url is not None:
            wait_until(answers, lambda: f"nothing answers at {url}")
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=20)


def states(db: Database) -> list[str]:
    with db.read() as conn:
        return [row["state"] for row in conn.rows("SELECT state FROM subscription_rewards ORDER BY id")]


def ten_minutes_pass(db: Database) -> None:
    """What a program that was killed held is free again."""
    with db.write() as conn:
        conn.run(
            "UPDATE subscription_rewards SET due_at = ? WHERE state IN ('decided', 'applying', 'waiting')",
            [stamp(datetime.now(UTC))],
        )


@pytest.mark.slow
def test_a_cloud_that_is_killed_again_and_again_pays_once(db: Database, address: str, tmp_path: Path) -> None:
    sandbox_port, cloud_port = free_port(), free_port()
    sandbox_url, cloud_url = f"http://localhost:{sandbox_port}", f"http://localhost:{cloud_port}"
    words = ["sandbox", "--db", str(tmp_path / "sandbox.db"), "--port", str(sandbox_port)]
    with started(*words, url=f"{sandbox_url}/"):
        gateway = Gateway(KEY, sandbox_url)
        client = stripe.StripeClient(KEY, base_addresses={"api": sandbox_url}).v1
        month = month_before(datetime.now(UTC).strftime("%Y-%m"))
        subscriptions = win_everywhere(db, gateway, client, month)
        save_config(tmp_path, StripeConfig(KEY, "", sandbox_url))
        rng = random.Random(7)
        run = ["--db", address, "--data", str(tmp_path), "--port", str(cloud_port)]
        reached = set()
        for _ in range(KILLS):
            given, more = states(db).count("applied"), rng.randint(0, 3)
            with started(*run):
                give_up_s = time.monotonic() + 30.0
                while states(db).count("applied") < given + more and time.monotonic() < give_up_s:
                    pass
            reached.add(states(db).count("applied"))
            ten_minutes_pass(db)
        with started(*run, url=f"{cloud_url}/healthz"):
            wait_until(lambda: set(states(db)) == {"applied"}, lambda: json.dumps(states(db)))
        assert len(states(db)) == HALLS
        assert reached - {0, HALLS}, "it was never killed in the middle"
        for subscription_id in subscriptions:
            found = client.subscriptions.retrieve(subscription_id, {"expand": ["discounts"]})
            coupons = [one.source.coupon for one in found.discounts]  # type: ignore[union-attr]
            assert coupons == [f"ladder-{month}-{subscription_id}"]
            coupon = client.coupons.retrieve(f"ladder-{month}-{subscription_id}")
            assert (coupon.times_redeemed, coupon.percent_off) == (1, 50.0)
        assert len(client.coupons.list({"limit": 100}).data) == HALLS


def win_everywhere(db: Database, gateway: Gateway, client: object, month: str) -> list[str]:
    """In each hall a member has won the month that is over."""
    price = client.prices.create(  # type: ignore[attr-defined]
        {
            "currency": "usd",
            "unit_amount": 2000,
            "recurring": {"interval": "month"},
            "product_data": {"name": "Membership"},
        }
    )
    with db.write() as conn:
        hall_ids = make_halls(conn, HALLS)
        rules.keep_rules(
            conn, rules.ALL_HALLS, Rules(look_hours=0), by="dana@example.com", now=stamp(datetime.now(UTC))
        )
    found = []
    for hall_id in hall_ids:
        customer = client.customers.create(  # type: ignore[attr-defined]
            {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
        )
        sub = client.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})  # type: ignore[attr-defined]
        player = uuid7()
        make_member(db, gateway, sub.id, (hall_id, player), datetime.now(UTC))
        with db.write() as conn:
            tell_scores(conn, hall_id, month, [a_score(player), a_score(uuid7(), 40.0)])
        found.append(str(sub.id))
    return found
