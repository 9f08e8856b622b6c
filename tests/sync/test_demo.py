"""The demo: its months were run by the program's own functions, its books are equal on both sides, and it is made
whole or not at all."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from ports import free_port
from waiting import wait_until

from edge.cli import ladder
from edge.demo.calendar import DemoHall, DemoPlan
from edge.demo.people import HALL, OWNER_EMAIL, OWNER_PASSWORD, some
from edge.hall import rewards as mirrored
from edge.locks import file_lock
from edge.store.database import connect
from sync.cloud import webhooks
from sync.cloud.closing import close_due, confirm
from sync.cloud.db import Conn, open_database
from sync.cloud.discounting import MARK
from sync.cloud.paying import Clockwork, Treasurer
from sync.cloud.server import listen
from sync.cloud.stripe_config import StripeConfig, save_config
from sync.cloud.stripe_gateway import Gateway
from sync.cloud_link import load_cloud
from sync.demo import place as places
from sync.demo.place import BEING_MADE, DemoError, DemoPlace, config_of, held, made, tell_box, time_at
from sync.demo.serving import _Beside, _Hubs, _tell_where
from sync.demo.serving import free_port as next_free_port
from sync.sandbox.app import create_app
from sync.sandbox.sandbox import KEY, Sandbox
from sync.sandbox.serve import Served

NOW = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
MONTHS = ("2026-09", "2026-10", "2026-11")
TINY = DemoHall(DemoPlan(months=2, people=some(7), others=2), NOW, ZoneInfo("America/Chicago"))
SANDBOX = "http://localhost:8095"
START_S = 300.0  # only a test that fails waits so long


@pytest.fixture(autouse=True)
def own_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADDER_RUN", str(tmp_path / "run"))
    for name in ("LADDER_STRIPE_KEY", "LADDER_CLOUD_DB", "LADDER_CLOUD_DATA", "LADDER_CLOUD_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoPlace:
    """As it is made; nobody changes it."""
    return made(tmp_path_factory.mktemp("data"), hall=TINY)


@pytest.fixture
def copy(demo: DemoPlace, tmp_path: Path) -> DemoPlace:
    shutil.copytree(demo.folder, tmp_path / "data" / "demo")
    return DemoPlace(tmp_path / "data" / "demo")


@pytest.fixture
def sandbox(copy: DemoPlace) -> Iterator[Sandbox]:
    found = Sandbox(copy.sandbox)
    yield found
    found.close()


@pytest.fixture
def conn(demo: DemoPlace) -> Iterator[Conn]:
    db = open_database(str(demo.database))
    with db.read() as found:
        yield found
    db.close()


def rewards_of(conn: Conn) -> list[dict[str, Any]]:
    rows = conn.rows(
        "SELECT h.name AS hall, r.* FROM subscription_rewards r JOIN halls h ON h.id = r.hall_id ORDER BY h.name,"
        " r.period"
    )
    return [dict(row) for row in rows]


def test_what_the_cloud_says_was_saved_is_what_the_invoices_took_off(demo: DemoPlace, conn: Conn) -> None:
    with closing(Sandbox(demo.sandbox)) as sandbox:
        taken = {
            (invoice["id"], sum(one["amount"] for one in invoice["total_discount_amounts"]))
            for invoice in sandbox.all("invoice")
            if invoice["total_discount_amounts"]
        }
        waiting = [one["source"]["coupon"] for one in sandbox.all("discount")]
    consumed = [one for one in rewards_of(conn) if one["state"] == "consumed"]
    assert consumed
    assert {(one["invoice_id"], one["saved_cents"]) for one in consumed} == taken
    known = {one["coupon_id"] for one in rewards_of(conn) if one["coupon_id"]}
    assert all(coupon in known for coupon in waiting if coupon.startswith(MARK))


def test_the_story_is_told_of_every_state(conn: Conn) -> None:
    of = {(one["hall"], one["period"]): one for one in rewards_of(conn)}
    assert of[HALL, "2026-10"]["state"] == "no_subscription"
    assert any(one["drift"] for one in of.values())
    states = {
        (row["name"], row["period"]): row["state"]
        for row in conn.rows("SELECT h.name, p.period, p.state FROM periods p JOIN halls h ON h.id = p.hall_id")
    }
    assert [states[HALL, month] for month in MONTHS] == ["decided", "decided", "open"]
    assert "frozen" in states.values(), "a run that waits for a person"


def test_the_box_knows_the_winners_and_months_that_the_cloud_has_decided(demo: DemoPlace, conn: Conn) -> None:
    own = [one for one in rewards_of(conn) if one["hall"] == HALL]
    with closing(connect(demo.box_at_rest.store)) as box:
        heard = mirrored.latest(box, 10)
        assert {(one.id, one.period, one.kind, one.total) for one in heard} == {
            (one["id"], one["period"], one["kind"], one["total"]) for one in own
        }
        assert [training_periods_of(box, month) for month in MONTHS] == ["decided", "decided", "open"]
        offer = mirrored.offer(box)
    assert offer is not None
    assert offer.sandbox


def training_periods_of(box: Any, month: str) -> str:
    return str(box.execute("SELECT state FROM training_periods WHERE period = ?", [month]).fetchone()[0])


def test_it_is_the_same_each_time_by_its_seed(demo: DemoPlace, conn: Conn, tmp_path: Path) -> None:
    db = open_database(str(made(tmp_path / "again", hall=TINY).database))
    with db.read() as other:
        assert told(other) == told(conn)
    db.close()


def told(conn: Conn) -> list[tuple[Any, ...]]:
    return [
        tuple(one[name] for name in ("hall", "period", "kind", "state", "total", "saved_cents", "drift"))
        for one in rewards_of(conn)
    ]


def test_a_second_start_finds_it_as_it_is(copy: DemoPlace) -> None:
    before = files_of(copy.folder)
    shares: list[float] = []
    assert made(copy.folder.parent, shares.append).folder == copy.folder
    assert (shares, files_of(copy.folder)) == ([], before)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_whoever_is_killed_while_making_it_leaves_nothing_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sync.demo.months.run_months", killed)
        with pytest.raises(KeyboardInterrupt):
            made(tmp_path, hall=TINY)
    assert (tmp_path / BEING_MADE / "ladder.db").exists()
    assert not (tmp_path / "demo").exists()
    made(tmp_path, hall=replace(TINY, plan=replace(TINY.plan, months=1))).read()
    assert not (tmp_path / BEING_MADE).exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "ladder.db").write_text("a real store")
    with pytest.raises(DemoError, match="no demo that this version has made"):
        made(tmp_path, hall=TINY)
    assert (tmp_path / "demo" / "ladder.db").read_text() == "a real store"


def test_it_pays_at_its_sandbox_alone(copy: DemoPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(copy, SANDBOX)
    assert (config.key, config.address) == (KEY, SANDBOX)
    monkeypatch.setenv("LADDER_STRIPE_KEY", "sk_test_somebody_else_s")
    assert config_of(copy, SANDBOX) == config
    monkeypatch.setenv("LADDER_STRIPE_KEY", "sk_live_somebody_s")
    with pytest.raises(DemoError, match="real money"):
        config_of(copy, SANDBOX)
    monkeypatch.delenv("LADDER_STRIPE_KEY")
    save_config(copy.cloud, StripeConfig("sk_live_somebody_s", live=True))
    with pytest.raises(DemoError, match="not the sandbox's"):
        config_of(copy, SANDBOX)


@pytest.mark.parametrize(
    "given",
    [["--db", "other.db"], ["--proxy", "127.0.0.1"], ["--address", "not an address"], ["--sandbox-port", "0"]],
)
def test_it_takes_no_other_database_and_no_nonsense(copy: DemoPlace, given: list[str]) -> None:
    before = files_of(copy.folder)
    result = CliRunner().invoke(ladder, ["cloud", "--demo", "--data", str(copy.folder.parent), *given])
    assert result.exit_code == 2, result.output
    assert {
        name: content for name, content in files_of(copy.folder).items() if name != "cloud/serving.lock"
    } == before


def test_another_command_is_not_given_the_demo_by_mistake(tmp_path: Path) -> None:
    result = CliRunner().invoke(ladder, ["cloud", "--demo", "--data", str(tmp_path), "owner", "dana@example.com"])
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_the_box_finds_its_cloud_wherever_it_is_served(copy: DemoPlace) -> None:
    before = load_cloud(copy.box.cloud)
    assert before is not None
    assert before.address == places.USUAL_ADDRESS
    tell_box(copy, "http://localhost:8123")
    assert load_cloud(copy.box.cloud) == replace(before, address="http://localhost:8123")


def test_one_at_a_time_serves_it(copy: DemoPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "LEAVING_S", 0.0)
    with held(copy), pytest.raises(DemoError, match="another ladder cloud --demo"), held(copy):
        pass


def test_a_port_that_is_taken_gives_way_to_the_next() -> None:
    with closing(listen("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = next_free_port("127.0.0.1", port)
        assert found > port
        assert next_free_port("127.0.0.1", port, frozenset({found})) != found


def test_webhooks_go_where_the_cloud_is_and_are_believed_by_the_turned_clock(
    copy: DemoPlace, sandbox: Sandbox
) -> None:
    _tell_where(sandbox, copy.read().endpoint, "http://localhost:8123/hook")
    sandbox.outbox.signed_at = lambda: sandbox.now
    sandbox.advance(to=int(datetime.now(UTC).timestamp()) + 40 * 86400)
    heard = []

    def hear(url: str, payload: bytes, headers: Any) -> int:
        heard.append((url, webhooks.read_event(payload, headers, copy.read().webhook, time_at(sandbox))))
        return 200

    assert sandbox.deliver(hear) == len(heard) > 0
    assert {url for url, _ in heard} == {"http://localhost:8123/hook"}


def test_an_endpoint_that_the_sandbox_does_not_know_is_said(sandbox: Sandbox) -> None:
    with pytest.raises(DemoError, match="endpoint"):
        _tell_where(sandbox, "we_other", "http://localhost:8123/hook")


def test_the_clock_runs_on_from_where_it_was_made(copy: DemoPlace, sandbox: Sandbox) -> None:
    assert not sandbox.clock.stands
    behind_s = time.time() - sandbox.now
    assert abs(NOW.timestamp() - sandbox.now) < 3600
    with closing(Sandbox(copy.sandbox)) as again:
        assert abs(time.time() - again.now - behind_s) <= 2


def test_a_clock_that_was_turned_has_months_looked_at_at_once(sandbox: Sandbox) -> None:
    deeds: list[str] = []
    treasurer = SimpleNamespace(close_soon=lambda: deeds.append("months"))
    clockwork = SimpleNamespace(treasurer=treasurer, kick=lambda: deeds.append("kick"))
    hubs = SimpleNamespace(speak=lambda now: deeds.append(f"{now:%Y-%m}"))
    beside = _Beside(sandbox, cast("_Hubs", hubs), cast("Clockwork", clockwork))
    mono_s = time.monotonic()
    beside.turn(mono_s)
    beside.turn(mono_s + 1)
    assert deeds == ["2026-11"]
    sandbox.advance(months=1)
    beside.turn(mono_s + 2)
    assert deeds == ["2026-11", "months", "kick", "2026-12"]


def test_the_other_halls_are_well_and_the_hall_itself_while_its_box_is_off(copy: DemoPlace) -> None:
    later = NOW + timedelta(days=20)
    db = open_database(str(copy.database))
    note = copy.read()
    copy.box.run.mkdir()
    _Hubs(db, copy, replace(note, silent=())).speak(later)
    assert seen(db) == {later}
    with file_lock(copy.box.running):
        _Hubs(db, copy, note).speak(later + timedelta(minutes=5))
    with db.read() as found:
        rows = {row["id"]: row["seen_at"] for row in found.rows("SELECT id, seen_at FROM devices")}
    assert [id_ for id_, at in rows.items() if at < max(rows.values())] == [note.own]
    db.close()


def seen(db: Any) -> set[datetime]:
    with db.read() as found:
        return {datetime.fromisoformat(row["seen_at"]) for row in found.rows("SELECT seen_at FROM devices")}


def test_the_month_that_goes_on_can_be_taken_to_its_invoice(copy: DemoPlace, sandbox: Sandbox) -> None:
    """As the guide says: subscribe, turn to the fourth of the next month, confirm, turn on."""
    served = Served(create_app(sandbox))
    sandbox.address = served.address
    db = open_database(str(copy.database))

    def now() -> datetime:
        return time_at(sandbox)

    treasurer = Treasurer(db, Gateway(KEY, served.address), now)
    try:
        with db.read() as found:
            hall = found.row("SELECT id FROM halls WHERE name = ?", [HALL])
            leader = found.row(
                "SELECT player_id FROM ladder_training_scores WHERE hall_id = ? AND period = '2026-11'"
                " ORDER BY total_score DESC",
                [hall["id"] if hall else ""],
            )
        assert hall is not None
        assert leader is not None
        session = treasurer.gateway.start_checkout(  # type: ignore[union-attr]
            price_of(db), hall=hall["id"], player=leader["player_id"], customer=None,
            success_url=SANDBOX, cancel_url=SANDBOX, key="one",
        )  # fmt: skip
        sandbox.complete(session.id)
        assert treasurer.take_checkout(session.id) is not None
        sandbox.advance(to=int(datetime(2026, 12, 4, 7, 0, tzinfo=UTC).timestamp()))
        close_due(db, now())
        with db.write() as conn:
            assert confirm(conn, hall["id"], "2026-11", now())
        treasurer.turn(0.0)
        assert state_of(db, hall["id"]) == "applied"
        sandbox.advance(days=30)
        treasurer.turn(1000.0)
        assert state_of(db, hall["id"]) == "consumed"
    finally:
        db.close()
        served.shut()


def price_of(db: Any) -> str:
    with db.read() as found:
        return str(found.row("SELECT price_id FROM hall_plans WHERE hall_id = ''")["price_id"])


def state_of(db: Any, hall_id: str) -> str:
    with db.read() as found:
        row = found.row(
            "SELECT state FROM subscription_rewards WHERE hall_id = ? AND period = '2026-11'", [hall_id]
        )
    return "nothing" if row is None else str(row["state"])


@pytest.mark.slow
def test_the_whole_demo_is_made_served_killed_and_served_again(tmp_path: Path) -> None:
    ports = (free_port(), free_port())
    command = [
        shutil.which("ladder", path=os.path.dirname(sys.executable)) or "ladder", "cloud", "--demo", "--data",
        str(tmp_path), "--port", str(ports[0]), "--sandbox-port", str(ports[1]),
    ]  # fmt: skip

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def kill(process: subprocess.Popen[bytes]) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    broken = start()
    wait_until((tmp_path / BEING_MADE / "ladder.db").exists, lambda: "nothing is being made")
    kill(broken)
    for _ in range(2):
        process = start()
        try:
            give_up_s = time.monotonic() + START_S
            while not answers(ports[0]):
                assert time.monotonic() < give_up_s, "the cloud is not served"
            page = signed_in(ports[0])
            assert HALL in page
            assert "SANDBOX" in page
            turn(ports[1], months=1)
            wait_until(lambda: taken(tmp_path / "demo"), lambda: "no webhook was taken")
        finally:
            kill(process)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/healthz", timeout=2) as answer:
            return bool(json.load(answer)["ok"])
    except OSError:
        return False


def turn(port: int, **by: int) -> None:
    """Turns the sandbox's clock, over HTTP."""
    asked = urllib.request.Request(f"http://localhost:{port}/_sandbox/clock", json.dumps(by).encode())
    urllib.request.urlopen(asked, timeout=60).close()


def taken(folder: Path) -> int:
    """How many webhooks the cloud has believed."""
    with closing(sqlite3.connect(DemoPlace(folder).sandbox)) as found:
        return int(found.execute("SELECT count(*) FROM deliveries WHERE state = 'taken'").fetchone()[0])


def signed_in(port: int) -> str:
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with browser.open(f"http://localhost:{port}/sign-in", timeout=10) as answer:
        found = re.search(r'name="csrf" value="([^"]+)"', answer.read().decode())
    assert found is not None
    form = {"csrf": found[1], "email": OWNER_EMAIL, "password": OWNER_PASSWORD}
    with browser.open(f"http://localhost:{port}/sign-in", urlencode(form).encode(), timeout=10) as answer:
        return str(answer.read().decode())
