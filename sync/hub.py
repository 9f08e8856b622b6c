"""The hub's door for the other boxes of the hall: their facts in, the hall's rows out, enrolment by a code.

Every request but the first of a box is signed with a key of its own; what is refused is answered as
`application/problem+json` and logged without what was sent.
"""

import json
import logging
import secrets
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, cast

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from werkzeug.exceptions import HTTPException

from edge.clock import stamp
from edge.facts import is_uuid
from edge.hall import devices
from edge.hall.devices import Device, DeviceError, Proof
from edge.hall.errors import HallError
from edge.hall.pins import Line, Verdict
from edge.hall.tables import note_other_box
from edge.store import changes, inbox, sync_state
from edge.store.changes import Change, Reader
from edge.store.database import Store
from edge.store.errors import StoreError
from edge.store.replicas import REPLICAS
from sync import hub_watch, protocol
from sync.pages import PageAnswer, PageRequest, read_request
from sync.protocol import ProblemError, Signed
from sync.receiving import receive

log = logging.getLogger(__name__)

EXTENSION, TRIES = "hub", "hub_tries"
blueprint = Blueprint("hub", __name__)
MOST_CHANGES = 4_000
MOST_JSON = 64 << 10
OFFLINE_DAYS = 30  # who played at a table so lately may be checked in there without the hub
TRIES_A_MINUTE = 30  # at enrolment, from everywhere


class Desk(Protocol):
    """What people at a table want of the hub."""

    def page(self, asked: PageRequest) -> PageAnswer:
        """A page of the hall, or a deed."""

    def pin(self, name: str, typed: str, line: Line) -> Verdict:
        """Whether it is the PIN of the player of that name; wrong ones are counted for the whole hall."""

    def card(self, number: str) -> str | None:
        """The id of the player whose card it is."""


class NoDesk:
    """A hub that only keeps facts."""

    def page(self, asked: PageRequest) -> PageAnswer:
        raise ProblemError(404, "no-pages", f"This hub makes no pages: not {asked.path[:100]}.")

    def pin(self, name: str, typed: str, line: Line) -> Verdict:  # noqa: ARG002
        return Verdict("wrong")

    def card(self, number: str) -> str | None:  # noqa: ARG002
        return None


def no_snapshot() -> Iterator[bytes]:
    raise ProblemError(404, "no-snapshot", "This hub hands out no snapshot.")


@dataclass(frozen=True, slots=True)
class Hall:
    """What the hub knows besides its store. `secrets` are the hall's keys, which a box is given when it is
    enrolled; `fingerprint` is that of its certificate. The `desk` answers what people at a table ask."""

    store: Store
    name: str
    fingerprint: str
    secrets: Callable[[], dict[str, str]]
    desk: Desk = field(default_factory=NoDesk)
    snapshot: Callable[[], Iterator[bytes]] = no_snapshot
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def create_app(hall: Hall) -> Flask:
    """The hub as a WSGI application."""
    app = Flask("ladder-hub", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = protocol.MOST_BYTES
    app.extensions[EXTENSION] = hall
    app.extensions[TRIES] = []
    app.register_blueprint(blueprint)

    @app.before_request
    def believe() -> None:
        if request.endpoint in ("hub.healthz", "hub.term", None):
            return
        if request.endpoint == "hub.enrol":
            with hall.store.read() as conn:
                _require_hub(conn)
        else:
            g.device = _believed(hall)

    app.register_error_handler(ProblemError, _problem)
    app.register_error_handler(DeviceError, _no_such_code)
    app.register_error_handler(StoreError, _store_error)
    app.register_error_handler(HTTPException, _http_error)
    return app


def hall() -> Hall:
    """The hall of the hub that answers."""
    return cast(Hall, current_app.extensions[EXTENSION])


@blueprint.get("/healthz")
def healthz() -> tuple[Response, int]:
    with hall().store.read() as conn:
        conn.execute("SELECT 1 FROM hall_role").fetchone()
    return jsonify({"ok": True, "reasons": []}), 200


@blueprint.post("/v1/enrol")
def enrol() -> Response:
    now = hall().now()
    tries: list[datetime] = current_app.extensions[TRIES]
    tries[:] = [one for one in tries if abs(now - one) < timedelta(minutes=1)]
    if len(tries) >= TRIES_A_MINUTE:
        raise ProblemError(429, "too-many-tries", "Too many boxes try to enrol: wait a minute.")
    tries.append(now)
    return jsonify(_enrol(hall(), _asked(), now))


@blueprint.post("/v1/hello")
def hello() -> Response:
    said = _asked()
    now = hall().now()
    with hall().store.write() as conn:
        devices.heard(conn, g.device.id, now, request.remote_addr or "", said)
        g.device = _with_table(conn, g.device, said, now)
        found = {
            "time": stamp(now),
            "hall": hall().name,
            "term": sync_state.term(conn),
            "table_label": g.device.table_label,
            "lines": inbox.lines_of(conn, g.device.id),
            "feed": changes.feed(conn),
            "latest": changes.latest(conn),
            "keep_copy": devices.is_keeper(conn, g.device.id),
            "boxes": [
                {"device": one.id, "table_label": one.table_label, "address": _hub_address(one)}
                for one in devices.devices(conn)
            ],
        }
    return jsonify(found)


@blueprint.post("/v1/facts")
def facts() -> tuple[Response, int]:
    answer = receive(hall().store, protocol.unpack(request.get_data()), g.device.id, hall().now())
    for seq, fate, why in answer.set_aside:
        log.warning("%s: fact %d is set aside (%s): %s", g.device.table_label, seq, fate, why)
    return jsonify(answer.body()), answer.status


@blueprint.post("/v1/key")
def key() -> Response:
    """A new key for a box; it goes over a line whose certificate the box has pinned."""
    with hall().store.write() as conn:
        key_id, secret = devices.rotate_key(conn, g.device.id, hall().now())
    return jsonify({"key_id": key_id, "key": secret.hex()})


@blueprint.post("/v1/page")
def page() -> Response:
    try:
        asked = read_request(_json() or {}, g.device.id, g.device.table_label)
    except ValueError as error:
        raise ProblemError(400, "malformed", str(error)) from error
    return jsonify(hall().desk.page(asked).to_json())


@blueprint.post("/v1/pin")
def pin() -> Response:
    said = _asked()
    line: Line = "network" if said.get("line") == "network" else "screen"
    return jsonify(asdict(hall().desk.pin(str(said.get("name", "")), str(said.get("pin", "")), line)))


@blueprint.post("/v1/card")
def card() -> Response:
    return jsonify({"player_id": hall().desk.card(str(_asked().get("number", "")))})


@blueprint.get("/v1/term")
def term() -> Response:
    """Who is the hub: asked by a box that was, of one that may be."""
    with hall().store.read() as conn:
        return jsonify({"term": sync_state.term(conn)})


@blueprint.get("/v1/snapshot")
def snapshot() -> Response:
    """The hub's own snapshot, for the table that keeps a copy of it."""
    with hall().store.read() as conn:
        _require_keeper(conn, g.device)
    return Response(hall().snapshot(), content_type="application/gzip")


@blueprint.get("/v1/rows")
def rows() -> Response:
    feed, after = _where()
    reader = _reader(hall(), g.device)
    with hall().store.read() as conn:
        if request.args.get("copy") == "1":
            _require_keeper(conn, g.device)
            reader = Reader(None)
        if feed != changes.feed(conn) or after > changes.latest(conn) or after < changes.oldest(conn) - 1:
            raise ProblemError(410, "start-anew", "What has changed since is not known any more: take all.")
        found, upto = changes.rows_since(conn, REPLICAS, reader, after, MOST_CHANGES)
        head = {"feed": feed, "upto": upto, "more": upto < changes.latest(conn)}
    return _zipped(head, found)


@blueprint.get("/v1/everything")
def everything() -> Response:
    return Response(_everything(hall().store, _reader(hall(), g.device)), content_type="application/gzip")


def _require_hub(conn: sqlite3.Connection) -> None:
    successor = hub_watch.successor(conn)
    if successor is not None:
        raise ProblemError(421, "replaced", f"Another box is the hub now, at {successor}.", address=successor)


def _believed(hall: Hall) -> Device:
    """The box that has signed the request. Raises ProblemError."""
    signed = protocol.read_signature(dict(request.headers))
    body = request.get_data()
    now = hall.now()
    with hall.store.read() as conn:
        _require_hub(conn)
        device = devices.get_device(conn, signed.device)
        secret = devices.key_in_use(conn, signed.device, signed.key_id, now)
        earlier = devices.has_earlier_key(conn, signed.device, signed.key_id, now)
    if device is None or device.removed_at is not None:
        raise protocol.unknown_device()
    if secret is None or not signed.fits(secret, request.method, _path(), body):
        raise protocol.wrong_key()
    if earlier:
        _end_earlier(hall, signed, now)
    return device


def _end_earlier(hall: Hall, signed: Signed, now: datetime) -> None:
    with hall.store.write() as conn:
        devices.end_earlier_keys(conn, signed.device, signed.key_id, now)


def _path() -> str:
    query = request.query_string.decode("latin-1")
    return request.path + (f"?{query}" if query else "")


def _enrol(hall: Hall, said: dict[str, Any], now: datetime) -> dict[str, Any]:
    wanted = ("device", "nonce", "proof")
    device, nonce, given = (str(said.get(name, "")) for name in wanted)
    if not is_uuid(device) or not 16 <= len(nonce) <= 64:
        raise ProblemError(400, "malformed", "That is no request to be enrolled.")
    proof = Proof(device, nonce, hall.fingerprint)
    with hall.store.write() as conn:  # a wrong try is counted, so it must be committed
        try:
            code, box, key_id, secret = devices.enrol(conn, proof, given, now)
        except DeviceError as error:
            refused: DeviceError | None = error
        else:
            refused = None
            changes.begin_noting(conn, "hub")
            term = sync_state.term(conn)
    if refused is not None:
        raise refused
    log.info("%s is enrolled", box.table_label)
    return {
        "proof": proof.by(code, "hub"),
        "hall": hall.name,
        "table_label": box.table_label,
        "key_id": key_id,
        "key": secret.hex(),
        "secrets": hall.secrets(),
        "term": term,
    }


def _asked() -> dict[str, Any]:
    """The JSON of a request. Raises ProblemError."""
    if (request.content_length or 0) > MOST_JSON:
        raise protocol.too_large(MOST_JSON)
    found = _json()
    if not isinstance(found, dict):
        raise ProblemError(400, "malformed", "The request is no JSON object.")
    return found


def _json() -> Any:
    """What was sent, None where it is no JSON."""
    try:
        return request.get_json(silent=True)
    except RecursionError:
        return None


def _where() -> tuple[str, int]:
    after = request.args.get("after", "")
    if not after.isascii() or not after.isdigit() or len(after) > 15:
        raise ProblemError(400, "malformed", "`after` is the number of the last change that was heard of.")
    return request.args.get("feed", ""), int(after)


def _with_table(conn: sqlite3.Connection, box: Device, said: dict[str, Any], now: datetime) -> Device:
    """The box as its own settings call its table, which the hall's list of tables follows."""
    label, size = said.get("table_label"), said.get("table_size")
    if not (isinstance(label, str) and 0 < len(label.strip()) <= 80 and isinstance(size, str)):
        return box
    if label != box.table_label and not devices.rename(conn, box.id, label):
        return box
    try:
        note_other_box(conn, label, box.table_label, size, now)
    except HallError as error:
        log.warning("%s calls its table %s: %s", box.table_label, label, error.key)
    return replace(box, table_label=label)


def _require_keeper(conn: sqlite3.Connection, device: Device) -> None:
    """A copy holds everything, what is private too: it goes to the box that keeps it, and to no other."""
    if not devices.is_keeper(conn, device.id):
        raise ProblemError(403, "not-the-keeper", "Another box keeps the copy of this hub.")


def addresses_of_boxes(store: Store) -> list[str]:
    """Where another box would be found, were it the hub."""
    with store.read() as conn:
        return [address for box in devices.devices(conn) if (address := _hub_address(box))]


def _hub_address(box: Device) -> str:
    """Where a box would be found, were it the hub."""
    port = box.says.get("hub_port")
    host = f"[{box.address}]" if ":" in box.address else box.address
    return f"{host}:{port}" if box.address and isinstance(port, int) else ""


def _reader(hall: Hall, device: Device) -> Reader:
    since = (hall.now() - timedelta(days=OFFLINE_DAYS)).date().isoformat()
    return Reader(device.table_label, since)


def _everything(store: Store, reader: Reader) -> Iterator[bytes]:
    """All that a box is told, of one moment."""
    with store.read() as conn:
        head = {"feed": changes.feed(conn), "upto": changes.latest(conn), "more": False}
        yield from _zip(head, (one for replica in REPLICAS for one in changes.all_rows(conn, replica, reader)))


def _zipped(head: dict[str, Any], found: Iterable[Change]) -> Response:
    return Response(b"".join(_zip(head, found)), content_type="application/gzip")


def _zip(head: dict[str, Any], found: Iterable[Change]) -> Iterator[bytes]:
    """Gzipped lines: a head, rows, and an end, by which who hears them knows that it has all."""
    packer = zlib.compressobj(1, wbits=31)
    yield packer.compress(_line(head))
    for one in found:
        yield packer.compress(_line(_as_json(one)))
    yield packer.compress(_line({"end": True})) + packer.flush()


def _line(found: Any) -> bytes:
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _as_json(change: Change) -> list[Any]:
    return [change.table, list(change.key), change.values]


def _problem(error: ProblemError) -> Response:
    log.warning("%s %s from %s: %s", request.method, request.path, request.remote_addr, error.detail)
    answer = jsonify(error.body())
    answer.status_code, answer.content_type = error.status, protocol.PROBLEM_TYPE
    if error.status in (429, 503):
        answer.headers["Retry-After"] = str(5 + secrets.randbelow(10))
    return answer


def _no_such_code(_: DeviceError) -> Response:
    return _problem(
        ProblemError(
            403, "wrong-code", "No code that is out fits: make a new one at the hub and type it as it is shown."
        )
    )


def _store_error(error: StoreError) -> Response:
    log.error("%s", error)
    return _problem(ProblemError(503, "store-busy", "The hub can't reach its store just now: try again."))


def _http_error(error: HTTPException) -> Response:
    code = error.code or 500
    if code == 413:
        return _problem(protocol.too_large(protocol.MOST_BYTES))
    return _problem(ProblemError(code, (error.name or "error").lower().replace(" ", "-"), error.description or ""))
