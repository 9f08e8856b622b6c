"""A machine reached by its OpenSSH: shell scripts run there and what they say, over one connection.

The machine's own `ssh` is used, with the person's keys, known hosts and ~/.ssh/config. Nobody is asked anything:
what would need an answer fails, and the message says what to do by hand.
"""

import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CONNECT_S = 15
# A machine that went away is noticed in so many seconds: three times no answer.
ALIVE_S = 15
NO_CONNECTION = 255  # ssh's own exit status


class ProvisionError(Exception):
    """It can't go on; the text says in one line what happened and what to do."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a script did."""

    code: int
    out: str
    err: str

    @property
    def last_words(self) -> str:
        """The last line it said, which tells most of what went wrong."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1] if lines else f"exit status {self.code}"


@dataclass(frozen=True, slots=True)
class Remote:
    """A machine to run scripts on; `host` and `user` as ssh takes them, `control` is the connection's socket."""

    host: str
    user: str | None
    config: Path | None
    control: Path

    @property
    def name(self) -> str:
        return f"{self.user}@{self.host}" if self.user else self.host

    def run(
        self, script: str, *, root: bool = False, given: IO[bytes] | None = None, allow: Iterable[int] = ()
    ) -> Done:
        """Runs a script of sh, as root where it must be, with `given` to read.

        Raises ProvisionError when the machine can't be reached, or for an exit status neither 0 nor allowed.
        """
        words = ["sudo", "-n", "sh", "-c", script] if root else ["sh", "-c", script]
        done = subprocess.run(
            [*self.ssh("no"), "--", self.host, shlex.join(words)],
            stdin=subprocess.DEVNULL if given is None else given,
            capture_output=True,
            check=False,
        )
        told = Done(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        if told.code == NO_CONNECTION or told.code < 0:
            raise ProvisionError(self.why_not_reached(told.err))
        if told.code and told.code not in allow:
            raise ProvisionError(f"{self.host}: {told.last_words}")
        return told

    def ssh(self, master: str) -> list[str]:
        """The words that every call of ssh begins with."""
        words = ["ssh", "-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_S}"]
        words += ["-o", f"ServerAliveInterval={ALIVE_S}", "-o", "ServerAliveCountMax=3"]
        words += ["-o", f"ControlMaster={master}", "-o", f"ControlPath={self.control}", "-o", "ControlPersist=no"]
        if self.config is not None:
            words += ["-F", str(self.config)]
        if self.user is not None:
            words += ["-l", self.user]
        return words

    def why_not_reached(self, told: str) -> str:
        """ssh's complaint as one line that says what to do."""
        name, host = self.name, self.host
        meaning = {
            "REMOTE HOST IDENTIFICATION HAS CHANGED": f"{host} shows another host key than before: if the box was"
            f" set up anew, forget the old one with ssh-keygen -R {host} and connect once with ssh {name}; if not,"
            " somebody may stand between",
            "Host key verification failed": f"{host} is not known here yet: connect once with ssh {name} and"
            " compare the fingerprint that it shows",
            "Permission denied": f"{host} takes none of your keys: ssh-copy-id {name}",
            "Could not resolve hostname": f"there is no machine called {host}: check the name, or use its address",
            "Connection refused": f"{host} is there, but takes no SSH: switch it on there (raspi-config, or a file"
            " called ssh on the card's first partition)",
            "timed out": f"{host} does not answer: is it on, and in this network?",
            "No route to host": f"{host} does not answer: is it on, and in this network?",
        }
        for words, sentence in meaning.items():
            if words in told:
                return sentence
        lines = [line.strip() for line in told.splitlines() if line.strip()]
        return f"the connection to {host} broke off ({lines[-1] if lines else 'no reason given'}): run it again"


@contextmanager
def reached(host: str, user: str | None = None, config: Path | None = None) -> Iterator[Remote]:
    """The machine, with one connection that all scripts share. Raises ProvisionError when there is none."""
    with tempfile.TemporaryDirectory(prefix="ladder-ssh-") as folder, tempfile.TemporaryFile() as told:
        remote = Remote(host, user, config, Path(folder) / "c")
        try:
            master = subprocess.Popen(
                [*remote.ssh("yes"), "-N", "--", host], stdin=subprocess.DEVNULL, stdout=told, stderr=told
            )
        except FileNotFoundError as error:
            raise ProvisionError("there is no ssh here: apt-get install openssh-client") from error
        try:
            while not remote.control.exists():
                if master.poll() is not None:
                    told.seek(0)
                    raise ProvisionError(remote.why_not_reached(told.read().decode(errors="replace")))
                time.sleep(0.02)
            yield remote
        finally:
            master.terminate()
            master.wait()
