"""A table's kiosk and its hub: which requests are handed on, and how."""

import logging
import threading
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.wrappers import Response as BaseResponse

from edge.facts import uuid7
from edge.hall.hearing import UntoldError
from edge.hall.pins import Line, Verdict
from edge.hall.players import get_player
from edge.store.database import Store
from edge.store.errors import StoreError
from kiosk import elsewhere, who
from kiosk.security import HARMLESS, Refusal
from kiosk.who import current_visitor, is_screen
from sync.hub_client import FAILURES, BusyError, HubClient, OutOfReachError
from sync.hub_file import HubFileError, load_hub
from sync.pages import Asker, LogIn, PageAnswer, PageRequest, read_answer
from sync.table import TableSync

log = logging.getLogger(__name__)

# Blueprints whose pages are the hall's, and views of others.
HALL_ROOMS = (
    "me", "preferences", "belongings", "boards", "ladders", "month", "draws", "championships", "new_pin",
    "training", "subscription", "counter", "api.me", "api.months", "api.training", "api.admin",
)  # fmt: skip
HALL_VIEWS = frozenset(f"check_in.{name}" for name in ("sign_up_name", "sign_up_done", "answer_consent"))
# What a page's answer depends on; the rest of a browser's headers stays at the table.
HANDED_ON = (
    "Accept", "Accept-Language", "Content-Type", "Cookie", "Host", "HX-Request", "HX-Target", "HX-Trigger",
    "HX-Current-URL", "Referer", "X-CSRF-Token",
)  # fmt: skip


def install(app: Flask, hub: elsewhere.Upstairs | None) -> None:
    """Hands on what is the hall's. To be called after the guard, which has looked at who asks."""
    if hub is None:
        return

    @app.before_request
    def hand_on() -> BaseResponse | None:
        return hub.hand_on() if is_halls(request.endpoint or "") else None


def keep_body(app: Flask) -> None:
    """Has a request's body kept as it came, before anything reads it as a form. To be called before all else."""

    @app.before_request
    def keep() -> None:
        if request.method not in HARMLESS and is_halls(request.endpoint or ""):
            request.get_data()


def is_halls(endpoint: str) -> bool:
    """Whether a view is about the whole hall."""
    room = endpoint.rpartition(".")[0]
    return endpoint in HALL_VIEWS or any(
        room == one or room.startswith((f"{one}.", f"{one}_")) for one in HALL_ROOMS
    )


@dataclass(slots=True)
class _Line:
    """One thread's connection to the hub."""

    client: HubClient
    sync: TableSync


class HubUpstairs:
    """The hub, for the kiosk of a table. Every thread has a connection of its own."""

    def __init__(self, store: Store, hub_file: Path) -> None:
        self._store = store
        self._hub_file = hub_file
        self._here = threading.local()

    @classmethod
    def of(cls, store: Store, hub_file: Path) -> "HubUpstairs | None":
        """The hub of this box, or None where it is none of a hall's tables."""
        return cls(store, hub_file) if hub_file.exists() else None

    def hand_on(self) -> Response:
        """The hub's answer. What was done at this table is told first, so that the hub knows of it."""
        once = "" if request.method in HARMLESS else uuid7()
        asked = _asked(once)
        try:
            line = self._line()
            line.sync.tell()
            answer = self._answer(line, asked)
            if once:
                self._hear(line)
        except FAILURES as error:
            log.warning("the hub was not reached for %s: %s", request.path, error)
            raise Refusal(503, "hub_away") from error
        return self._response(answer)

    def verify_name(self, name: str, typed: str, by: Line) -> Verdict | None:
        """What the hub says of a PIN; None where it is out of reach."""
        try:
            line = self._line()
            found = line.client.post("/v1/pin", {"name": name, "pin": typed, "line": by})
            verdict = Verdict(found["outcome"], found["player_id"], float(found["wait_s"]))
            self._come_to_know(line, verdict.player_id)
        except (*FAILURES, KeyError, TypeError, ValueError):
            return None
        return verdict

    def find_card(self, number: str) -> str | None:
        """Whose card it is by the hub, or None, also where it is out of reach."""
        try:
            line = self._line()
            found = line.client.post("/v1/card", {"number": number})["player_id"]
            self._come_to_know(line, found)
        except (*FAILURES, KeyError):
            return None
        return None if found is None else str(found)

    def _answer(self, line: _Line, asked: PageRequest) -> PageAnswer:
        said = asked.to_json()
        try:
            found = line.client.post("/v1/page", said)
        except (OutOfReachError, BusyError):
            found = line.client.post("/v1/page", said)  # with the same key, so that nothing is done twice
        try:
            return read_answer(found)
        except ValueError as error:
            raise OutOfReachError("what answers is not the hub") from error

    def _hear(self, line: _Line) -> None:
        """Hears at once what has changed; else `ladder sync` does, in a moment."""
        try:
            if line.sync.met is None:
                line.sync.hello()
            line.sync.hear()
        except UntoldError:
            log.debug("something new is to be told first")

    def _response(self, answer: PageAnswer) -> Response:
        response = Response(answer.body, answer.status)
        response.headers.clear()
        for name, value in answer.headers:
            response.headers.add(name, value)
        if answer.log_in is not None:
            self._log_in(response, answer.log_in)
        return response

    def _log_in(self, response: Response, whom: LogIn) -> None:
        with self._store.write() as conn:
            if whom.player_id is not None and get_player(conn, whom.player_id) is None:
                raise Refusal(503, "hub_away")  # their name has not come here yet
            who.log_in_as(conn, response, whom)

    def _come_to_know(self, line: _Line, player_id: str | None) -> None:
        """Who is let in here has to be known here."""
        with self._store.read() as conn:
            known = player_id is None or get_player(conn, player_id) is not None
        if not known:
            self._hear(line)

    def _line(self) -> _Line:
        """This thread's connection, by the hub's address as it stands now. Raises OutOfReachError."""
        try:
            stamp = self._hub_file.stat().st_mtime_ns
            line: tuple[int, _Line] | None = getattr(self._here, "line", None)
            if line is not None and line[0] == stamp:
                return line[1]
            hub = load_hub(self._hub_file)
        except (OSError, HubFileError, StoreError) as error:
            raise OutOfReachError(str(error)) from error
        if hub is None:
            raise OutOfReachError("this box has no hub")
        client = HubClient.of(hub)
        made = _Line(client, TableSync(self._store, client))
        self._here.line = (stamp, made)
        return made


def _asked(once: str) -> PageRequest:
    visitor = current_visitor()
    asker = Asker(
        None if visitor.player is None else visitor.player.id,
        visitor.device,
        visitor.by_pin,
        is_screen(),
        request.is_secure,
        request.remote_addr or "",
    )
    headers = {name: request.headers[name] for name in HANDED_ON if name in request.headers}
    body = b"" if request.method in HARMLESS else request.get_data()
    return PageRequest(request.method, request.full_path.rstrip("?"), headers, body, asker, once)
