"""Facts: what a box tells the hub and the cloud. Wire types, with no imports beyond the standard library.

A fact's body is fixed as text when it is written and hashed then, so a later version of the program sends,
byte for byte, what this one wrote.
"""

import hashlib
import json
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["shot", "amend", "erased", "row", "day", "training"]

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def uuid7() -> str:
    """A version 7 UUID (RFC 9562): 48 bits of Unix milliseconds, then random bits, so keys sort by time."""
    value = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76  # the version
    value = value & ~(0x3 << 62) | 0x2 << 62  # the variant
    h = f"{value:032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def is_uuid(text: str) -> bool:
    """Whether a text is written as `uuid7` writes one: in small letters, with its dashes."""
    return _UUID.fullmatch(text) is not None


def canonical(value: dict[str, Any]) -> str:
    """JSON with sorted keys and no spaces: equal content is equal text. Raises ValueError for NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(body: str) -> str:
    """The SHA-256 of a body, in hex."""
    return hashlib.sha256(body.encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact as it is written: a key of its own, the body's text and that text's hash.

    `created` is UTC, ISO 8601 with milliseconds and a `Z`.
    """

    kind: Kind
    key: str
    created: str
    body: str
    hash: str


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A fact with its place in the line: `seq` grows by one and has no gaps within (device, epoch)."""

    device: str
    epoch: str
    seq: int
    fact: Fact


def make_fact(kind: Kind, content: dict[str, Any], created: str) -> Fact:
    """A new fact; its body and hash are fixed from here on."""
    body = canonical(content)
    return Fact(kind, uuid7(), created, body, content_hash(body))


def shot_logged(
    shot_id: str, source_id: str, played_at: str, *, ball_set: str | None, shot: dict[str, Any], created: str
) -> Fact:
    """A shot was seen for the first time. `shot` is its form in `shots.json`, `ball_set` the set in play."""
    content = {
        "schema": 1,
        "shot_id": shot_id,
        "source_id": source_id,
        "played_at": played_at,
        "ball_set": ball_set,
        "shot": shot,
    }
    return make_fact("shot", content, created)


def shot_amended(
    shot_id: str,
    revision: int,
    *,
    author: str,
    reason: str,
    ball_set: str | None,
    shot: dict[str, Any],
    created: str,
) -> Fact:
    """A stored shot is seen differently now: the whole shot as it stands from this revision on.

    Without a `ball_set` the one noted before still holds.
    """
    content = {
        "schema": 1,
        "shot_id": shot_id,
        "revision": revision,
        "author": author,
        "reason": reason,
        "ball_set": ball_set,
        "shot": shot,
    }
    return make_fact("amend", content, created)


def erased(player_id: str | None, shots: Sequence[str], *, created: str) -> Fact:
    """Everything of a player's is to be deleted, and these shots with all that was told of them; `player_id` is
    None where it is about the shots alone.

    Where the fact of a shot still waited to be sent, this one stands in its place, under its number and key.
    """
    return make_fact("erased", {"schema": 1, "player_id": player_id, "shots": list(shots)}, created)


def row_changed(table: str, key: Sequence[Any], values: dict[str, Any] | None, *, new: bool, created: str) -> Fact:
    """A row of the hall's tables is new, or has changed in these columns, or is gone, without `values`.

    Bytes are told as `{"b64": …}`.
    """
    content = {"schema": 1, "table": table, "key": list(key), "new": new, "values": values}
    return make_fact("row", content, created)


def hall_day(figures: dict[str, Any], *, created: str) -> Fact:
    """A day of the hall in figures, as `edge.stats.hall_days` makes them, for the cloud; told again, the later
    holds."""
    return make_fact("day", figures, created)


def hall_training(scores: dict[str, Any], *, rev: int, created: str) -> Fact:
    """A month's training scores as `edge.hall.training_periods` makes them, for the cloud; the highest revision
    of a month holds."""
    return make_fact("training", {**scores, "rev": rev}, created)
