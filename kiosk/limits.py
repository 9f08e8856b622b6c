"""How often: what can be guessed or made up is granted only so many times, to one address and in all.

Each rule is a bucket that empties at an even rate (the generic cell rate algorithm: one number a bucket), counted
on the running clock, in memory: the kiosk is one process. A restart empties all of them; what must outlive it, the
wrong PINs of a player, is counted in `edge.hall.pins`. The table's own screen has a bucket of its own and is not
counted in the total, so that nobody on the hall's network can keep those at the table from checking in.
"""

import ipaddress
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app, request

from kiosk.security import Refusal
from kiosk.who import is_screen

EXTENSION = "limits"
SWEPT_AT = 2000  # buckets; full ones of long ago are thrown away then


@dataclass(frozen=True, slots=True)
class Rule:
    """So many times in `per_s` seconds: for one address, for the screen, and for all addresses together."""

    each: int
    screen: int
    total: int
    per_s: float


RULES: dict[str, Rule] = {
    "pin": Rule(each=10, screen=30, total=60, per_s=60),
    "sign-up": Rule(each=5, screen=20, total=60, per_s=3600),
    "card": Rule(each=5, screen=30, total=20, per_s=60),
    "claim": Rule(each=10, screen=30, total=60, per_s=3600),
    "call": Rule(each=6, screen=20, total=60, per_s=60),
    "token": Rule(each=30, screen=60, total=300, per_s=60),
}


class Limiter:
    """The buckets of one process."""

    def __init__(self, rules: Mapping[str, Rule] = RULES, clock: Callable[[], float] = time.monotonic) -> None:
        self._rules = rules
        self._clock = clock
        self._lock = threading.Lock()
        self._empty_at: dict[tuple[str, str], float] = {}

    def spend(self, rule_name: str, address: str, screen: bool) -> float:
        """Takes one and returns 0; or takes none and returns the seconds after which there is one."""
        rule, now_s = self._rules[rule_name], self._clock()
        if screen:
            buckets = [((rule_name, "screen"), rule.screen)]
        else:
            buckets = [((rule_name, _network(address)), rule.each), ((rule_name, "all"), rule.total)]
        with self._lock:
            self._sweep(now_s)
            filled = [
                (key, max(now_s, self._empty_at.get(key, now_s)) + rule.per_s / most) for key, most in buckets
            ]
            # A refusal takes nothing from any bucket: else trying on and on would never be granted again.
            wait_s = max(empty_at - now_s - rule.per_s for _, empty_at in filled)
            if wait_s > 1e-6:
                return wait_s
            self._empty_at.update(filled)
            return 0.0

    def _sweep(self, now_s: float) -> None:
        if len(self._empty_at) >= SWEPT_AT:
            self._empty_at = {key: at for key, at in self._empty_at.items() if at > now_s}


def install(app: Flask, limiter: Limiter | None = None) -> None:
    app.extensions[EXTENSION] = limiter or Limiter()


def spend(rule_name: str) -> None:
    """The first thing in a view that can be tried again and again. Raises Refusal, which says for how long."""
    limiter = cast(Limiter, current_app.extensions[EXTENSION])
    wait_s = limiter.spend(rule_name, request.remote_addr or "", is_screen())
    if wait_s > 0:
        raise Refusal(429, "too_often", headers={"Retry-After": str(math.ceil(wait_s))})


def _network(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one, of which a single phone has as many as it likes."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((ip, 64), strict=False).network_address)
    return str(getattr(ip, "ipv4_mapped", None) or ip)
