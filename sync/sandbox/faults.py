"""Breaking it on purpose: which call goes wrong, and how."""

import random
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from sync.sandbox.errors import ApiError
from sync.sandbox.idempotency import in_use

# Nothing is done: 409, 429, 500, a 500 that is kept for the key, no answer, no answer in time, no connection.
BEFORE = ("conflict", "rate_limit", "error", "error_kept", "lost_before", "timeout_before", "refused")
# All is done: and then a 500 that is kept for the key, no answer, no answer in time.
AFTER = ("error_after", "lost", "timeout")
KINDS = (*BEFORE, *AFTER)


@dataclass(frozen=True, slots=True)
class Fault:
    """`hold_s` is how long a time-out keeps a connection that the other side doesn't give up."""

    kind: str
    retry_after_s: int = 1
    hold_s: float = 30.0

    @property
    def is_after(self) -> bool:
        return self.kind in AFTER


@dataclass(slots=True)
class Rule:
    """From the `nth` matching call on, `times` of them."""

    fault: Fault
    method: str | None
    path: re.Pattern[str] | None
    nth: int
    times: int
    seen: int = 0

    def hits(self, method: str, path: str) -> bool:
        if self.method not in (None, method) or (self.path is not None and self.path.search(path) is None):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


@dataclass(slots=True)
class Seeded:
    """Each call goes wrong with a chance, by a seed: the same seed, the same faults."""

    chance: random.Random
    rate: float
    kinds: tuple[str, ...]
    path: re.Pattern[str] | None
    hold_s: float


@dataclass(slots=True)
class Plan:
    """What is to go wrong. Safe to change while calls run."""

    rules: list[Rule] = field(default_factory=list)
    seeded: Seeded | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def add(
        self,
        kind: str,
        *,
        method: str | None = None,
        path: str | None = None,
        nth: int = 1,
        times: int = 1,
        retry_after_s: int = 1,
        hold_s: float = 30.0,
    ) -> None:
        """The nth call from now that matches, and `times` in all. `path` is a regular expression that is searched
        for in `/v1/…`. Raises ValueError for a kind there isn't."""
        _require(kind)
        if nth < 1 or times < 1:
            raise ValueError("nth and times count from 1")
        pattern = re.compile(path) if path is not None else None
        with self._guard:
            self.rules.append(Rule(Fault(kind, retry_after_s, hold_s), method, pattern, nth, times))

    def by_seed(
        self, seed: int, rate: float, kinds: Iterable[str] = KINDS, path: str | None = None, hold_s: float = 30.0
    ) -> None:
        """Any call goes wrong with the chance `rate`. Raises ValueError."""
        chosen = tuple(kinds)
        for kind in chosen:
            _require(kind)
        with self._guard:
            pattern = re.compile(path) if path is not None else None
            self.seeded = Seeded(random.Random(seed), rate, chosen, pattern, hold_s)

    def clear(self) -> None:
        """Everything works again."""
        with self._guard:
            self.rules.clear()
            self.seeded = None

    def take(self, method: str, path: str) -> Fault | None:
        """What goes wrong with this call; it is counted."""
        with self._guard:
            hit = [rule.fault for rule in self.rules if rule.hits(method, path)]
            self.rules = [rule for rule in self.rules if rule.seen < rule.nth + rule.times - 1]
            if hit:
                return hit[0]
            plan = self.seeded
            if plan is None or (plan.path is not None and plan.path.search(path) is None):
                return None
            if plan.chance.random() >= plan.rate:
                return None
            return Fault(plan.chance.choice(plan.kinds), hold_s=plan.hold_s)


def answer_of(fault: Fault) -> ApiError:
    """What a fault with an answer says."""
    if fault.kind == "conflict":
        return in_use()
    if fault.kind == "rate_limit":
        return ApiError(
            429,
            "invalid_request_error",
            "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
            "rate_limit",
            retry_after_s=fault.retry_after_s,
        )
    return ApiError(
        500,
        "api_error",
        "An unknown error occurred. Please try again later, or contact support.",
        should_retry=True,
    )


def _require(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"no fault is called {kind}: there are {', '.join(KINDS)}")
