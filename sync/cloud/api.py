"""What hubs ask of the cloud: enrolment by a code, hello, facts, a new key.

Every request but the first is signed with a key of the hub's own; what is refused is answered as
`application/problem+json` and logged without what was sent.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, request

from edge.clock import stamp
from edge.facts import is_uuid
from sync import protocol
from sync.cloud import boxes, devices, halls, inbox, ingest
from sync.cloud.db import Conn, Database
from sync.cloud.devices import AnotherHallError, Believed, Device, Enrolled, WrongCodeError
from sync.cloud.halls import Hall
from sync.cloud.metrics import Counts
from sync.cloud.paying import Treasurer
from sync.cloud.site import Site
from sync.protocol import CloudProof, ProblemError, Signed

log = logging.getLogger(__name__)

EXTENSION = "cloud"
MOST_JSON = 256 << 10
TRIES_A_MINUTE = 30  # at enrolment, from everywhere
HEARD_EVERY = timedelta(seconds=15)  # that a hub was heard of is not written with every batch

blueprint = Blueprint("api", __name__)


@dataclass(slots=True)
class Tries:
    """Holds off who tries too often."""

    most: int = TRIES_A_MINUTE
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _at: list[datetime] = field(default_factory=list)

    def allow(self, now: datetime) -> bool:
        with self._lock:
            self._at = [one for one in self._at if abs(now - one) < timedelta(minutes=1)]
            self._at.append(now)
            return len(self._at) <= self.most


@dataclass(frozen=True, slots=True)
class Money:
    """How this cloud pays: `webhook` is the secret with which Stripe signs; `kick` says that there is something to
    do."""

    treasurer: Treasurer
    webhook: str = ""
    kick: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Cloud:
    """What every request needs; without `money` nothing can be paid."""

    db: Database
    site: Site
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    counts: Counts = field(default_factory=Counts)
    enrolments: Tries = field(default_factory=Tries)
    links: Tries = field(default_factory=Tries)
    money: Money | None = None

    def kick(self) -> None:
        """Whoever pays has something to do, if anybody does."""
        if self.money is not None:
            self.money.kick()


def cloud() -> Cloud:
    found: Cloud = current_app.extensions[EXTENSION]
    return found


@blueprint.post("/v1/enrol")
def enrol() -> Response:
    here, now = cloud(), cloud().now()
    _needs_tls(here.site)
    if not here.enrolments.allow(now):
        raise ProblemError(429, "too-many-tries", "Too many hubs try to enrol: wait a minute.")
    said = asked()
    device, nonce, given = (str(said.get(name, "")) for name in ("device", "nonce", "proof"))
    if not is_uuid(device) or not 16 <= len(nonce) <= 64 or not given.isascii():
        raise ProblemError(400, "malformed", "That is no request to be enrolled.")
    proof = CloudProof(device, nonce, here.site.address)
    enrolled = _enrol(here, proof, given, now)
    log.info("a hub of %s is enrolled: %s", enrolled.hall.name, device)
    return jsonify(
        {
            "proof": proof.by(enrolled.code, "cloud"),
            "hall": enrolled.hall.name,
            "key_id": enrolled.key_id,
            "key": enrolled.secret.hex(),
        }
    )


@blueprint.post("/v1/hello")
def hello() -> Response:
    here, device, now = cloud(), believed(), cloud().now()
    said = boxes.read_said(asked())
    ahead_s = boxes.ahead_s(g.signed.time, now)
    ingest.take_up(here.db, now, device.id)
    with here.db.write() as conn:
        devices.keep_said(conn, device.id, now, ahead_s, said.to_json())
        if said.zone is not None:
            halls.keep_zone(conn, device.hall_id, said.zone)
        hall = halls.get(conn, device.hall_id)
        lines = inbox.lines_of(conn, device.id)
    return jsonify({"time": stamp(now), "hall": hall.name, "lines": lines})


@blueprint.post("/v1/facts")
def facts() -> tuple[Response, int]:
    here, device, now = cloud(), believed(), cloud().now()
    answer = ingest.receive(here.db, request.get_data(), device, now)
    here.counts.batch()
    for seq, fate, why in answer.set_aside:
        log.warning("%s: fact %d is set aside (%s): %s", device.id, seq, fate, why)
    if device.seen_at is None or stamp(now - HEARD_EVERY) > device.seen_at:
        with here.db.write() as conn:
            devices.heard(conn, device.id, now)
    return jsonify(answer.body()), answer.status


@blueprint.post("/v1/key")
def key() -> Response:
    """A new key for a hub."""
    here, device = cloud(), believed()
    _needs_tls(here.site)
    with here.db.write() as conn:
        key_id, secret = devices.rotate_key(conn, device.id, here.now())
    log.info("a new key for %s", device.id)
    return jsonify({"key_id": key_id, "key": secret.hex()})


def _enrol(here: Cloud, proof: CloudProof, given: str, now: datetime) -> Enrolled:
    with here.db.write() as conn:  # a wrong try is counted, so it must be committed
        try:
            return devices.enrol(conn, proof, given, now)
        except WrongCodeError:
            refused = ProblemError(
                403,
                "wrong-code",
                "No code that is out fits: make a new one with ladder cloud code, type it as it is shown, and give"
                " the cloud's address as the cloud itself was given it.",
            )
        except AnotherHallError as error:
            refused = ProblemError(
                409,
                "another-hall",
                f"This box belongs to the hall {error}, for which it was enrolled: make a code for that one.",
            )
    raise refused


def hall_asked_for(conn: Conn, hall_id: str) -> Hall:
    """Raises ProblemError for a hall that is not there."""
    hall = halls.find_id(conn, hall_id)
    if hall is None:
        raise ProblemError(404, "unknown-hall", "There is no such hall.")
    return hall


def believed() -> Device:
    """The hub that has signed the request. Raises ProblemError."""
    here = cloud()
    signed = protocol.read_signature(dict(request.headers))
    body, now = request.get_data(), here.now()
    with here.db.read() as conn:
        found = devices.look_up(conn, signed.device, signed.key_id, now)
    if found is None:
        raise protocol.unknown_device()
    if found.secret is None or not signed.fits(found.secret, request.method, _path(), body):
        raise protocol.wrong_key()
    _end_earlier(here, found, signed, now)
    g.signed = signed
    return found.device


def _end_earlier(here: Cloud, found: Believed, signed: Signed, now: datetime) -> None:
    if found.ends_others:
        with here.db.write() as conn:
            devices.end_earlier_keys(conn, signed.device, signed.key_id, now)


def _path() -> str:
    query = request.query_string.decode("latin-1")
    return request.path + (f"?{query}" if query else "")


def _needs_tls(site: Site) -> None:
    """A key goes over the line only where nobody listens."""
    if site.secure and request.scheme != "https":
        raise ProblemError(403, "not-secure", f"Keys are told over HTTPS alone: ask at {site.address}.")


def asked() -> dict[str, Any]:
    """The JSON of a request. Raises ProblemError."""
    if len(request.get_data()) > MOST_JSON:
        raise ProblemError(413, "too-large", f"A request that is no batch may have {MOST_JSON >> 10} kB.")
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise ProblemError(400, "malformed", "The request is no JSON object.")
    return found
