"""A hub and a real cloud: figures of days and how its boxes are go there, once each, and no name."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cloud_process import CloudProcess
from evening import BEGIN, Evening

from edge.clock import stamp
from edge.facts import uuid7
from edge.store import sync_state
from sync.cloud import devices, halls
from sync.cloud.db import Database, open_database
from sync.cloud.schema import migrate
from sync.cloud_link import CloudLinkError, CloudSync, enrol
from sync.hub_client import HubClient, OutOfReachError

CHICAGO = ZoneInfo("America/Chicago")
NOW = BEGIN + timedelta(hours=3)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[tuple[CloudProcess, Database]]:
    path = str(tmp_path / "cloud.db")
    db = open_database(path)
    migrate(db)
    process = CloudProcess(path)
    process.start()
    yield process, db
    process.kill()
    db.close()


def a_code(db: Database) -> str:
    now = datetime.now(UTC)
    with db.write() as conn:
        hall, _ = halls.find_or_make(conn, "Chalk City", stamp(now))
        return devices.new_code(conn, hall, now)


def days_at(db: Database) -> list[tuple[str, int, int]]:
    with db.read() as conn:
        return [(row["day"], row["shots"], row["sessions"]) for row in conn.rows("SELECT * FROM hall_days")]


def test_a_hub_tells_the_cloud_its_days_once_whatever_the_line_does(
    tmp_path: Path, cloud: tuple[CloudProcess, Database]
) -> None:
    process, db = cloud
    evening = Evening(tmp_path / "hub")
    ana = evening.player("Ana")
    evening.practise(ana)
    for _ in range(3):
        evening.shoot("1")
    evening.leave()
    known = enrol(tmp_path / "cloud.json", evening.store, process.url, a_code(db))
    client = HubClient(known.address, None, known.signer)
    sync = CloudSync(evening.store, client, CHICAGO, "Table 1", lambda: {"version": "1", "worst": "ok"})
    assert sync.turn(0.0, NOW) == 1
    assert days_at(db) == [("2025-10-31", 3, 1)]
    assert sync.turn(10_000.0, NOW) == 0, "nothing is told that was told"
    process.kill()
    evening.practise(ana)
    evening.shoot("1")
    evening.leave()
    with pytest.raises(OutOfReachError):
        sync.turn(20_000.0, NOW)
    process.start()
    assert sync.turn(30_000.0, NOW) == 1
    assert days_at(db) == [("2025-10-31", 4, 2)]
    with evening.store.read() as conn:
        assert sync_state.count_unsent(conn, "cloud_outbox") == 0
    with db.read() as conn:
        said = " ".join(
            [row["says"] for row in conn.rows("SELECT says FROM devices")]
            + [row["body"] for row in conn.rows("SELECT body FROM facts")]
        )
    assert "Table 1" in said
    assert "Ana" not in said
    client.close()
    evening.close()


def test_a_wrong_code_is_refused_with_what_to_do(tmp_path: Path, cloud: tuple[CloudProcess, Database]) -> None:
    process, _ = cloud
    evening = Evening(tmp_path / "hub")
    with pytest.raises(CloudLinkError, match="make a new one"):
        enrol(tmp_path / "cloud.json", evening.store, process.url, "ABCD-EFGH-JKLM")
    assert not (tmp_path / "cloud.json").exists()
    evening.close()


def test_what_is_no_address_is_named(tmp_path: Path) -> None:
    evening = Evening(tmp_path / "hub")
    with pytest.raises(CloudLinkError, match="no address"):
        enrol(tmp_path / "cloud.json", evening.store, f"ftp://{uuid7()}", "ABCD-EFGH-JKLM")
    evening.close()
