"""Training and the subscription in a real browser: from the winner on the first page to Stripe's code and back."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import pytest
from page_fit import SERIOUS, SIZES, barriers, misfits, resize, small_targets, too_wide
from pin_pad import press_pin

PIN = "4826"
NAMES = ("Ana", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hana", "Ivo", "Jana", "Karl", "Lena")


@dataclass
class FakeCloud:
    """A cloud over HTTP that says what it is told to."""

    says: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> dict[str, Any]:
        self.asked.append(path)
        if path == "/v1/hall":
            return {"same": False, "hash": str(len(self.asked)), **self.says}
        return {"url": "https://checkout.stripe.test/c/pay/cs_test_" + "a1" * 60, "expires_at": ""}


@pytest.fixture(scope="module")
def cloud() -> Iterator[tuple[FakeCloud, str]]:
    fake = FakeCloud()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.dumps(fake.answer(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield fake, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def hall(served: Any, cloud: tuple[FakeCloud, str]) -> Any:
    """A hall whose last month Ana has won; she has no subscription yet."""
    from training_scene import a_trained_hall

    from edge.hall.keys import load_keys
    from edge.hall.pins import hash_pin, keep_pin
    from sync.cloud_link import Cloud, save_cloud

    served.box.fill(4)
    now = datetime.now(UTC)
    scene, fake = a_trained_hall(served.box.store, NAMES, now), cloud[0]
    hashed = hash_pin(load_keys(served.box.paths.secrets).pins, PIN)
    with served.box.store.write() as conn:
        keep_pin(conn, scene["Ana"], hashed, now)
    fake.says = scene.said
    save_cloud(served.box.paths.cloud, Cloud(cloud[1], "hall", "device", "key", "00" * 32))
    return scene


@pytest.fixture
def ana(page: Any, served: Any, hall: Any) -> Any:
    """A page at the screen at which Ana is checked in."""
    page.goto(f"{served.url}/check-in/pin?name=Ana")
    press_pin(page, PIN)
    page.wait_for_url("**/start")
    return page


def prefer(served: Any, theme: Literal["dark", "light"]) -> None:
    """Ana likes her pages so."""
    from edge.hall.players import find_player, save_player

    with served.box.store.write() as conn:
        player = find_player(conn, "Ana")
        assert player is not None
        save_player(conn, replace(player, theme=theme))


def say(served: Any, scene: Any) -> None:
    """The box has heard what the cloud says."""
    from edge.hall import rewards

    with served.box.store.write() as conn:
        rewards.hear(conn, scene.said)


def test_from_the_winner_on_the_screen_to_a_subscription_and_back(
    ana: Any, served: Any, hall: Any, cloud: tuple[FakeCloud, str]
) -> None:
    from training_scene import subscribed

    page = ana
    page.goto(f"{served.url}/me")
    assert "You won" in page.locator(".winner-banner").inner_text()
    page.locator("a[href='/me/subscription']").click()
    assert "Sandbox: no money moves" in page.locator("body").inner_text()
    page.locator("button.huge").click()
    page.wait_for_selector(".pay-code svg")
    assert not too_wide(page)
    assert page.evaluate("() => document.querySelector('.pay-code').getBoundingClientRect().width") > 240
    subscribed(hall, "Ana")  # on the phone it is through
    page.wait_for_url("**/me/subscription?begun=1", timeout=20_000)
    assert "Active" in page.locator(".sub-word").inner_text()
    assert "7QKM-2FXD" in page.locator(".member-code").inner_text()
    assert cloud[0].asked.count("/v1/checkout") == 1


@pytest.mark.slow
def test_the_board_leads_through_its_months_to_posts_a_replay_and_back(page: Any, served: Any, hall: Any) -> None:
    page.goto(served.url)
    page.locator(".winner-banner").click()
    assert page.locator(".training-board tbody tr").count() == 10
    assert "Ana" in page.locator(".winner-name").inner_text()
    page.locator(".training-ways a[href='/boards/training/posts']").click()
    page.locator(".post-shot").first.click()
    page.wait_for_selector("#play")
    page.locator(".back").click()
    page.wait_for_url("**/boards/training/posts")
    page.locator(".to-board").click()
    page.wait_for_url("**/boards/training")
    page.locator(".training-ways a[href='/me/training']").click()
    page.wait_for_url("**/check-in?next=/me/training")


PAGES = (
    "/",
    "/me",
    "/boards",
    "/boards/training",
    "/boards/training/posts",
    "/me/training",
    "/me/training?part=hours",
    "/me/training?part=wins",
    "/me/subscription",
    "/me/subscription/member",
)


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_page_fits_can_be_touched_and_read(
    ana: Any, served: Any, hall: Any, theme: Literal["dark", "light"]
) -> None:
    from training_scene import subscribed

    page = ana
    prefer(served, theme)
    wrong: dict[str, Any] = {}
    for status in ("none", "active", "past_due"):
        subscribed(hall, "Ana", status)
        say(served, hall)
        for path in PAGES if status == "none" else ("/me/subscription",):
            for size in reversed(SIZES):
                resize(page, size)
                page.goto(served.url + path)
                page.wait_for_load_state("load")
                found = misfits(page) + small_targets(page, "summary", hidden_too=True)
                if found:
                    wrong[f"{path} at {size[0]}"] = found
            serious = barriers(page, SERIOUS)
            if serious:
                wrong[f"{path}: axe"] = serious
    assert wrong == {}, json.dumps(wrong, indent=1)
