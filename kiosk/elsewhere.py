"""A hall of several boxes: what the hub does for another table's kiosk, and what a table asks of the hub.

What holds for the whole hall is one: pages of players and of staff, ladders, draws, whatever spends something. A
table hands requests for those on to the hub, which answers them by the same views, for whoever the table's box
says it is. What happens at the table (who plays, the score, shots) is its own, and goes on without the hub.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from typing import Protocol, cast

from flask import Flask, g, has_request_context, redirect, request
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Response

from edge.hall import commands, logins, pins
from edge.hall.commands import DoneAlreadyError
from edge.hall.keys import Keys
from edge.hall.pins import Line, Verdict
from edge.hall.players import PlayerError
from edge.store.database import Store
from sync.pages import LogIn, PageAnswer, PageRequest

ENVIRON = "ladder.asked"
LOG_IN = "Ladder-Log-In"
# Of one line between two machines, or of a body that is measured anew.
NOT_HANDED_ON = frozenset({
    "connection", "content-length", "content-encoding", "date", "keep-alive", "server", "transfer-encoding",
    LOG_IN.lower(),
})  # fmt: skip


class Upstairs(Protocol):
    """The hub, for a table's kiosk."""

    def hand_on(self) -> Response:
        """The hub's answer to the request that is being answered. Raises Refusal where it is out of reach."""

    def verify_name(self, name: str, typed: str, by: Line) -> Verdict | None:
        """What the hub says of a PIN that came by that line; None where it is out of reach."""

    def find_card(self, number: str) -> str | None:
        """Whose card it is by the hub, or None, also where it is out of reach."""


def asked_elsewhere() -> PageRequest | None:
    """At the hub: the request of another table that is being answered, or None."""
    return cast(PageRequest | None, request.environ.get(ENVIRON)) if has_request_context() else None


def log_in_there(response: Response, who: LogIn) -> None:
    """Has the table log somebody in, or out, with this answer."""
    said = {"player_id": who.player_id, "device": who.device, "by_pin": who.by_pin}
    response.headers[LOG_IN] = json.dumps(said)


class OnceStore(Store):
    """A store for the kiosk's views: the first writing of a request that another table hands on keeps its key, so
    that the same request again changes nothing."""

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        asked = asked_elsewhere()
        with super().write() as conn:
            if asked is not None and asked.once and "kept_once" not in g:
                commands.once(conn, asked.once, asked.box, datetime.now(UTC))
            yield conn
        if asked is not None:
            g.kept_once = True


def done_already(_: DoneAlreadyError) -> Response:
    """The answer to a deed that was done before: back to where it was wanted, which shows how it stands now."""
    return redirect(request.referrer if request.referrer is not None else "/", 303)


class KioskDesk:
    """What the hub does for people at other tables, by the views of its own kiosk."""

    def __init__(self, app: Flask, store: Store, keys: Keys) -> None:
        self.app = app
        self._store = store
        self._keys = keys

    def page(self, asked: PageRequest) -> PageAnswer:
        """A page of the hall, or a deed, for whoever the table says it is."""
        path, _, query = asked.path.partition("?")
        builder = EnvironBuilder(
            path=path,
            query_string=query,
            method=asked.method,
            headers=list(asked.headers.items()),
            input_stream=BytesIO(asked.body),
            base_url=f"{'https' if asked.asker.secure else 'http'}://{asked.headers.get('Host', 'localhost')}",
        )
        try:
            environ = builder.get_environ()
        finally:
            builder.close()
        environ |= {ENVIRON: asked, "REMOTE_ADDR": asked.asker.address, "CONTENT_LENGTH": str(len(asked.body))}
        chunks, status, headers = run_wsgi_app(self.app.wsgi_app, environ, buffered=True)
        kept = [(name, value) for name, value in headers if name.lower() not in NOT_HANDED_ON]
        said = headers.get(LOG_IN)
        log_in = None if said is None else LogIn(**json.loads(said))
        return PageAnswer(int(status.split()[0]), kept, b"".join(chunks), log_in)

    def pin(self, name: str, typed: str, line: Line) -> Verdict:
        """Whether it is the PIN of the player of that name; wrong ones are counted for the whole hall."""
        return pins.verify_name(self._store, self._keys.pins, name, typed, pins.this_moment(), line=line)

    def card(self, number: str) -> str | None:
        """The id of the player whose card it is."""
        try:
            with self._store.read() as conn:
                return logins.find_card(conn, self._keys.cards, number)
        except PlayerError:
            return None
