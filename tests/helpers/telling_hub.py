"""A hub as the cloud meets it: enrolled by a code, with facts to tell, speaking through a client of Flask's."""

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from edge.clock import stamp
from edge.facts import Fact, OutboxRow, hall_day, uuid7
from sync import protocol
from sync.cloud import devices, halls
from sync.cloud.app import create_app
from sync.cloud.db import Database
from sync.cloud.site import Site, parse_site
from sync.protocol import Answer, CloudProof, Signer, read_answer

ADDRESS = "http://localhost"
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@dataclass(slots=True)
class Clock:
    """The cloud's clock, which stands until it is set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def on(self, **much: float) -> None:
        self.now += timedelta(**much)


def small_cloud(db: Database, clock: Clock, site: Site | None = None) -> Flask:
    return create_app(db, site or parse_site(ADDRESS), clock)


def day_of(number: int) -> str:
    return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)).date().isoformat()


def day_fact(day: str, shots: int = 100, *, created: str | None = None, **more: Any) -> Fact:
    figures = {
        "schema": 1,
        "day": day,
        "shots": shots,
        "sessions": 9,
        "players": 7,
        "minutes": 312.5,
        "matches": 3,
    }
    return hall_day(figures | more, created=created or stamp(NOW))


@dataclass(slots=True)
class TellingHub:
    """A hub with its line of facts. `lines` are kept whole, as a box's outbox is."""

    device: str = field(default_factory=uuid7)
    epoch: str = field(default_factory=uuid7)
    line: list[OutboxRow] = field(default_factory=list)
    signer: Signer | None = None

    def write(self, *facts: Fact) -> None:
        """Puts facts in line."""
        for fact in facts:
            self.line.append(OutboxRow(self.device, self.epoch, len(self.line) + 1, fact))

    def batch(self, first: int = 1, last: int | None = None) -> bytes:
        """The facts from one number to another, both with it, as a batch."""
        return protocol.pack(self.device, self.epoch, 1, self.line[first - 1 : last])

    def enrol(self, client: FlaskClient, code: str, address: str = ADDRESS) -> Any:
        proof = CloudProof(self.device, secrets.token_hex(16), address)
        said = {"device": self.device, "nonce": proof.nonce, "proof": proof.by(code, "hub")}
        answer = client.post("/v1/enrol", json=said)
        if answer.status_code == 200:
            found = answer.get_json()
            assert found["proof"] == proof.by(code, "cloud")
            self.signer = Signer(self.device, found["key_id"], bytes.fromhex(found["key"]))
        return answer

    def send(
        self, client: FlaskClient, path: str, body: bytes, content_type: str, *, time: str | None = None
    ) -> Any:
        assert self.signer is not None
        headers = self.signer.sign("POST", path, body, time or stamp(NOW))
        return client.post(path, data=body, headers=headers, content_type=content_type)

    def tell(self, client: FlaskClient, batch: bytes | None = None) -> Any:
        return self.send(client, "/v1/facts", self.batch() if batch is None else batch, protocol.BATCH_TYPE)

    def told(self, client: FlaskClient, batch: bytes | None = None) -> Answer:
        """Tells, and is believed."""
        answer = self.tell(client, batch)
        assert answer.status_code == 200, answer.get_json()
        return read_answer(answer.get_json())

    def say(self, client: FlaskClient, *, time: str | None = None, **said: Any) -> Any:
        return self.send(
            client, "/v1/hello", json.dumps({"boxes": [], **said}).encode(), "application/json", time=time
        )


def enrolled(db: Database, hall: str = "Chalk City", clock: Clock | None = None) -> TellingHub:
    """A hub of that hall, enrolled without HTTP."""
    hub, now = TellingHub(), (clock or Clock()).now
    with db.write() as conn:
        code = devices.new_code(conn, halls.find_or_make(conn, hall, stamp(now))[0], now)
        proof = CloudProof(hub.device, "0" * 32, ADDRESS)
        found = devices.enrol(conn, proof, proof.by(code, "hub"), now)
    hub.signer = Signer(hub.device, found.key_id, found.secret)
    return hub


def kept_of(db: Database, hub: TellingHub) -> tuple[list[int], list[int]]:
    """Which numbers of a hub's line were taken in, and which are set aside, each as often as it is there."""
    with db.read() as conn:
        found = [
            conn.rows(
                f"SELECT t.seq FROM {table} t JOIN lines l ON l.id = t.line_id"
                f" WHERE l.device_id = ? AND l.epoch = ?{more} ORDER BY t.seq",
                [hub.device, hub.epoch],
            )
            for table, more in (("facts", ""), ("set_aside", " AND holds = 1 AND taken_in_at IS NULL"))
        ]
    return [row["seq"] for row in found[0]], [row["seq"] for row in found[1]]
