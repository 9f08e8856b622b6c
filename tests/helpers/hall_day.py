"""A day of a hall's play in minutes: tables in this process, their hub a real one, and what it costs the hub.

    python tests/helpers/hall_day.py --hours 24 --tables 8

Time is simulated: shots come as fast as they are stored. Between them tables ask the hub every other second
whether anything is new; what that costs is measured apart, for it takes no less time in a simulation.
"""

import argparse
import json
import os
import random
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from evening import Evening
from hall_processes import RealHall, Table
from whole_hall import RACK

from edge.hall.players import Player, get_player
from edge.store import outbox
from edge.store.database import Store, connect
from sync.hub_client import HubClient
from sync.hub_file import load_hub
from sync.protocol import Answer
from sync.table import TableSync
from sync.table_service import HELLO_S, POLL_S

EVERY_S = 40.0  # a shot, where somebody plays
IN_PLAY = 0.6  # of the time
POLLS = 400


@dataclass(frozen=True)
class Figures:
    """What a day was and what it cost. Seconds of the hub are of its processor, all threads together."""

    table_hours: float
    shots: int
    facts: int
    batches: int
    wall_s: float
    hub_s_for_play: float
    hub_s_a_poll: float
    hub_rss_mb: float
    core_for_play: float
    core_for_polls: float

    @property
    def core(self) -> float:
        """The part of a core that one table costs the hub on average."""
        return self.core_for_play + self.core_for_polls


class Counting(HubClient):
    """Counts batches."""

    batches = 0

    def facts(self, batch: bytes) -> Answer:
        Counting.batches += 1
        return super().facts(batch)


class Seat:
    """A table of the day: who plays there, and its line to the hub."""

    def __init__(self, table: Table, chance: random.Random) -> None:
        self.chance = chance
        self.store = Store(table.paths.store)
        hub = load_hub(table.paths.hub)
        assert hub is not None
        self.client = Counting.of(hub)
        self.sync = TableSync(self.store, self.client)
        self.evening = Evening(table.paths.data, table.label, table.label)
        self.busy_until_s = 0.0
        self.playing = False

    def step(self, now_s: float, players: list[Player]) -> None:
        """What happens at this table in one interval."""
        if now_s >= self.busy_until_s:
            self.evening.leave()
            self.playing = self.chance.random() < IN_PLAY
            self.busy_until_s = now_s + self.chance.uniform(1200, 4800)
            if self.playing:
                a, b = self.chance.sample(players, 2)
                if self.chance.random() < 0.5:
                    self.evening.practise(a)
                else:
                    self.evening.match(a, b, self.chance.choice(["8-ball", "9-ball"]), 5)
        if self.playing:
            balls = self.chance.sample(RACK, self.chance.choice([0, 1, 1]))
            first = balls[0] if balls else self.chance.choice(RACK)
            kind = self.chance.choice(["cut", "cut", "straight", "break", "safety"])
            self.evening.shoot(*balls, kind=kind, first=first, on_table=RACK)
            self.evening.wait(EVERY_S - 15)
        else:
            self.evening.wait(EVERY_S)

    def close(self) -> None:
        self.client.close()
        self.evening.close()
        self.store.close()


def live(hall: RealHall, hours: float, seed: int) -> Figures:
    """That many hours at all of the hall's tables."""
    seats = [Seat(table, random.Random(seed + n)) for n, table in enumerate(hall.tables)]
    for seat in seats:
        seat.sync.once()
    players = _players(seats[0].store)
    begun_s, hub_begun_s = time.monotonic(), hub_cpu_s(hall)
    now_s = 0.0
    while now_s < hours * 3600:
        for n, seat in enumerate(seats):
            seat.step(now_s, players[n :: len(seats)] if len(players) >= 2 * len(seats) else players)
            seat.sync.once()
        now_s += EVERY_S
    wall_s, hub_s = time.monotonic() - begun_s, hub_cpu_s(hall) - hub_begun_s
    a_poll_s = _a_poll(hall, seats[0])
    facts = shots = 0
    for seat in seats:
        with seat.store.read() as conn:
            facts += outbox.last_seq(conn)
            shots += conn.execute("SELECT count(*) FROM shots").fetchone()[0]
        seat.close()
    seconds = hours * 3600 * len(seats)
    return Figures(
        table_hours=hours * len(seats),
        shots=shots,
        facts=facts,
        batches=Counting.batches,
        wall_s=wall_s,
        hub_s_for_play=hub_s,
        hub_s_a_poll=a_poll_s,
        hub_rss_mb=hub_rss_mb(hall),
        core_for_play=hub_s / seconds,
        core_for_polls=a_poll_s / POLL_S,
    )


def _a_poll(hall: RealHall, seat: Seat) -> float:
    """What it costs the hub that a table asks whether anything is new, with its share of greetings."""
    before_s = hub_cpu_s(hall)
    for n in range(POLLS):
        if n % round(HELLO_S / POLL_S) == 0:
            seat.sync.hello()
        seat.sync.once()
    return (hub_cpu_s(hall) - before_s) / POLLS


def _players(store: Store) -> list[Player]:
    with store.read() as conn:
        ids = [row["id"] for row in conn.execute("SELECT id FROM players WHERE NOT guest ORDER BY name")]
        found = [get_player(conn, one) for one in ids]
    return [one for one in found if one is not None]


def hub_cpu_s(hall: RealHall) -> float:
    """Processor seconds of the hub's processes so far."""
    ticks = 0
    for pid in _hub_pids(hall):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def hub_rss_mb(hall: RealHall) -> float:
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in _hub_pids(hall))
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _hub_pids(hall: RealHall) -> list[int]:
    process = hall.hub_process.process
    assert process is not None
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [process.pid, *(int(pid) for pid in children)]


def require_one_hall(hall: RealHall) -> None:
    """Every fact of every table is there once."""
    with closing(connect(hall.hub.store, "read")) as hub:
        come = hub.execute("SELECT count(*) FROM inbox").fetchone()[0]
        told = 0
        for table in hall.tables:
            with closing(connect(table.paths.store, "read")) as conn:
                told += outbox.last_seq(conn)
        assert come == told
        assert hub.execute("SELECT count(*) FROM set_aside").fetchone()[0] == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--tables", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        hall = RealHall(Path(name), asked.tables, players=4 * asked.tables)
        try:
            figures = live(hall, asked.hours, asked.seed)
            require_one_hall(hall)
        finally:
            hall.stop()
    text = json.dumps({**asdict(figures), "core": figures.core}, indent=1)
    print(text)
    if asked.json is not None:
        asked.json.write_text(text)


if __name__ == "__main__":
    main()
