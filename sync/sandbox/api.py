"""A call from its first byte to its answer: who asks, what, whether it was asked before, and what goes wrong."""

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sync.sandbox import faults, idempotency, renewals, routes
from sync.sandbox.clock import Clock
from sync.sandbox.errors import ApiError, invalid
from sync.sandbox.faults import Fault, Plan
from sync.sandbox.forms import read_form
from sync.sandbox.params import check
from sync.sandbox.routes import Route
from sync.sandbox.store import Store
from sync.sandbox.turn import VERSION, Turn

MOST_CALLS = 20_000
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Request:
    """As it came. `headers` have their names in lower case."""

    method: str
    path: str
    query: str = ""
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """`lost`: the connection is closed without it. `hold_s`: it comes that late, or not at all."""

    status: int
    body: str
    headers: dict[str, str]
    lost: bool = False
    hold_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was made, for tests to look at. `done`: the sandbox has carried it out, whatever it answered."""

    number: int
    method: str
    path: str
    params: dict[str, Any]
    status: int
    key: str | None
    fault: str | None
    replayed: bool
    done: bool
    request: str


@dataclass(slots=True)
class _Outcome:
    status: int
    body: str
    error: ApiError | None = None
    replayed: str | None = None
    done: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call on its way: its parameters as sent, its key, its own id, and what is to go wrong with it."""

    request: Request
    given: dict[str, Any]
    key: str | None
    ident: str
    fault: Fault | None


class Api:
    """Stripe's API over a store."""

    def __init__(self, store: Store, clock: Clock, plan: Plan, key: str, address: str) -> None:
        self.store, self.clock, self.plan = store, clock, plan
        self.key, self.address = key, address
        self.calls: deque[Call] = deque(maxlen=MOST_CALLS)
        self._keys = idempotency.Keys(store)
        self._number = 0
        self._counting = threading.Lock()

    def turn(self, request: str | None = None, key: str | None = None) -> Turn:
        return Turn(self.store, self.clock.now(), self.address, request, key)

    def answer(self, request: Request) -> Answer:
        """Never raises for anything that is asked."""
        fault = self.plan.take(request.method, request.path)
        with self.store.lock:
            ident = self.store.new_id("req_", 14)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        asked = _Asked(request, {}, key, ident, fault)
        try:
            asked = replace(asked, given=self._read(request))
            outcome = self._outcome(asked)
        except ApiError as error:
            outcome = _refused(error, ident)
        self._log(asked, outcome)
        return _answer(outcome, asked)

    def _read(self, request: Request) -> dict[str, Any]:
        """The parameters as they were sent; who sends them is known after."""
        self._authorize(request.headers.get("authorization", ""))
        version = request.headers.get("stripe-version", VERSION)
        if version != VERSION:
            raise invalid(f"Invalid Stripe API version: {version}. The sandbox speaks {VERSION}.")
        if request.method == "GET" or (request.method == "DELETE" and not request.body):
            return read_form(request.query)
        sent_as = request.headers.get("content-type", FORM).partition(";")[0].strip().lower()
        if request.body and sent_as != FORM:
            raise invalid(
                f"Invalid request: the body must be sent as {FORM}, not as "
                f"{sent_as or 'something without a type'}."
            )
        if request.query:
            raise invalid("Invalid request: the parameters of a POST are sent in its body.")
        return read_form(request.body)

    def _authorize(self, text: str) -> None:
        scheme, _, key = text.partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise ApiError(
                401,
                "invalid_request_error",
                "You did not provide an API key. You need to provide your API key in the Authorization header, "
                "using "
                "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            )
        if key.startswith(("sk_live_", "rk_live_")):
            raise ApiError(
                401,
                "invalid_request_error",
                "This is a sandbox: a live key has no business here. Take a test key.",
            )
        if key != self.key:
            shown = f"{key[:8]}{'*' * max(4, len(key) - 12)}{key[-4:]}" if len(key) > 12 else "****"
            raise ApiError(401, "invalid_request_error", f"Invalid API Key provided: {shown}")

    def _outcome(self, asked: _Asked) -> _Outcome:
        request, fault = asked.request, asked.fault
        found = routes.find(request.method, request.path)
        if found is None:
            raise invalid(
                f"Unrecognized request URL ({request.method}: {request.path}). Please see https://stripe.com/docs "
                "or we can help at https://support.stripe.com/.",
                status=404,
            )
        with self._keys.held(asked.key):
            if fault is not None and fault.kind in ("conflict", "rate_limit", "error"):
                raise faults.answer_of(fault)
            if fault is not None and not fault.is_after and fault.kind != "error_kept":
                return _Outcome(0, "")
            with self.store.transaction():
                return self._done(asked, *found)

    def _done(self, asked: _Asked, route: Route, idents: tuple[str, ...]) -> _Outcome:
        now, key, fault = self.clock.now(), asked.key, asked.fault
        what = idempotency.asked(asked.request.method, asked.request.path, asked.given) if key is not None else ""
        if key is not None and (kept := self._keys.kept(key, what, now)) is not None:
            return _Outcome(kept[0], kept[1], replayed=kept[2])
        params = check(route.params, asked.given)
        turn = self.turn(asked.ident, key)
        if not self.clock.stands:
            renewals.run(turn, "", now)
        if fault is not None and fault.kind == "error_kept":
            outcome = _refused(faults.answer_of(fault), asked.ident)
        else:
            outcome = self._carry(turn, route, params, idents)
        if fault is not None and fault.kind == "error_after":
            outcome = _refused(faults.answer_of(fault), asked.ident, done=outcome.done)
        if key is not None:
            self._keys.keep(key, what, now, status=outcome.status, body=outcome.body, request=asked.ident)
        return outcome

    def _carry(self, turn: Turn, route: Route, params: dict[str, Any], idents: tuple[str, ...]) -> _Outcome:
        """Does it, or takes back what was begun."""
        with self.store.part() as part:
            try:
                body = route.do(turn, params, *idents)
                text = json.dumps(turn.shower.show(body, params.get("expand", ())), indent=2)
            except ApiError as error:
                if not error.keeps:
                    part.take_back()
                return _refused(error, turn.request or "")
        return _Outcome(200, text, done=True)

    def _log(self, asked: _Asked, outcome: _Outcome) -> None:
        with self._counting:
            self._number += 1
            self.calls.append(
                Call(
                    number=self._number,
                    method=asked.request.method,
                    path=asked.request.path,
                    params=asked.given,
                    status=outcome.status,
                    key=asked.key,
                    fault=asked.fault.kind if asked.fault is not None else None,
                    replayed=outcome.replayed is not None,
                    done=outcome.done,
                    request=asked.ident,
                )
            )


def _refused(error: ApiError, ident: str, *, done: bool = False) -> _Outcome:
    return _Outcome(error.status, json.dumps(error.body(ident), indent=2), error, done=done)


def _answer(outcome: _Outcome, asked: _Asked) -> Answer:
    headers = {
        "Content-Type": "application/json",
        "Request-Id": asked.ident,
        "Stripe-Version": VERSION,
        "Cache-Control": "no-cache, no-store",
    }
    key, error, fault = asked.key, outcome.error, asked.fault
    if key is not None and key.isprintable() and key.isascii():
        headers["Idempotency-Key"] = key
        headers["Original-Request"] = outcome.replayed or asked.ident
    if outcome.replayed is not None:
        headers["Idempotent-Replayed"] = "true"
    if error is not None and error.should_retry is not None:
        headers["Stripe-Should-Retry"] = str(error.should_retry).lower()
    if error is not None and error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    kind = fault.kind if fault is not None else ""
    return Answer(
        outcome.status,
        outcome.body,
        headers,
        lost=kind in ("lost", "lost_before", "refused"),
        hold_s=fault.hold_s if fault is not None and kind in ("timeout", "timeout_before") else 0.0,
    )
