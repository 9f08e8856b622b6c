"""`sandbox` as a process of its own: started, killed in the middle, started again."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe
from click.testing import CliRunner
from ports import free_port, taken_port
from waiting import wait_until

from sync.sandbox.command import sandbox

RUN = "from sync.sandbox.command import sandbox; sandbox()"


@contextmanager
def running(data: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "--data", str(data), "--port", str(port)], stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: answers(port) or process.poll() is not None)
        yield process
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=1).ok
    except requests.RequestException:
        return False


def client(port: int) -> Any:
    return stripe.StripeClient("sk_test_sandbox", base_addresses={"api": f"http://127.0.0.1:{port}"}).v1


def test_help_has_an_example() -> None:
    found = CliRunner().invoke(sandbox, ["--help"])
    assert found.exit_code == 0
    assert "ladder cloud sandbox --data" in found.output


@pytest.mark.parametrize("key", ["sk_live_1234567890", "sk_test_", "abc"])
def test_another_key_than_a_test_key_is_wrong_use(tmp_path: Path, key: str) -> None:
    found = CliRunner().invoke(sandbox, ["--data", str(tmp_path), "--key", key])
    assert (found.exit_code, "sk_test_" in found.output) == (2, True)


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with taken_port() as port:
        found = CliRunner().invoke(sandbox, ["--data", str(tmp_path), "--port", str(port)])
    assert (found.exit_code, f"port {port} is in use" in found.output) == (1, True)


def test_killed_in_the_middle_nothing_is_half_done_and_all_that_was_answered_is_there(tmp_path: Path) -> None:
    port, told = free_port(), []
    with running(tmp_path, port) as process:
        v1 = client(port)
        price = v1.prices.create(
            {
                "currency": "usd",
                "unit_amount": 2000,
                "recurring": {"interval": "month"},
                "product_data": {"name": "G"},
            }
        ).id

        def subscribe() -> None:
            card = "pm_card_visa"
            try:
                while True:
                    given: Any = {"payment_method": card, "invoice_settings": {"default_payment_method": card}}
                    made = v1.customers.create(given).id
                    sub = v1.subscriptions.create({"customer": made, "items": [{"price": price}]})
                    told.append(sub.id)
            except stripe.StripeError:
                pass

        threads = [threading.Thread(target=subscribe) for _ in range(3)]
        for one in threads:
            one.start()
        wait_until(lambda: len(told) > 20)
        process.send_signal(signal.SIGKILL)
        for one in threads:
            one.join()
    with running(tmp_path, port):
        v1 = client(port)
        found = {one.id: one for one in v1.subscriptions.list({"limit": 100}).auto_paging_iter()}
        assert set(told) <= found.keys()
        for sub in found.values():
            assert sub.status == "active"
            (invoice,) = v1.invoices.list({"subscription": sub.id}).data
            assert (invoice.id, invoice.status) == (sub.latest_invoice, "paid")


def test_it_stops_when_it_is_told_and_its_clock_stays_turned(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, port) as process:
        requests.post(f"http://127.0.0.1:{port}/_sandbox/clock", json={"days": 40}, timeout=5).raise_for_status()
        was = requests.get(f"http://127.0.0.1:{port}/_sandbox/state", timeout=5).json()["now"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    with running(tmp_path, port):
        assert requests.get(f"http://127.0.0.1:{port}/_sandbox/state", timeout=5).json()["now"] >= was
