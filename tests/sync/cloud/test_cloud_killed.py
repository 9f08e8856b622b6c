"""The cloud is killed while hubs tell it facts: what it has acknowledged is there when it is back, each once."""

import http.client
import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from cloud_process import CloudProcess, Line
from telling_hub import TellingHub, day_fact, day_of, enrolled, kept_of
from waiting import wait_until

from sync.cloud.db import Database

GONE = (OSError, http.client.HTTPException)
HUBS, ROUNDS, BATCH = 2, 3, 40


@pytest.fixture
def process(db: Database, address: str) -> Iterator[CloudProcess]:
    cloud = CloudProcess(address)
    yield cloud
    cloud.kill()


class Teller(threading.Thread):
    """Tells a hub's facts as fast as it can, until the cloud is gone; `acked` is what it was told is kept."""

    def __init__(self, hub: TellingHub, port: int, acked: int) -> None:
        super().__init__()
        self._hub = hub
        self._port = port
        self.acked = acked

    def run(self) -> None:
        line = Line(self._hub, self._port)
        try:
            while True:
                begin = len(self._hub.line)
                self._hub.write(*(day_fact(day_of(n % 300), n) for n in range(begin, begin + BATCH)))
                while self.acked < len(self._hub.line):
                    self.acked = line.tell(self._hub.batch(self.acked + 1, self.acked + BATCH)).ack
        except GONE:
            return
        finally:
            line.close()


@pytest.mark.slow
def test_what_was_acknowledged_is_there_after_a_kill_and_every_fact_once(
    db: Database, address: str, process: CloudProcess
) -> None:
    hubs = [enrolled(db, f"Hall {n}") for n in range(HUBS)]
    acked = [0] * HUBS
    rng = random.Random(5)
    for _ in range(ROUNDS):
        process.start()
        tellers = [Teller(hub, process.port, ack) for hub, ack in zip(hubs, acked, strict=True)]
        least = sum(acked) + BATCH * rng.randint(2, 12)
        for teller in tellers:
            teller.start()
        wait_for(tellers, least)
        process.kill()
        for teller in tellers:
            teller.join(timeout=30)
            assert not teller.is_alive()
        acked = [teller.acked for teller in tellers]
        for hub, ack in zip(hubs, acked, strict=True):
            kept, aside = kept_of(db, hub)
            assert kept[:ack] == list(range(1, ack + 1)), (ack, len(kept), kept[-3:], aside)
            assert (len(kept), aside) == (len(set(kept)), [])
    assert intact(address)
    process.start()
    for hub, ack in zip(hubs, acked, strict=True):
        line = Line(hub, process.port)
        if ack < len(hub.line):
            assert line.tell(hub.batch(ack + 1)).ack == len(hub.line)
        line.close()
        assert kept_of(db, hub) == (list(range(1, len(hub.line) + 1)), [])
    assert process.stop() == 0


def wait_for(tellers: list[Teller], least: int) -> None:
    wait_until(lambda: sum(one.acked for one in tellers) >= least, lambda: "the cloud takes in nothing")


def intact(address: str) -> bool:
    """Whether SQLite finds its file whole; PostgreSQL's own process was not killed."""
    if address.startswith("postgresql:"):
        return True
    with closing(sqlite3.connect(address)) as conn:
        found: str = conn.execute("PRAGMA integrity_check").fetchone()[0]
        return found == "ok"
