"""The kiosk in a real browser: balls move, cards arrive, a shot plays again, and it all comes back by itself."""

from datetime import UTC, datetime
from typing import Any

import pytest
from page_fit import LYING_PHONE, SCREENS, SIZES, misfits, resize, too_wide

EVERY_SIZE = [*SIZES, LYING_PHONE]
MOST_BYTES = 150_000  # bytes over the network

POSITIONS = """() => Object.fromEntries([...document.querySelectorAll('.ball[data-ball]')]
    .map(b => [b.dataset.ball, b.style.transform]))"""


@pytest.fixture(scope="module", autouse=True)
def filled(served: Any) -> None:
    served.box.fill(20)


def open_live(page: Any, served: Any) -> None:
    """The live table with the list of shots."""
    page.goto(f"{served.url}/shots")
    page.wait_for_selector(".ball[data-ball=cue]")


def shot_card(shot: Any) -> str:
    return f'.card[data-shot="{shot.id}"]'


def store(served: Any, shot: Any) -> None:
    served.box.save(shot, datetime.now(UTC))


def test_balls_lie_where_vision_sees_them_and_move(page: Any, served: Any) -> None:
    open_live(page, served)
    before = page.evaluate(POSITIONS)
    assert set(before) == set(served.box.pool.balls)
    served.play()
    page.wait_for_function(
        "cue => document.querySelector('.ball[data-ball=cue]').style.transform !== cue", arg=before["cue"]
    )
    halfway = page.evaluate(POSITIONS)
    assert halfway != before


def test_a_new_shot_slides_in_without_a_reload(page: Any, served: Any) -> None:
    open_live(page, served)
    page.evaluate("() => { window.stayed = true; }")
    today = int(page.locator("#today dd").first.inner_text())
    shot = served.play()
    store(served, shot)
    page.wait_for_selector(shot_card(shot))
    assert page.locator(".card").first.get_attribute("data-shot") == shot.id
    assert page.locator(shot_card(shot)).count() == 1
    assert page.evaluate("() => window.stayed")
    page.wait_for_function("n => document.querySelector('#today dd').textContent === n", arg=str(today + 1))


def test_an_amended_shot_takes_its_own_place(page: Any, served: Any) -> None:
    from dataclasses import replace

    open_live(page, served)
    second = page.locator(".card").nth(1).get_attribute("data-shot")
    with served.box.store.read() as conn:
        from edge.store.shots import get_shot

        stored = get_shot(conn, second)
    assert stored is not None
    store(served, replace(stored.shot, revision=2, result="unknown"))
    page.wait_for_selector(f'.card.unknown[data-shot="{second}"]')
    assert page.locator(".card").nth(1).get_attribute("data-shot") == second


def test_older_shots_come_on_demand(page: Any, served: Any) -> None:
    open_live(page, served)
    before = page.locator(".card").count()
    page.locator(".more button").click()
    page.wait_for_function("n => document.querySelectorAll('.card').length > n", arg=before)
    keys = page.eval_on_selector_all(".card", "cards => cards.map(c => c.dataset.shot)")
    assert len(keys) == len(set(keys))


_CUE_IS_ELSEWHERE = "cue => document.querySelector('.ball[data-ball=cue]').style.transform !== cue"


_REDRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def test_a_card_opens_and_its_shot_plays_again(page: Any, served: Any) -> None:
    open_live(page, served)
    page.locator(".card-link").first.click()
    page.wait_for_selector("#player:not([hidden])")
    page.wait_for_function("() => document.querySelector('#play').dataset.playing === 'true'")
    seen = page.evaluate(POSITIONS)["cue"]
    page.wait_for_function(_CUE_IS_ELSEWHERE, arg=seen)  # it plays by itself
    page.locator("#play").click()
    page.wait_for_function("() => document.querySelector('#play').dataset.playing === 'false'")
    page.locator("#scrub").fill("0")
    page.evaluate(_REDRAWN)
    first = page.evaluate(POSITIONS)["cue"]
    page.locator("#scrub").fill("400")
    page.wait_for_function(_CUE_IS_ELSEWHERE, arg=first)
    page.locator("#scrub").fill("0")
    page.evaluate(_REDRAWN)
    assert page.evaluate(POSITIONS)["cue"] == first
    page.locator(".back").click()
    page.wait_for_selector(".attract")


@pytest.mark.slow
def test_a_shot_left_alone_goes_back_to_the_live_table(page: Any, served: Any) -> None:
    page.clock.install()
    open_live(page, served)
    page.locator(".card-link").first.click()
    page.wait_for_selector("#player:not([hidden])")
    page.clock.run_for(80_000)
    # Of ninety seconds; the clock that is turned goes on by itself too, while a busy machine loads the page.
    assert 5 <= int(page.locator("#idle-left").inner_text()) <= 10
    page.mouse.move(300, 300)
    assert not page.locator("#idle").is_visible()
    page.clock.run_for(80_000)
    assert "/shots/" in page.url
    page.clock.run_for(20_000)
    page.wait_for_url(f"{served.url}/")


@pytest.mark.slow
def test_it_comes_back_when_the_kiosk_restarts(page: Any, served: Any) -> None:
    page.allow_errors = True  # the browser itself reports each refused connection
    open_live(page, served)
    page.evaluate("() => { window.stayed = true; }")
    served.stop()
    page.wait_for_selector("#offline:not([hidden])")
    missed = served.play()
    store(served, missed)
    served.start()
    page.wait_for_selector("#offline", state="hidden")
    page.wait_for_selector(shot_card(missed))
    assert page.locator(shot_card(missed)).count() == 1
    keys = page.eval_on_selector_all(".card", "cards => cards.map(c => c.dataset.shot)")
    assert len(keys) == len(set(keys))
    assert page.evaluate("() => window.stayed")


@pytest.mark.slow
@pytest.mark.parametrize("size", EVERY_SIZE, ids=str)
def test_every_size_fits_and_can_be_touched(page: Any, served: Any, size: tuple[int, int]) -> None:
    resize(page, size)
    open_live(page, served)
    assert misfits(page) == []
    page.goto(served.url + page.locator(".card-link").first.get_attribute("href"))
    page.wait_for_selector("#player:not([hidden])")
    assert misfits(page) == []


@pytest.mark.slow
@pytest.mark.parametrize("worn", [False, True])
@pytest.mark.parametrize("size", EVERY_SIZE, ids=str)
def test_the_condition_fits_every_size_and_can_be_touched(
    page: Any, served: Any, worn: bool, size: tuple[int, int]
) -> None:
    served.learn(worn)
    resize(page, size)
    open_live(page, served)
    page.wait_for_selector("a.care.needed" if worn else "a.care:not(.needed)")
    assert not too_wide(page)
    page.locator("a.care").click()
    page.wait_for_selector(".verdict.needed" if worn else ".verdict.learning")
    assert misfits(page) == []
    page.locator(".back").click()
    page.wait_for_selector(".attract")


@pytest.mark.slow
def test_care_is_told_while_the_page_is_open_and_its_page_keeps_up(page: Any, served: Any) -> None:
    served.learn(False)
    open_live(page, served)
    page.wait_for_selector("a.care:not(.needed)")
    page.evaluate("() => { window.stayed = true; }")
    served.learn(True)
    page.wait_for_selector("a.care.needed")
    assert page.evaluate("() => window.stayed")
    page.locator("a.care").click()
    page.wait_for_selector(".warnings li")
    served.learn(False)
    page.wait_for_selector(".verdict.learning", timeout=15_000)
    assert page.locator("#condition").count() == 1


@pytest.mark.parametrize("size", SCREENS, ids=str)
def test_on_a_wall_nothing_lies_below_the_edge(page: Any, served: Any, size: tuple[int, int]) -> None:
    resize(page, size)
    served.learn(True)
    open_live(page, served)
    assert page.evaluate("() => document.documentElement.scrollHeight <= window.innerHeight")
    assert page.locator("#today").bounding_box()["y"] < size[1]
    page.goto(f"{served.url}/condition")
    assert page.evaluate("() => document.documentElement.scrollHeight <= window.innerHeight")
    for tile in page.locator(".facts > div").all():
        box = tile.bounding_box()
        assert box["y"] + box["height"] <= size[1]


def test_an_unknown_address_leads_home(page: Any, served: Any) -> None:
    page.allow_errors = True  # the browser itself reports the 404
    page.goto(f"{served.url}/nothing")
    page.locator("a.primary").click()
    page.wait_for_selector(".attract")


def test_the_first_load_is_light(page: Any, served: Any) -> None:
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    sizes: list[float] = []
    client.on("Network.loadingFinished", lambda e: sizes.append(e["encodedDataLength"]))
    open_live(page, served)
    page.wait_for_load_state("load")
    assert 0 < sum(sizes) < MOST_BYTES
