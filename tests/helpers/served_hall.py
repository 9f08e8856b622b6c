"""A hall of real boxes: a hub and tables, each with the processes that people and other boxes meet, over HTTP.

Shots are stored as vision stores them, by a writer in the test's own process.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from evening import SOURCE, a_shot
from hall_processes import LADDER, RealHall, Running, Table
from ports import free_port
from waiting import wait_until

from edge.bench.visitor import VisitError, Visitor
from edge.bookkeeper import Bookkeeper
from edge.clock import stamp
from edge.runtime.paths import Paths
from edge.runtime.shot_writer import SeenShot, ShotWriter
from edge.runtime.supervisor import answers
from edge.store.database import Store

PIN = "4826"


def a_kiosk(paths: Paths, log: Path) -> tuple[Running, int]:
    """A kiosk that is not begun yet, and its port."""
    port = free_port()
    text = paths.settings.read_text()
    paths.settings.write_text(f"{text}[kiosk]\nsecure_port = 0\n")
    return Running("kiosk", [*LADDER, "kiosk", "--data", str(paths.data), "--port", str(port)], log), port


class Seeing:
    """What vision does at a table, without a camera: shots come to the store, and it is noted which are there."""

    def __init__(self, table: Table) -> None:
        self._store = Store(table.paths.store)
        table.paths.run.mkdir(exist_ok=True)
        self._writer = ShotWriter(
            self._store, table.paths.spools, table.paths.rejected_shots, bookkeeper=Bookkeeper(self._store)
        )
        self._writer.start()
        self._promised = table.promised
        started = stamp(datetime.now(UTC))
        self.camera = f"cam-{table.label[-1]}"
        self._source = replace(SOURCE, id=self.camera, started_at=started, table_label=table.label)
        self.count = 0

    def shoot(self, shots: int) -> None:
        ids = [f"{self._source.id}/{self.count + n:05}" for n in range(1, shots + 1)]
        self.count += shots
        for shot_id in ids:
            self._writer.add(SeenShot(self._source, a_shot(shot_id, ["1"]), datetime.now(UTC), "american"))
        wait_until(lambda: self._writer.stored == self.count, lambda: self._writer.problem)
        with self._promised.open("a") as file:
            file.writelines(f"{shot_id}\n" for shot_id in ids)

    def close(self) -> None:
        self._writer.stop()
        self._store.close()


@dataclass
class Screen:
    """The screen of a box, and what is seen at its table."""

    visitor: Visitor
    seeing: Seeing | None = None

    def post(self, action: str, **fields: str) -> int:
        """The status of what is answered to a form."""
        try:
            self.visitor.post("/sign-up", action, **fields)
        except VisitError as error:
            return int(str(error).partition("answers ")[2].split()[0])
        return 303

    def sign_up(self, name: str) -> None:
        assert self.post("/sign-up/pin", name=name, pin=PIN) == 303
        assert self.post("/consent", answer="no") == 303

    def check_in(self, name: str) -> int:
        return self.post("/check-in/pin", name=name, pin=PIN)

    def practise(self, shots: int) -> None:
        assert self.post("/start/practice") == 303
        self.shoot(shots)

    def shoot(self, shots: int) -> None:
        assert self.seeing is not None
        self.seeing.shoot(shots)

    def close(self) -> None:
        self.visitor.close()
        if self.seeing is not None:
            self.seeing.close()


class ServedHall(RealHall):
    """A hub and tables of which each has a kiosk; of a table's processes it is the second."""

    def __init__(self, folder: Path, tables: int) -> None:
        self.screens: list[Screen] = []
        self._ports: list[int] = []
        self._hub_kiosk: list[Running] = []
        super().__init__(folder, tables, players=1)
        kiosk, port = a_kiosk(self.hub, folder / "hub-kiosk.log")
        self._hub_kiosk.append(kiosk)
        self.hub_screen = Screen(Visitor(f"http://127.0.0.1:{port}"))
        try:
            self._begin([*self._ports, port])
        except BaseException:
            self.stop()
            raise

    def _begin(self, ports: list[int]) -> None:
        for one in self.processes:
            one.keep()
        wait_until(lambda: all(answers("127.0.0.1", port) for port in ports), self.said)
        for port, table in zip(self._ports, self.tables, strict=True):
            self.screens.append(Screen(Visitor(f"http://127.0.0.1:{port}"), Seeing(table)))

    def _table(self, number: int, data: Path) -> Table:
        table = super()._table(number, data)
        kiosk, port = a_kiosk(table.paths, self.folder / f"kiosk-{number}.log")
        self._ports.append(port)
        table.processes = [table.processes[0], kiosk]
        return table

    @property
    def processes(self) -> list[Running]:
        return [*super().processes, *self._hub_kiosk]

    def said(self) -> str:
        return "\n".join(f"{one.said.name}: {one.said.read_text()[-500:]}" for one in self.processes)

    def all_is_told(self) -> None:
        wait_until(self._all_is_told, self.said)

    def stop(self) -> None:
        for screen in (*self.screens, self.hub_screen):
            screen.close()
        super().stop()
