"""Webhooks: signed as Stripe signs, sent again until they are taken; or sent by a test, in any order."""

import hashlib
import hmac
import json
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests

from sync.sandbox.store import Body, Store

log = logging.getLogger(__name__)

AGAIN_AFTER_S = (2, 10, 60, 600, 3600, 3 * 3600, 6 * 3600)  # Stripe goes on for three days
ANSWER_WITHIN_S = 10
PAUSE_S = 0.2

Send = Callable[[str, bytes, Mapping[str, str]], int]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event to one endpoint."""

    seq: int
    event: str
    endpoint: str
    attempts: int


@dataclass(slots=True)
class Mischief:
    """What happens to webhooks on their way, each with its chance; `shuffled` loses their order, `late_s` holds
    some back."""

    chance: random.Random
    twice: float = 0.0
    lost: float = 0.0
    late: float = 0.0
    late_s: float = 2.0
    shuffled: bool = False


def signature(payload: bytes, secret: str, stamp: int) -> str:
    """The value of `Stripe-Signature`."""
    signed = hmac.new(secret.encode(), f"{stamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={signed}"


def send_by_http(url: str, payload: bytes, headers: Mapping[str, str]) -> int:
    """The status of the answer; 0 where there is none. An address that answers with another isn't followed."""
    try:
        answer = requests.post(
            url, data=payload, headers=dict(headers), timeout=ANSWER_WITHIN_S, allow_redirects=False
        )
    except requests.RequestException:
        return 0
    answer.close()
    return int(answer.status_code)


class Outbox:
    """What is still to be sent. `signed_at` is the clock by which it is signed, this machine's; who checks by the
    sandbox's own wants that."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.mischief: Mischief | None = None
        self.signed_at: Callable[[], float] = time.time

    def waiting(self, until: float | None = None) -> list[Delivery]:
        """Those not taken yet, in the order they came about; with `until` those that are due by then."""
        with self._store.lock:
            rows = self._store.rows(
                "SELECT seq, event, endpoint, attempts FROM deliveries WHERE state='waiting' AND due<=? ORDER BY "
                "seq",
                (1e12 if until is None else until,),
            )
        return [Delivery(*row) for row in rows]

    def payload(self, delivery: Delivery) -> tuple[bytes, Body] | None:
        """What is sent, and the endpoint it goes to."""
        with self._store.lock:
            event = self._store.get("event", delivery.event)
            endpoint = self._store.get("webhook_endpoint", delivery.endpoint)
        if event is None or endpoint is None:
            return None
        return json.dumps(event, indent=2).encode(), endpoint

    def send(self, delivery: Delivery, send: Send = send_by_http, stamp: int | None = None) -> int:
        """Sends one and notes how that went: its status, 0 where nothing answered."""
        found = self.payload(delivery)
        if found is None:
            self._note(delivery, "gone", 0)
            return 0
        payload, endpoint = found
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (sandbox)",
            "Stripe-Signature": signature(payload, endpoint["_secret"], stamp or int(self.signed_at())),
        }
        status = send(endpoint["url"], payload, headers)
        if 200 <= status < 300:
            self._note(delivery, "taken", 0)
        elif delivery.attempts >= len(AGAIN_AFTER_S):
            self._note(delivery, "given_up", 0)
        else:
            self._note(delivery, "waiting", AGAIN_AFTER_S[delivery.attempts])
        return status

    def _note(self, delivery: Delivery, state: str, later_s: float) -> None:
        with self._store.transaction():
            self._store.rows(
                "UPDATE deliveries SET state=?, due=?, attempts=attempts+1 WHERE seq=?",
                (state, time.time() + later_s, delivery.seq),
            )

    def turn(self, send: Send = send_by_http, stamp: int | None = None, way: Mischief | None = None) -> int:
        """Sends what is due, with the mischief that was asked for, now or for good; how many were sent."""
        due, way, sent = self.waiting(time.time()), way or self.mischief, 0
        if way is not None and way.shuffled:
            way.chance.shuffle(due)
        for delivery in due:
            if way is not None and delivery.attempts == 0 and self._led_astray(delivery, way):
                continue
            sent += 1
            status = self.send(delivery, send, stamp)
            if way is not None and 200 <= status < 300 and way.chance.random() < way.twice:
                self.send(delivery, send, stamp)
                sent += 1
        return sent

    def _led_astray(self, delivery: Delivery, way: Mischief) -> bool:
        if way.chance.random() < way.lost:
            self._note(delivery, "lost", 0)
            return True
        if way.chance.random() < way.late:
            self._note(delivery, "waiting", way.late_s)
            return True
        return False


class Sender:
    """Sends in the background until it is stopped."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(PAUSE_S):
            try:
                self._outbox.turn()
            except Exception:
                log.exception("webhooks could not be sent")
