"""A real sshd on loopback with keys of its own, for this user alone, and a configuration of ssh to reach it."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from ports import free_port
from waiting import GIVE_UP_S

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
HOST = "box"


def require_sshd() -> str:
    """Where it is; the test is skipped where it is not."""
    if SSHD is None or shutil.which("ssh") is None:
        pytest.skip("there is no sshd here: apt-get install openssh-server openssh-client")
    return SSHD


@dataclass(frozen=True, slots=True)
class Sshd:
    """`config` makes `box` this machine; programs in `bin` come before all others for whoever logs in."""

    folder: Path
    port: int
    config: Path
    bin: Path

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"


def make_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


@contextmanager
def running_sshd(folder: Path, environment: str = "") -> Iterator[Sshd]:
    """`environment` is what sshd sets besides PATH, as NAME=value words."""
    program, port = require_sshd(), free_port()
    one = Sshd(folder, port, folder / "ssh_config", folder / "bin")
    one.bin.mkdir(parents=True)
    make_key(folder / "host_key")
    make_key(folder / "key")
    shutil.copy(folder / "key.pub", folder / "authorized_keys")
    _write_configs(one, environment)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # it asks for it, and a distribution's unit makes it
    log = (folder / "sshd.log").open("wb")
    with log, subprocess.Popen([program, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log) as process:
        try:
            _wait_for(one, process)
            yield one
        finally:
            process.terminate()


def _write_configs(one: Sshd, environment: str) -> None:
    folder = one.folder
    path = ":".join((str(one.bin), f"{sys.base_prefix}/bin", "/usr/local/bin", "/usr/bin", "/bin"))
    (folder / "sshd_config").write_text(
        f"""Port {one.port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
# The user's own shell may set a PATH of its own before it does what it is told.
ForceCommand exec env PATH={path} {environment} sh -c "$SSH_ORIGINAL_COMMAND"
"""
    )
    key_type, key = (folder / "host_key.pub").read_text().split()[:2]
    one.known_hosts.write_text(f"[127.0.0.1]:{one.port} {key_type} {key}\n")
    one.config.write_text(
        f"""Host {HOST}
  HostName 127.0.0.1
  Port {one.port}
  User {pwd.getpwuid(os.geteuid()).pw_name}
  IdentityFile {folder}/key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {one.known_hosts}
  GlobalKnownHostsFile none
"""
    )


def _wait_for(one: Sshd, process: subprocess.Popen[bytes]) -> None:
    give_up_s = time.monotonic() + GIVE_UP_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", one.port)) == 0:
                return
        log = one.folder / "sshd.log"
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < give_up_s, log.read_text()
        time.sleep(0.02)
