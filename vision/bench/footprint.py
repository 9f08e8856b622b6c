"""What an object holds, place by place: which lists, dicts and arrays within it grow as time goes on."""

import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

_NO_STATE = (ModuleType, FunctionType, BuiltinFunctionType, MethodType, type)


_AT_MOST = "≤"


@dataclass(slots=True)
class Held:
    """All that lies at one place: how many items, and the bytes of the objects themselves."""

    items: int = 0
    size_bytes: int = 0


def footprint(root: object) -> dict[str, Held]:
    """What can be reached from an object, by place: `._tracker.tracks[].history[]` are the samples of all tracks'
    histories together, `[≤400]` the items of a deque that holds no more. Each object counts once, at the first
    place it is met; arrays count with their data."""
    held: dict[str, Held] = {}
    seen: set[int] = set()
    waiting: deque[tuple[str, object]] = deque([("", root)])
    while waiting:
        place, thing = waiting.popleft()
        if id(thing) in seen or isinstance(thing, _NO_STATE):
            continue
        seen.add(id(thing))
        here = held.setdefault(place, Held())
        here.items += 1
        here.size_bytes += _size_bytes(thing)
        waiting.extend(_within(place, thing))
    return held


def total_bytes(held: Mapping[str, Held]) -> int:
    return sum(here.size_bytes for here in held.values())


def growing(snapshots: Sequence[Mapping[str, Held]], least: int = 1) -> list[str]:
    """The places that hold more in every snapshot than in the one before, by at least so many items in all. What
    lies in a deque with a greatest length is bounded and not among them."""
    first, last = snapshots[0], snapshots[-1]
    rising = [
        place
        for place in last
        if _AT_MOST not in place
        and _items(last, place) - _items(first, place) >= least
        and all(_items(a, place) < _items(b, place) for a, b in pairwise(snapshots))
    ]
    return sorted(rising, key=lambda place: -last[place].items)


def _items(held: Mapping[str, Held], place: str) -> int:
    return held[place].items if place in held else 0


def _size_bytes(thing: object) -> int:
    if isinstance(thing, np.ndarray):
        return sys.getsizeof(thing) if thing.base is None else sys.getsizeof(thing) + thing.nbytes
    return sys.getsizeof(thing, 64)


def _within(place: str, thing: object) -> Iterator[tuple[str, object]]:
    """What an object refers to, with its place."""
    if isinstance(thing, (str, bytes, bytearray, int, float, complex, np.ndarray, np.generic, type(None))):
        return
    if isinstance(thing, Mapping):
        for key, value in list(thing.items()):
            yield f"{place}{{keys}}", key
            yield f"{place}[]", value
        return
    if isinstance(thing, (Sequence, AbstractSet, deque)):
        most = thing.maxlen if isinstance(thing, deque) else None
        inside = f"{place}[]" if most is None else f"{place}[{_AT_MOST}{most}]"
        for item in list(thing):
            yield inside, item
        return
    for name, value in _attributes(thing):
        yield f"{place}.{name}", value


def _attributes(thing: object) -> Iterator[tuple[str, Any]]:
    yield from getattr(thing, "__dict__", {}).items()
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(thing, name):
                yield name, getattr(thing, name)
