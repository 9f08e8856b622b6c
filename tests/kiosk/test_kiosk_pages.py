"""Pages: what they show, how they are protected, what happens to strange addresses."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from fake_box import FakeBox
from flask.testing import FlaskClient
from hall_visitor import close_app

from vision.balls import ball_sets
from vision.model import Pot, Shot

STYLE_OR_HANDLER = re.compile(r"<[^>]+\s(style|on\w+)=", re.IGNORECASE)
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", re.IGNORECASE)


def page(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def test_live_page_without_shots_says_so_and_counts_nothing(client: FlaskClient) -> None:
    html = page(client, "/shots")
    assert "No shots yet" in html
    assert 'data-idle-s="90"' in html
    assert "data-shot=" not in html
    assert html.count("<dd>–</dd>") == 3  # make rate, speed and pot are not known: never zero


def test_live_page_shows_the_latest_shots_newest_first(client: FlaskClient, fake_box: FakeBox) -> None:
    shots = fake_box.fill(20)
    html = page(client, "/shots")
    keys = re.findall(r'data-shot="([^"]+)"', html)
    assert keys == [shot.id for shot in reversed(shots)][:16]
    assert "hx-get=" in html
    older = page(client, f"/shots/older?before={quote(keys[-1], safe='')}")
    assert re.findall(r'data-shot="([^"]+)"', older) == [shot.id for shot in reversed(shots)][16:]


@pytest.mark.parametrize(
    ("status", "title"),
    [
        ("starting", "Starting"),
        ("no-camera", "No camera"),
        ("no-table", "No table in sight"),
        ("camera-moved", "Camera moved"),
        ("ended", "Recording ended"),
        ("live", "Live"),
        ("something-new", "One moment"),
    ],
)
def test_every_status_has_a_line(client: FlaskClient, fake_box: FakeBox, status: str, title: str) -> None:
    fake_box.write_live(status=status, message="The <b>lens</b> is dusty.")
    html = page(client, "/")
    assert title in html
    assert "<b>lens</b>" not in html


def test_what_is_not_known_is_a_dash(client: FlaskClient, fake_box: FakeBox) -> None:
    fake_box.save(Shot("bare", 0.0, "unknown", False))
    assert page(client, "/").count("<dd>–</dd>") >= 3
    html = page(client, "/shots/bare")
    assert "Unclear" in html
    assert html.count("<dd>–</dd>") == 11  # all but the cushions touched, which are counted
    assert "No ways were recorded" in html


def test_shot_page_tells_everything_with_its_uncertainty(client: FlaskClient, fake_box: FakeBox) -> None:
    shot = replace(
        fake_box.fill(1)[0], cut_angle_deg=31.6, cue_speed_mph=7.24, scratch=True, result="miss", kind="bank"
    )
    fake_box.save(replace(shot, revision=2))
    html = page(client, f"/shots/{quote(shot.id, safe='')}")
    for text in ("32°", "±\N{NO-BREAK SPACE}2", "7.2", "±\N{NO-BREAK SPACE}0.3", "Scratch", "Bank", "Miss"):
        assert text in html


@pytest.mark.parametrize(
    ("noted", "today", "drawn"),
    [("tv", "american", "tv"), ("american", "tv", "american"), (None, "tv", "tv"), ("marbles", "tv", "tv")],
)
def test_a_shot_is_drawn_with_the_ball_set_it_was_played_with(
    client: FlaskClient, fake_box: FakeBox, noted: str | None, today: str, drawn: str
) -> None:
    four = {
        name: f"#{bytes(ball.rgb).hex()}" for name in ("american", "tv") for ball in ball_sets()[name].balls[4:5]
    }
    shot = Shot(
        "old",
        0.0,
        "make",
        False,
        potted=(Pot("4", "solid", "side-W", (0.0, 0.0), 1.0, 0.9),),
        layout_start={"4": (30.0, 20.0)},
        paths_in={"4": ((0.0, 30.0, 20.0), (1.0, 50.0, 50.0))},
    )
    fake_box.save(shot, ball_set=noted)
    fake_box.pool.ball_set = today
    fake_box.write_live()
    (card,) = re.findall(r'<li class="card .*?</li>', page(client, "/shots"), re.DOTALL)
    (other,) = {"american", "tv"} - {drawn}
    for html in (card, page(client, "/shots/old")):
        assert four[drawn] in html
        assert four[other] not in html
    icon = card.partition('class="ball-icon"')[2].partition("</svg>")[0]
    assert four[drawn] in icon
    assert "<use" not in icon


def test_neighbours_lead_from_shot_to_shot(client: FlaskClient, fake_box: FakeBox) -> None:
    first, second, third = fake_box.fill(3)
    html = page(client, f"/shots/{quote(second.id, safe='')}")
    assert f'href="/shots/{quote(first.id, safe="")}"' in html
    assert f'href="/shots/{quote(third.id, safe="")}"' in html


HOSTILE = [
    "nope",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "x" * 5000,
    "%00",
    "日本",
    "a/b",
]


@pytest.mark.parametrize("key", HOSTILE)
def test_hostile_ids_find_nothing(client: FlaskClient, key: str) -> None:
    for prefix in ("/shots/", "/api/shots/"):
        answer = client.get(prefix + quote(key, safe=""))
        assert answer.status_code == 404
        assert "<script>alert" not in answer.get_data(as_text=True)


def test_hostile_names_are_written_as_text(client: FlaskClient, fake_box: FakeBox) -> None:
    evil = '"><script>alert(1)</script>'
    shot = replace(
        fake_box.shoot()[1],
        id=evil,
        layout_start={evil: (10.0, 10.0)},
        paths_in={evil: ((0.0, 1.0, 1.0), (1.0, 9.0, 9.0))},
    )
    fake_box.save(shot)
    for html in (page(client, "/shots"), page(client, f"/shots/{quote(evil, safe='')}")):
        assert "<script>alert" not in html


def test_errors_are_in_house_style_and_lead_back(client: FlaskClient) -> None:
    html = page(client, "/nothing", 404)
    assert "Nothing here" in html
    assert 'href="/"' in html
    assert client.post("/").status_code == 405
    assert client.get("/shots/older").status_code == 400


def test_a_crash_is_a_friendly_page(
    app: Any, client: FlaskClient, fake_box: FakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("kiosk.records.Records.today", crash)
    assert "That went wrong" in page(client, "/", 500)


def test_a_store_that_is_gone_is_said_and_tried_again(client: FlaskClient, fake_box: FakeBox) -> None:
    fake_box.paths.store.unlink()
    html = page(client, "/", 503)
    assert 'http-equiv="refresh"' in html


def test_nothing_inline_runs_and_every_answer_says_so(client: FlaskClient, fake_box: FakeBox) -> None:
    shots = fake_box.fill(3)
    fake_box.write_live()
    for address in (
        "/",
        f"/shots/{quote(shots[0].id, safe='')}",
        "/condition",
        "/nothing",
        "/healthz",
        "/api/shots",
    ):
        answer = client.get(address)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        html = answer.get_data(as_text=True)
        if answer.mimetype == "text/html":
            assert not STYLE_OR_HANDLER.search(html)
            assert not INLINE_SCRIPT.search(html)


def test_nothing_is_fetched_from_elsewhere(client: FlaskClient, fake_box: FakeBox) -> None:
    html = page(client, "/")
    addresses = re.findall(r'(?:src|href)="([^"#]+)"', html)
    assert addresses
    assert all(address.startswith("/") for address in addresses)
    for address in addresses:
        with client.get(address) as answer:
            assert answer.status_code == 200


def test_static_files_are_kept_for_good_and_sent_small(client: FlaskClient) -> None:
    address = re.findall(r'src="([^"]+htmx.min.js)"', page(client, "/"))[0]
    with (
        client.get(address) as whole,
        client.get(address, headers={"Accept-Encoding": "gzip"}) as small,
    ):
        assert "immutable" in whole.headers["Cache-Control"]
        assert small.headers["Content-Encoding"] == "gzip"
        assert len(small.data) < len(whole.data) / 2


def test_theme_and_idle_time_are_settings(fake_box: FakeBox) -> None:
    from edge.settings import Kiosk, Settings
    from kiosk.app import create_app

    app = create_app(fake_box.paths, Settings(kiosk=Kiosk(theme="light", idle_s=45)))
    html = page(app.test_client(), "/")
    assert 'data-theme="light"' in html
    assert 'data-idle-s="45"' in html
    close_app(app)
