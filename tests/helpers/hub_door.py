"""The door of a hub without a line to it, and boxes that are enrolled and knock at it."""

import gzip
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from fresh_store import fresh_store
from telling_box import AT, NOW
from werkzeug.test import TestResponse

from edge.facts import Fact, OutboxRow, uuid7
from edge.hall import devices
from edge.hall.devices import Proof
from edge.hall.pins import Line, Verdict
from edge.store.database import Store
from sync import protocol
from sync.hub import Hall, NoDesk, create_app
from sync.pages import PageAnswer, PageRequest
from sync.protocol import PROBLEM_TYPE, Signer

FINGERPRINT = "f1" * 32
SECRETS = {"pins": "aa11" * 16, "web": "bb22" * 16, "cards": "cc33" * 16}


class Desk(NoDesk):
    """Knows Ana, whose PIN is 4711."""

    def pin(self, name: str, typed: str, line: Line) -> Verdict:  # noqa: ARG002
        return Verdict("right", "ana") if (name, typed) == ("Ana", "4711") else Verdict("wrong")

    def card(self, number: str) -> str | None:
        return "ana" if number == "04A3B2C1" else None

    def page(self, asked: PageRequest) -> PageAnswer:
        if asked.path == "/breaks":
            raise RuntimeError(f"4711 {asked.body!r}")
        return PageAnswer(200, [("Content-Type", "text/html")], asked.path.encode() + asked.table_label.encode())


class Hub:
    """A hub's door without a line to it; `now` is what its clock shows."""

    def __init__(self, folder: Path) -> None:
        fresh_store(folder / "ladder.db")
        self.store = Store(folder / "ladder.db", busy_timeout_s=0.05)
        self.now = NOW
        hall = Hall(
            self.store, "Chalk City", FINGERPRINT, lambda: SECRETS, Desk(), lambda: iter([b"snapshot"]),
            now=lambda: self.now,
        )  # fmt: skip
        self.client: FlaskClient = create_app(hall).test_client()

    def code(self, label: str = "Table 3") -> str:
        with self.store.write() as conn:
            return devices.new_code(conn, label, self.now)

    def enrol(self, proof: Proof, code: str, side: Any = "box") -> TestResponse:
        said = {"device": proof.device, "nonce": proof.nonce, "proof": proof.by(code, side)}
        return self.client.post("/v1/enrol", json=said)


@dataclass
class Box:
    """A box that is enrolled, and tells what it is asked to."""

    hub: Hub
    signer: Signer
    label: str
    epoch: str
    seq: int = 0

    @classmethod
    def of(cls, hub: Hub, label: str = "Table 3") -> "Box":
        proof = Proof(uuid7(), "0" * 32, FINGERPRINT)
        told = hub.enrol(proof, hub.code(label)).json
        assert told is not None
        return cls(hub, Signer(proof.device, told["key_id"], bytes.fromhex(told["key"])), label, uuid7())

    def ask(self, method: str, path: str, body: bytes = b"", **more: Any) -> TestResponse:
        headers = self.signer.sign(method, path, body, AT) | more.pop("headers", {})
        return self.hub.client.open(path, method=method, data=body, headers=headers, **more)

    def post(self, path: str, said: Any) -> TestResponse:
        return self.ask("POST", path, json.dumps(said).encode(), content_type="application/json")

    def batch(self, *facts: Fact) -> bytes:
        first = self.seq + 1
        rows = [OutboxRow(self.signer.device, self.epoch, first + i, fact) for i, fact in enumerate(facts)]
        self.seq += len(rows)
        return protocol.pack(self.signer.device, self.epoch, 1, rows)

    def facts(self, *facts: Fact) -> TestResponse:
        return self.ask("POST", "/v1/facts", self.batch(*facts))

    def lines(self, path: str) -> list[Any]:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in gzip.decompress(answer.data).splitlines()]

    def new_key(self) -> "Box":
        told = self.post("/v1/key", {}).json
        assert told is not None
        return replace(self, signer=Signer(self.signer.device, told["key_id"], bytes.fromhex(told["key"])))


def slug_of(answer: TestResponse) -> tuple[int, str]:
    """Status and kind of a problem, which is one that programs can read and says something to a person."""
    assert answer.content_type == PROBLEM_TYPE, answer.text
    said = answer.json
    assert said is not None
    assert said["status"] == answer.status_code
    assert len(said["detail"]) > 10
    assert said["title"]
    return answer.status_code, said["type"].rpartition(":")[2]
