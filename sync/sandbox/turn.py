"""One request, or one stroke of the clock: what its operations need to know and to say."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sync.sandbox.errors import missing, unsupported
from sync.sandbox.shown import Shower, plain
from sync.sandbox.store import Body, Store

VERSION = "2026-10-28.endive"


@dataclass(frozen=True, slots=True)
class Turn:
    """`at` is the sandbox's own time; who has a test clock goes by that instead."""

    store: Store
    at: int
    address: str
    request: str | None = None
    key: str | None = None

    @property
    def shower(self) -> Shower:
        return Shower(self.store)

    def find(self, kind: str, ident: str, *, noun: str = "", param: str = "id", status: int = 404) -> Body:
        """Raises ApiError."""
        body = self.store.get(kind, ident)
        if body is None:
            raise missing(noun or kind, ident, param, status)
        return body

    def clock_of(self, customer: str | None) -> str:
        """The test clock a customer goes by; empty for the sandbox's own."""
        body = self.store.get("customer", customer) if customer else None
        return str((body or {}).get("test_clock") or "")

    def now_of(self, customer: str | None) -> int:
        """What time it is for a customer."""
        return self.now_by(self.clock_of(customer))

    def now_by(self, clock: str) -> int:
        body = self.store.get("test_helpers.test_clock", clock) if clock else None
        return int(body["_now"]) if body is not None else self.at

    def emit(self, kind: str, body: Body, now: int, before: Body | None = None) -> None:
        """Something happened: an event, and a delivery to each endpoint that wants to hear of it. With `before`,
        what is other than it was is told; where nothing is, there is no event."""
        data: dict[str, Any] = {"object": plain(body)}
        if before is not None:
            changed = _changed(plain(before), data["object"])
            if not changed:
                return
            data["previous_attributes"] = changed
        endpoints = [
            one
            for one in self.store.all("webhook_endpoint", oldest_first=True)
            if one["status"] == "enabled" and ("*" in one["enabled_events"] or kind in one["enabled_events"])
        ]
        event = {
            "id": self.store.new_id("evt_"),
            "object": "event",
            "account": None,
            "api_version": VERSION,
            "context": None,
            "created": now,
            "data": data,
            "livemode": False,
            "pending_webhooks": len(endpoints),
            "request": {"id": self.request, "idempotency_key": self.key},
            "type": kind,
        }
        self.store.put("event", event)
        for endpoint in endpoints:
            self.store.rows(
                "INSERT INTO deliveries(event, endpoint, due, attempts, state) VALUES (?, ?, 0, 0, 'waiting')",
                (event["id"], endpoint["id"]),
            )


def _changed(before: Body, after: Body) -> Body:
    return {name: value for name, value in before.items() if after.get(name) != value} | {
        name: None for name in after if name not in before
    }


def merged(metadata: dict[str, str], given: Any) -> dict[str, str]:
    """Metadata: keys are added and changed, an empty value takes one away, an empty text all of them."""
    if given is None:
        return metadata
    if given == "":
        return {}
    both = {**metadata, **given}
    return {name: value for name, value in both.items() if value != ""}


def write(body: Body, given: Body, names: Iterable[str]) -> None:
    """Writes what is given of these fields; an empty text takes one away."""
    for name in names:
        if name in given:
            body[name] = given[name] if given[name] != "" else None


def only(given: Body, does: Iterable[str], path: str = "") -> None:
    """Raises ApiError for a parameter of Stripe's that this operation of the sandbox doesn't do."""
    does = set(does) | {"expand"}
    for name in given:
        if name not in does:
            raise unsupported(f"{path}[{name}]" if path else name)
