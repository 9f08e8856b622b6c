"""The checks as a whole: none raises, rooms above add theirs, pages ask them cheaply, the guide describes them."""

import re
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from health_scene import Look, MadeUp

from edge.health import registry
from edge.health.check import SELDOM_S, SOON_S, Check, Finding, Scene
from edge.health.watch import HealthWatch
from edge.runtime.paths import Paths

GUIDE = Path(__file__).parents[2] / "docs" / "technician.md"


@pytest.fixture
def look(paths: Paths, tmp_path: Path) -> Look:
    return Look(paths, MadeUp(tmp_path / "machine"))


def stumble(scene: Scene) -> Finding:
    raise ZeroDivisionError("of all things\nand more")


def well(scene: Scene) -> Finding:
    return Finding("ok", "It is well.")


def test_a_check_that_stumbles_is_a_finding_that_names_it(look: Look) -> None:
    found = Check("stumbler", stumble)(look.scene())
    assert (found.check, found.state) == ("stumbler", "bad")
    assert "stumbler itself failed (ZeroDivisionError: of all things)" in found.text


def test_a_repair_that_stumbles_says_so(look: Look) -> None:
    def mend(scene: Scene) -> str | None:
        raise OSError("no way")

    assert "no way" in str(Check("x", stumble, mend).mend(look.scene()))
    assert Check("x", stumble).mend(look.scene()) is None


@pytest.mark.parametrize("what", ["empty", "nothing", "a file for every directory", "no permission"])
def test_every_check_answers_on_a_box_that_is_half_there(tmp_path: Path, what: str) -> None:
    data = tmp_path / "data"
    if what != "nothing":
        data.mkdir(mode=0o700)
    if what == "a file for every directory":
        for name in ("backups", "damaged", "run", "unstored-shots.json.part"):
            (data / name).write_text("?")
        for name in ("ladder.db", "settings.toml", "secrets.json", "https.pem", "unstored-shots.json"):
            (data / name).mkdir()
    if what == "no permission":
        data.chmod(0)
    look = Look(Paths(data, data / "run"), MadeUp(tmp_path / "machine", bare=True))
    found = registry.examine(look.scene(thorough=True))
    data.chmod(0o700) if data.exists() else None
    assert [one.text for one in found if "itself failed" in one.text] == []
    assert len(found) == len(registry.all_checks())


def test_names_are_single_and_can_be_a_metric_s_label() -> None:
    names = [check.name for check in registry.CHECKS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z]+", name) for name in names)


@pytest.fixture
def above(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Makes an import string one of a room above."""

    def add(name: str) -> None:
        monkeypatch.setattr(registry, "ABOVE", (*registry.ABOVE, name))
        registry.all_checks.cache_clear()

    yield add
    monkeypatch.undo()
    registry.all_checks.cache_clear()


def test_a_room_above_brings_its_own_checks(look: Look, above: Callable[[str], None]) -> None:
    room = ModuleType("a_room_above")
    room.CHECKS = (Check("lag", well),)  # type: ignore[attr-defined]
    sys.modules["a_room_above"] = room
    above("a_room_above:CHECKS")
    assert "lag" in [found.check for found in registry.examine(look.scene())]
    del sys.modules["a_room_above"]


def test_a_room_that_can_not_be_loaded_is_a_finding(look: Look, above: Callable[[str], None]) -> None:
    above("no_such_room.health:CHECKS")
    found = registry.examine(look.scene())[-1]
    assert (found.state, "no_such_room" in found.text) == ("bad", True)


def test_this_room_names_no_other_by_import() -> None:
    for path in Path(registry.__file__).parent.glob("*.py"):
        assert not re.search(r"^\s*(from|import) (sync|kiosk)", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_repairs_are_made_one_after_the_other_and_looked_at_again(look: Look) -> None:
    look.paths.store.unlink()
    look.paths.data.chmod(0o755)
    found = {finding.check: (finding.state, done) for finding, done in registry.repair(look.scene)}
    assert found["store"][0] == found["files"][0] == found["integrity"][0] == "ok"
    assert "of this version" in found["store"][1]
    assert "private" in found["files"][1]
    assert found["disk"][1] == ""


class Counted:
    """A check that counts how often it is looked at, and takes its time."""

    def __init__(self, name: str, every_s: float, clock: "Clock", takes_s: float = 0.0) -> None:
        self.times = 0
        self._clock, self._takes_s = clock, takes_s
        self.check = Check(name, lambda _: self._look(), None, every_s)

    def _look(self) -> Finding:
        self.times += 1
        self._clock.now_s += self._takes_s
        return Finding("ok", f"Look {self.times}.")


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_what_is_known_is_not_looked_at_again_until_it_is_due(look: Look) -> None:
    clock = Clock()
    soon, seldom = Counted("soon", SOON_S, clock), Counted("seldom", SELDOM_S, clock, takes_s=2.0)
    watch = HealthWatch(look.scene, lambda: (soon.check, seldom.check), clock)
    first = watch.findings()
    assert (first[0].state, first[0].check) == ("ok", "soon")
    watch.settle()
    for _ in range(5):
        assert [one.text for one in watch.findings()] == ["Look 1.", "Look 1."]
    clock.now_s += SOON_S
    watch.findings()
    assert (soon.times, seldom.times) == (2, 1)
    clock.now_s += SELDOM_S
    watch.findings()
    watch.settle()
    assert seldom.times == 1, "it took two seconds, and may take a hundredth of the time"
    clock.now_s += 200
    watch.findings()
    watch.settle()
    assert (seldom.times, watch.findings()[1].text) == (2, "Look 2.")


def test_nobody_waits_for_a_slow_check(look: Look) -> None:
    go_on = threading.Event()

    def slowly(scene: Scene) -> Finding:
        assert go_on.wait(20)
        return well(scene)

    checks = (Check("quick", well), Check("slow", slowly, None, SELDOM_S))
    watch = HealthWatch(look.scene, lambda: checks)
    assert [one.state for one in watch.findings()] == ["ok", "unknown"]
    assert [one.state for one in watch.findings()] == ["ok", "unknown"]
    go_on.set()
    watch.settle()
    assert [one.state for one in watch.findings()] == ["ok", "ok"]


def test_the_guide_says_what_every_finding_means() -> None:
    part = GUIDE.read_text(encoding="utf-8").partition("### What each finding means")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z]+)` \|", part, re.MULTILINE) == [check.name for check in registry.all_checks()]


def test_a_command_names_the_data_directory_unless_it_is_the_default(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look.scene().command("migrate") == f"ladder migrate --data {look.paths.data}"
    odd = replace(look.scene(), paths=Paths(Path("/srv/a box"), Path("/run/x")))
    assert odd.command("migrate") == "ladder migrate --data '/srv/a box'"
    monkeypatch.setenv("LADDER_DATA", str(look.paths.data))
    assert look.scene().command("migrate") == "ladder migrate"
