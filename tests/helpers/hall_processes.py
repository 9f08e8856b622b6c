"""A hall of real processes: `ladder hub`, `ladder sync` and writers of shots, killed at random and begun again.

By hand, for as long as one likes:

    python tests/helpers/hall_processes.py --seconds 600 --tables 4 --seed 7
"""

import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from fresh_store import fresh_store
from ports import free_port

from edge.clock import stamp
from edge.hall import devices
from edge.hall.certificate import load_certificate
from edge.hall.players import sign_up
from edge.runtime.paths import Paths
from edge.store import outbox
from edge.store.database import Store, connect
from sync.enrolment import enrol

LADDER = [str(Path(sys.executable).with_name("ladder"))]
HERE = Path(__file__).parent
GIVE_UP_S = 120.0
SMALL_MB = 12


@dataclass
class Running:
    """A process that is begun again after it was killed. What it says goes to a file."""

    name: str
    words: list[str]
    said: Path
    process: "subprocess.Popen[bytes] | None" = None
    kills: int = 0

    def start(self) -> None:
        with self.said.open("ab") as file:
            environment = {**os.environ, "PYTHONPATH": f"{HERE}:{os.getcwd()}"}
            self.process = subprocess.Popen(self.words, stdout=file, stderr=file, env=environment)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.kills += 1

    def keep(self) -> None:
        """Begins it again where it has ended."""
        if self.process is None or self.process.poll() is not None:
            self.start()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@dataclass
class Table:
    label: str
    paths: Paths
    promised: Path
    processes: list[Running] = field(default_factory=list)


class RealHall:
    """A hub and tables in directories of their own; `small` is where the last table keeps its data, if
    anywhere."""

    def __init__(self, folder: Path, tables: int, small: Path | None = None, *, players: int = 4) -> None:
        self.folder = folder
        self.port = free_port()
        self.hub = Paths(folder / "hub", folder / "hub-run")
        fresh_store(self.hub.store)
        self.hub.settings.write_text(f'[hub]\nport = {self.port}\nhost = "127.0.0.1"\n')
        load_certificate(self.hub.hub_certificate, [], [], datetime.now(UTC))
        words = [*LADDER, "hub", "--data", str(self.hub.data)]
        self.hub_process = Running("hub", words, folder / "hub.log")
        self.hub_process.start()
        with Store(self.hub.store) as store, store.write() as conn:
            now = stamp(datetime.now(UTC))
            self.players = [sign_up(conn, f"Player {n}", now).id for n in range(1, players + 1)]
        self._wait(self._hub_answers, "the hub does not answer")
        self.tables = [
            self._table(n, small if n == tables and small is not None else folder / f"table-{n}")
            for n in range(1, tables + 1)
        ]

    def _table(self, number: int, data: Path) -> Table:
        label = f"Table {number}"
        paths = Paths(data, self.folder / f"run-{number}")
        fresh_store(paths.store)
        paths.settings.write_text(f'[table]\nlabel = "{label}"\n')
        with Store(self.hub.store) as store, store.write() as conn:
            code = devices.new_code(conn, label, datetime.now(UTC))
        with Store(paths.store) as store:
            enrol(paths, store, f"127.0.0.1:{self.port}", code, label)
        table = Table(label, paths, self.folder / f"promised-{number}.txt")
        sync = Running("sync", [*LADDER, "sync", "--data", str(data)], self.folder / f"sync-{number}.log")
        writer = Running(
            "writer",
            [sys.executable, str(HERE / "shot_writing.py"), str(data), label, str(table.promised),
             self.players[number % len(self.players)]],
            self.folder / f"writer-{number}.log",
        )  # fmt: skip
        table.processes = [sync, writer]
        return table

    @property
    def processes(self) -> list[Running]:
        return [self.hub_process, *(one for table in self.tables for one in table.processes)]

    def live(self, seconds: float, chance: random.Random, *, away_s: float = 6.0) -> None:
        """Everybody works, and now and then somebody is killed; once the hub stays away for so long, and once the
        small table's disk is full for so long."""
        begin_s = time.monotonic()
        away = full = False
        ballast: Path | None = None
        back_s = free_s = 0.0
        while (now_s := time.monotonic() - begin_s) < seconds:
            if not away and now_s > seconds / 4:
                away, back_s = True, now_s + away_s
                self.hub_process.kill()
            if not full and now_s > seconds / 2:
                full, free_s = True, now_s + away_s
                ballast = fill(self.tables[-1].paths.data) if self._is_small() else None
            if ballast is not None and now_s > free_s:
                ballast.unlink()
                ballast = None
            for one in self.processes:
                if one is not self.hub_process or now_s > back_s:
                    one.keep()
            time.sleep(chance.uniform(0.3, 1.5))
            chance.choice(self.processes).kill()
        if ballast is not None:
            ballast.unlink()

    def _is_small(self) -> bool:
        return self.tables[-1].paths.data.parent != self.folder

    def heal(self) -> None:
        """Nobody is killed any more; the writers end, and all is told."""
        for table in self.tables:
            writer = table.processes[1]
            writer.stop()
            writer.words = [*writer.words, "--only-what-is-left"]
            writer.start()
            assert writer.process is not None
            assert writer.process.wait(GIVE_UP_S) == 0, writer.said.read_text()[-2000:]
            table.processes[0].keep()
        self.hub_process.keep()
        self._wait(self._all_is_told, "not all is told")

    def stop(self) -> None:
        for one in self.processes:
            one.stop()

    def kills(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for one in self.processes:
            found[one.name] = found.get(one.name, 0) + one.kills
        return found

    def promised(self) -> set[str]:
        """The shots that were stored as far as their writer knew."""
        return {line for table in self.tables if table.promised.exists() for line in whole_lines(table.promised)}

    def _hub_answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def _all_is_told(self) -> bool:
        self.hub_process.keep()
        with closing(connect(self.hub.store, "read")) as hub:
            for table in self.tables:
                table.processes[0].keep()
                with closing(connect(table.paths.store, "read")) as conn:
                    waits = conn.execute("SELECT 1 FROM changes LIMIT 1").fetchone() is not None
                    told = outbox.last_seq(conn)
                    epoch = conn.execute("SELECT epoch FROM identity").fetchone()["epoch"]
                row = hub.execute("SELECT upto FROM inbox_lines WHERE epoch = ?", [epoch]).fetchone()
                come = 0 if row is None else row["upto"]  # who never got to store a shot has nothing to tell
                if waits or come != told:
                    return False
        return True

    def _wait(self, condition: object, what: str) -> None:
        assert callable(condition)
        until_s = time.monotonic() + GIVE_UP_S
        while not condition():
            assert time.monotonic() < until_s, f"{what}: {self.hub_process.said.read_text()[-2000:]}"
            time.sleep(0.2)

    def require_promises(self) -> None:
        """Acknowledged is recovered, every fact is there once, and no store is damaged."""
        with closing(connect(self.hub.store, "read")) as hub:
            shots = {row["id"] for row in hub.execute("SELECT id FROM shots")}
            come = {
                (row["device"], row["epoch"], row["seq"]): row["hash"]
                for row in hub.execute("SELECT * FROM inbox")
            }
            assert hub.execute("SELECT count(*) FROM set_aside").fetchone()[0] == 0
            require_whole(hub)
            played = {tuple(row) for row in hub.execute("SELECT shot_id, session_id, player_id FROM plays")}
            figures = {
                tuple(row) for row in hub.execute("SELECT player_id, sum(shots) FROM metrics_daily GROUP BY 1")
            }
            counted = hub.execute("SELECT player_id, count(*) FROM plays GROUP BY 1")
            assert figures == {tuple(row) for row in counted}
        promised = self.promised()
        assert promised <= shots, promised - shots
        numbered = 0
        for table in self.tables:
            with closing(connect(table.paths.store, "read")) as conn:
                require_whole(conn)
                rows = outbox.rows_after(conn, 0, 1 << 30)
                assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
                assert all(come[row.device, row.epoch, row.seq] == row.fact.hash for row in rows)
                numbered += len(rows)
                here = {row["id"] for row in conn.execute("SELECT id FROM shots")}
                assert here <= shots
                mine = {tuple(row) for row in conn.execute("SELECT shot_id, session_id, player_id FROM plays")}
                assert mine <= played
        assert numbered == len(come)


def require_whole(conn: object) -> None:
    import sqlite3

    assert isinstance(conn, sqlite3.Connection)
    assert [tuple(row) for row in conn.execute("PRAGMA integrity_check")] == [("ok",)]
    assert conn.execute("PRAGMA foreign_key_check").fetchall() == []


def whole_lines(path: Path) -> list[str]:
    """The lines of a file whose writer may have been killed in the middle of one."""
    *whole, _ = path.read_text().split("\n")
    return whole


def fill(data: Path) -> Path:
    """Takes all the room there is."""
    ballast = data / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A file system of a few megabytes, or None where none can be mounted."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_MB}m", "tmpfs", str(folder)]
    root = os.geteuid() == 0 and shutil.which("mount") is not None
    if not root or subprocess.run(words, capture_output=True, check=False).returncode != 0:
        yield None
        return
    try:
        yield folder / "data"
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--tables", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, small_disk(Path(name) / "small") as small:
        hall = RealHall(Path(name), asked.tables, small)
        try:
            hall.live(asked.seconds, random.Random(asked.seed))
            hall.heal()
            hall.require_promises()
        finally:
            hall.stop()
        print(f"{len(hall.promised())} shots were promised, and all are there; killed: {hall.kills()}")


if __name__ == "__main__":
    main()
