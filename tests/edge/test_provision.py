"""`ladder provision` against a real sshd on loopback, below a prefix: what is there afterwards, again, after an
update, a bad one, a connection that is cut."""

import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest
from click.testing import CliRunner
from quick_python import put_quick_python
from real_sshd import HOST, Sshd, make_key, running_sshd
from stub_release import stub_wheel
from waiting import wait_until

from edge.commands.provision import provision
from edge.provision import provisioning
from edge.provision.layout import Layout
from edge.provision.machine import Machine, why_not
from edge.provision.ssh import Done, ProvisionError, Remote, reached
from edge.provision.steps import HUB_PORT
from edge.settings import parse_settings
from sync import enrolment


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("ssh") / "d") as one:
        put_quick_python(one.bin)
        yield one


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Releases by what they are."""
    folder = tmp_path_factory.mktemp("wheels")
    return {
        "first": stub_wheel(folder, "1.0.0"),
        "second": stub_wheel(folder, "1.1.0", units="# of 1.1.0\n"),
        "newer store": stub_wheel(folder, "2.0.0", schema=2),
        "bad": stub_wheel(folder, "1.2.0", bad=True, units="# of 1.2.0\n"),
        "bad, newer store": stub_wheel(folder, "2.1.0", schema=2, bad=True),
    }


@dataclass
class Box:
    """A machine below a prefix, by `config` reached over SSH."""

    prefix: Path
    bin: Path
    config: Path

    def provision(self, *words: object, code: int = 0) -> str:
        arguments = [HOST, "--ssh-config", self.config, "--prefix", self.prefix, *words]
        result = CliRunner().invoke(provision, [str(word) for word in arguments])
        assert result.exit_code == code, result.output
        return result.output

    @property
    def opt(self) -> Path:
        return self.prefix / "opt/action-ladder"

    @property
    def data(self) -> Path:
        return self.prefix / "var/lib/action-ladder"

    @property
    def units(self) -> Path:
        return self.prefix / "etc/systemd/system"

    @property
    def current(self) -> str:
        return (self.opt / "current").readlink().name

    def releases(self) -> list[str]:
        return sorted(path.name for path in (self.opt / "releases").iterdir())

    def system_commands(self) -> list[str]:
        return (self.prefix / "system-commands").read_text().splitlines()

    def ladder(self, *words: str) -> str:
        done = subprocess.run(
            [self.prefix / "usr/local/bin/ladder", *words], capture_output=True, text=True, check=True
        )
        return done.stdout

    def snapshot(self) -> dict[str, tuple[int, int]]:
        """Every file below the prefix, and when it was written."""
        found = {}
        for path in self.prefix.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                found[str(path)] = (path.stat().st_ino, path.stat().st_mtime_ns)
        return found


@pytest.fixture
def box(tmp_path: Path, sshd: Sshd) -> Box:
    """Over a real sshd."""
    return Box(tmp_path / "box", sshd.bin, sshd.config)


@dataclass(frozen=True, slots=True)
class Here(Remote):
    """Runs the same scripts by the same shell, without the way there."""

    def run(
        self, script: str, *, root: bool = False, given: IO[bytes] | None = None, allow: Iterable[int] = ()
    ) -> Done:
        assert not root
        done = subprocess.run(
            ["sh", "-c", script],
            stdin=subprocess.DEVNULL if given is None else given,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PATH": f"{self.control}:{os.environ['PATH']}"},
        )
        told = Done(done.returncode, done.stdout, done.stderr)
        if told.code and told.code not in allow:
            raise ProvisionError(f"{self.host}: {told.last_words}")
        return told


@pytest.fixture
def quick_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    """Without a connection, for what has nothing to do with it."""
    (tmp_path / "bin").mkdir()
    put_quick_python(tmp_path / "bin")

    @contextmanager
    def here(host: str, user: str | None, config: Path | None) -> Iterator[Remote]:
        yield Here(host, user, config, tmp_path / "bin")

    monkeypatch.setattr(provisioning, "reached", here)
    return Box(tmp_path / "box", tmp_path / "bin", tmp_path / "bin/install.py")


@pytest.mark.slow
def test_a_bare_machine_becomes_a_box_and_a_second_run_changes_nothing(box: Box, wheels: dict[str, Path]) -> None:
    told = box.provision("--from", wheels["first"], "--label", 'Table "3"', "--camera", "picamera", "--screen")
    assert told.splitlines()[-1] == "box runs Action Ladder 1.0.0 (1.0.0-1) and is well; 9 steps done"
    assert box.current == "1.0.0-1"
    assert (box.data / "ladder.db").read_text() == "1 made by 1.0.0"
    settings = (box.data / "settings.toml").read_text()
    assert 'label = "Table \\"3\\""' in settings
    assert 'source = "picamera"' in settings
    assert (box.data / "settings.toml").stat().st_mode & 0o777 == 0o600
    assert box.data.stat().st_mode & 0o777 == 0o700
    assert box.ladder("--version") == "ladder, version 1.0.0\n"
    assert (box.units / "ladder-vision.service").read_text().endswith("WantedBy=ladder.target\n")
    commands = box.system_commands()
    assert [one.split()[0] for one in commands[:3]] == ["apt-get", "useradd", "useradd"]
    assert commands.index("systemctl daemon-reload") < commands.index("systemctl start ladder.target")
    assert not any("sudo" in one for one in commands)

    before = box.snapshot()
    told = box.provision("--from", wheels["first"], "--screen")
    assert told.splitlines()[-1].endswith("nothing was to be done")
    assert box.snapshot() == before
    box.provision("--from", wheels["first"], "--screen", "--check")
    assert box.snapshot() == before


def test_check_says_what_is_missing_and_makes_nothing(quick_box: Box, wheels: dict[str, Path]) -> None:
    told = quick_box.provision("--from", wheels["first"], "--check", code=1)
    assert told.splitlines()[-1] == "box: 7 steps to be done"
    assert not quick_box.prefix.exists()


def test_an_update_keeps_settings_and_store_and_the_release_before(
    quick_box: Box, wheels: dict[str, Path]
) -> None:
    quick_box.provision("--from", wheels["first"])
    (quick_box.data / "settings.toml").write_text("[table]\nlabel = 'mine'\n")
    told = quick_box.provision("--from", wheels["newer store"])
    assert "2.0.0-1 runs, before it 1.0.0-1" in told
    assert quick_box.current == "2.0.0-1"
    assert (quick_box.data / "ladder.db").read_text() == "2 made by 2.0.0"
    assert (quick_box.data / "settings.toml").read_text() == "[table]\nlabel = 'mine'\n"
    assert quick_box.releases() == ["1.0.0-1", "2.0.0-1"]

    assert "can't read the store as it is now" in quick_box.provision("--rollback", code=1)
    assert quick_box.current == "2.0.0-1", "nothing was touched"
    told = quick_box.provision("--rollback", "--restore")
    assert told.splitlines()[-1].startswith("box: 1.0.0-1 runs again; put back: the store of kept-0")
    assert (quick_box.data / "ladder.db").read_text() == "1 made by 1.0.0"
    assert (quick_box.data / "aside.db").read_text() == "2 made by 2.0.0"
    assert quick_box.current == "1.0.0-1"


@pytest.mark.slow
def test_going_back_where_the_store_is_the_same_needs_no_snapshot(quick_box: Box, wheels: dict[str, Path]) -> None:
    assert "no release to go back to" in quick_box.provision("--rollback", code=1)
    quick_box.provision("--from", wheels["first"])
    quick_box.provision("--from", wheels["second"])
    assert (quick_box.units / "ladder.target").read_text().endswith("# of 1.1.0\n")
    (quick_box.data / "ladder.db").write_text("1 and a shot more")
    assert quick_box.provision("--rollback").splitlines()[-1] == "box: 1.0.0-1 runs again"
    assert not (quick_box.units / "ladder.target").read_text().endswith("# of 1.1.0\n")
    assert (quick_box.data / "ladder.db").read_text() == "1 and a shot more"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bad", "bad, newer store"])
def test_an_update_that_is_not_well_is_taken_back(quick_box: Box, wheels: dict[str, Path], kind: str) -> None:
    quick_box.provision("--from", wheels["first"])
    units = (quick_box.units / "ladder-kiosk.service").read_text()
    told = quick_box.provision("--from", wheels[kind], code=1).splitlines()[-1]
    assert told.startswith("ladder: ")
    assert "is not well (The vision is not well.): box runs 1.0.0-1 again" in told
    assert ("put back: the store of kept-0" in told) == (kind == "bad, newer store")
    assert quick_box.current == "1.0.0-1"
    assert (quick_box.data / "ladder.db").read_text() == "1 made by 1.0.0"
    assert (quick_box.units / "ladder-kiosk.service").read_text() == units
    told = quick_box.provision("--from", wheels["first"])
    assert told.splitlines()[-1].endswith("nothing was to be done")


@pytest.mark.slow
def test_what_was_bad_before_is_no_reason_to_take_an_update_back(quick_box: Box, wheels: dict[str, Path]) -> None:
    quick_box.provision("--from", wheels["first"])
    (quick_box.data / "unplugged").touch()
    quick_box.provision("--from", wheels["second"])
    assert quick_box.current == "1.1.0-1"


@pytest.mark.slow
def test_three_releases_are_kept(quick_box: Box, tmp_path: Path) -> None:
    for minor in range(5):
        quick_box.provision("--from", stub_wheel(tmp_path / "more", f"3.{minor}.0"))
    assert quick_box.releases() == ["3.2.0-1", "3.3.0-1", "3.4.0-1"]


def test_a_hub_s_settings_get_its_port_once(quick_box: Box, wheels: dict[str, Path]) -> None:
    quick_box.provision("--from", wheels["first"])
    (quick_box.data / "settings.toml").write_text("[table]\nlabel = 'mine'")
    quick_box.provision("--from", wheels["first"], "--role", "hub")
    settings = (quick_box.data / "settings.toml").read_text()
    assert parse_settings(tomllib.loads(settings)).hub.port == HUB_PORT == enrolment.HUB_PORT
    assert parse_settings(tomllib.loads(settings)).table.label == "mine"
    told = quick_box.provision("--from", wheels["first"], "--role", "hub")
    assert told.splitlines()[-1].endswith("nothing was to be done")


def test_a_box_joins_its_hall_by_a_code(quick_box: Box, wheels: dict[str, Path]) -> None:
    told = quick_box.provision("--from", wheels["first"], "--enrol", "K7QM-2XWD", "--hub", "hub.local")
    assert "enrolled at hub.local" in told
    assert (quick_box.data / "hub.json").read_text() == "K7QM-2XWD --hub hub.local"
    told = quick_box.provision("--from", wheels["first"], "--enrol", "K7QM-2XWD", "--hub", "hub.local")
    assert told.splitlines()[-1].endswith("nothing was to be done")


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
        except OSError:
            continue
    return found


@contextmanager
def cut(box: Box, wheel: Path, when: Path) -> Iterator[None]:
    """Provisions until `when` is there, and then loses the connection; the block is what happens after."""
    words = [HOST, "--ssh-config", box.config, "--prefix", box.prefix, "--from", wheel]
    command = [sys.executable, "-m", "edge.runtime.child", str(os.getpid()), "provision", *map(str, words)]
    when.unlink(missing_ok=True)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_until(when.exists, process.poll)
        for pid in children(process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _, complaint = process.communicate()
    assert process.returncode == 1
    assert complaint.startswith("ladder: the connection to box broke off")
    assert len(complaint.splitlines()) == 1
    yield


@pytest.mark.slow
def test_a_connection_that_is_cut_leaves_what_ran_and_the_next_run_goes_on(
    box: Box, wheels: dict[str, Path]
) -> None:
    slow = box.bin / "slow"
    box.provision("--from", wheels["first"])
    slow.touch()
    try:
        with cut(box, wheels["second"], box.bin / "reached"):
            assert box.current == "1.0.0-1"
            assert not (box.opt / "releases/1.1.0-1/complete").exists()
    finally:
        slow.unlink()
    box.provision("--from", wheels["second"])
    assert box.current == box.releases()[-1]
    assert all((box.opt / "releases" / name / "complete").exists() for name in box.releases())


@pytest.mark.slow
def test_a_connection_that_is_cut_between_stop_and_start_leaves_no_box_standing(
    box: Box, wheels: dict[str, Path]
) -> None:
    box.provision("--from", wheels["first"])
    (box.data / "slow").touch()
    with cut(box, wheels["second"], box.data / "migrating"):
        assert box.system_commands()[-1] == "systemctl stop ladder.target"
        (box.data / "slow").unlink()
        wait_until(lambda: box.system_commands()[-1] == "systemctl start ladder.target")
    assert box.current == "1.1.0-1"
    assert "1.1.0-1 runs" in box.provision("--from", wheels["second"])


@pytest.mark.slow
def test_an_update_that_was_cut_after_the_switch_is_taken_up_again(
    quick_box: Box, wheels: dict[str, Path]
) -> None:
    quick_box.provision("--from", wheels["first"])
    quick_box.provision("--from", wheels["bad, newer store"], code=1)
    # As if the box had been left just after the switch: the new release is current, and nobody has found it well.
    (quick_box.opt / "current").unlink()
    (quick_box.opt / "current").symlink_to("releases/2.1.0-1")
    (quick_box.data / "ladder.db").write_text("2 made by 2.1.0")
    told = quick_box.provision("--from", wheels["bad, newer store"], code=1)
    assert "box runs 1.0.0-1 again; put back: the store of kept-0" in told
    assert (quick_box.data / "ladder.db").read_text() == "1 made by 1.0.0"


@pytest.mark.slow
def test_a_wheel_that_does_not_arrive_whole_is_not_installed(box: Box, wheels: dict[str, Path]) -> None:
    with running_sshd(box.prefix.parent / "d") as sshd:
        tar = sshd.bin / "tar"
        tar.write_text('#!/bin/sh\n/usr/bin/tar "$@"; for one in package/*.whl; do printf x >>"$one"; done\n')
        tar.chmod(0o755)
        box.config = sshd.config
        assert "checksum" in box.provision("--from", wheels["first"], code=1)
    assert not (box.opt / "current").exists()


def refused(sshd: Sshd, config: str, host: str = HOST) -> str:
    path = sshd.folder / "other_config"
    # The first word on something holds; of keys all are tried.
    its_own = sshd.config.read_text()
    if "IdentityFile" in config:
        its_own = its_own.replace("IdentityFile", "CertificateFile")
    path.write_text(config + its_own)
    with pytest.raises(ProvisionError) as caught, reached(host, None, path):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_host_key_that_is_another_is_refused_in_one_line(sshd: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    kind, key = (tmp_path / "other.pub").read_text().split()[:2]
    (tmp_path / "known").write_text(f"[127.0.0.1]:{sshd.port} {kind} {key}\n")
    told = refused(sshd, f"UserKnownHostsFile {tmp_path}/known\n")
    assert "ssh-keygen -R box" in told
    assert "somebody may stand between" in told


def test_a_host_that_nobody_has_met_is_not_trusted(sshd: Sshd, tmp_path: Path) -> None:
    assert "is not known here yet: connect once with ssh box" in refused(
        sshd, f"UserKnownHostsFile {tmp_path}/none\n"
    )
    assert not (tmp_path / "none").exists()


def test_a_key_that_is_refused_a_port_without_ssh_and_no_such_machine_are_said(sshd: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")
    assert "takes none of your keys: ssh-copy-id box" in refused(sshd, f"IdentityFile {tmp_path}/stranger\n")
    assert "takes no SSH" in refused(sshd, "Port 1\n")
    assert "there is no machine called" in refused(sshd, "", "no-such-box.invalid")


def test_a_script_that_fails_says_its_last_line(sshd: Sshd) -> None:
    with reached(HOST, None, sshd.config) as remote:
        with pytest.raises(ProvisionError, match=r"^box: the disk is full$"):
            remote.run("echo first; echo 'the disk is full' >&2; exit 3")
        with (sshd.folder / "key.pub").open("rb") as given:
            assert "ssh-ed25519" in remote.run("cat; exit 4", given=given, allow=(4,)).out


PI = Machine(
    "debian 12", "arm64", "Raspberry Pi 5 Model B Rev 1.0", "python3", 252, 20_000, may_sudo=True, is_debian=True
)


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (PI, None),
        (Machine("debian 12", "armhf"), "64 bit"),
        (Machine("fedora 41", "arm64"), "no apt-get"),
        (Machine("ubuntu 20.04", "arm64", is_debian=True), "no Python 3.11"),
        (Machine("debian 12", "arm64", "", "python3", 252, 900, is_debian=True), "only 900 MB are free"),
        (Machine("debian 12", "arm64", "", "python3", 252, 9000, is_debian=True), "without a password"),
        (Machine("debian 12", "arm64", "", "python3", 0, 9000, is_debian=True, is_root=True), "systemd"),
    ],
)
def test_which_machines_can_be_boxes(machine: Machine, words: str | None) -> None:
    told = why_not(machine, Layout())
    assert told is None if words is None else words in (told or "")


@pytest.mark.parametrize(
    "words",
    [
        ["--enrol", "X"],
        ["--role", "table"],
        ["--role", "hub", "--enrol", "X", "--hub", "y"],
        ["--restore"],
        ["--prefix", "there"],
    ],
)
def test_what_makes_no_sense_is_wrong_use(words: list[str]) -> None:
    assert CliRunner().invoke(provision, [HOST, *words]).exit_code == 2
