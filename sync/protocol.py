"""What boxes, hub and cloud say to each other: signed requests, batches of facts, and what is answered.

A batch is gzipped JSON lines: a head (`Head`), then a fact a line. A fact's body travels as the text that was
written, and is held against its hash. The receiver commits and then acknowledges the highest number up to which it
has all of a line; a line is what one device wrote in one epoch. The same fact again is a success. The same number
with another content is a conflict: the first stays, the other is put aside and shown.

Every request is signed with HMAC-SHA256 over method, path, the body's SHA-256, time, device and key. A replay does
no harm, for facts have numbers; nobody is refused for their clock.
"""

import hashlib
import hmac
import json
import re
import secrets
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from operator import itemgetter
from typing import Any, Literal
from urllib.parse import urlsplit

from edge.facts import Fact, OutboxRow, content_hash, is_uuid

SCHEMA = 1
KNOWN_SCHEMAS = frozenset({SCHEMA})  # this version, and the one before as soon as there is one
BATCH_ROWS = 500
MOST_ROWS = 5_000
# A shot has some 18 kB, so a batch of 500 has 9 MB, and 2 MB when it is zipped.
MOST_BYTES = 8 << 20
MOST_UNZIPPED = 48 << 20
MOST_AHEAD_S = 24 * 3600.0  # a fact from further ahead is not believed before its time has come

DEVICE, KEY, TIME, SIGNATURE = "Ladder-Device", "Ladder-Key", "Ladder-Time", "Ladder-Signature"
BATCH_TYPE = "application/x-ladder-batch+gzip"
PROBLEM_TYPE = "application/problem+json"

KEY_BYTES = 32
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}")
_MOST_SEQ = 1 << 53
_ROW = itemgetter("seq", "kind", "key", "created", "hash", "body")
_PORTS = {"http": 80, "https": 443}


class ProblemError(Exception):
    """A request is refused. `slug` names why, for programs; `detail` says it to a person, without a secret."""

    def __init__(self, status: int, slug: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.detail = detail
        self.more = more

    def body(self) -> dict[str, Any]:
        """As `application/problem+json` (RFC 9457)."""
        return {
            "type": f"urn:action-ladder:{self.slug}",
            "title": self.slug.replace("-", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: a device, and which of its keys, `secret`, is used."""

    device: str
    key_id: str
    secret: bytes = field(repr=False)

    def sign(self, method: str, path: str, body: bytes, time: str) -> dict[str, str]:
        """The headers of a request; `path` with its query."""
        said = f"{time}\n{self.device}\n{self.key_id}"
        signature = _signature(self.secret, method, path, body, said)
        return {DEVICE: self.device, KEY: self.key_id, TIME: time, SIGNATURE: signature}


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request claims, before it is believed."""

    device: str
    key_id: str
    time: str
    signature: str

    def fits(self, secret: bytes, method: str, path: str, body: bytes) -> bool:
        wanted = _signature(secret, method, path, body, f"{self.time}\n{self.device}\n{self.key_id}")
        return hmac.compare_digest(wanted, self.signature)


@dataclass(frozen=True, slots=True)
class CloudProof:
    """What a hub proves to the cloud that it knows: a one-time code, for the address at which it has found the
    cloud, as `cloud_address` writes it. `nonce` makes it another each time."""

    device: str
    nonce: str
    address: str

    def by(self, code: str, side: Literal["hub", "cloud"]) -> str:
        """The proof of one side, in hex."""
        text = "\n".join(("cloud", side, self.device, self.nonce, self.address))
        return hmac.digest(code.encode(), text.encode(), "sha256").hex()


def cloud_address(text: str) -> str:
    """An address as both sides write it: `https://ladder.example.com`. Raises ValueError for what is none."""
    found = urlsplit(text.strip())
    port = found.port  # raises for what is no port
    whole = found.scheme in _PORTS and found.hostname and found.path in ("", "/") and not found.username
    if not whole or found.query or found.fragment:
        raise ValueError(f"{text!r} is no address such as https://ladder.example.com")
    host = f"[{found.hostname}]" if ":" in str(found.hostname) else str(found.hostname)
    return f"{found.scheme}://{host}" + ("" if port in (None, _PORTS[found.scheme]) else f":{port}")


def new_secret() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def read_signature(headers: Mapping[str, str]) -> Signed:
    """Raises ProblemError where a request is not signed."""
    device, key_id, time, signature = (headers.get(name, "") for name in (DEVICE, KEY, TIME, SIGNATURE))
    if not (is_uuid(device) and is_uuid(key_id) and _is_stamp(time) and _HASH.fullmatch(signature)):
        raise ProblemError(401, "not-signed", "The request is not signed: enrol this box, or update its program.")
    return Signed(device, key_id, time, signature)


def unknown_device() -> ProblemError:
    return ProblemError(401, "unknown-device", "This device is not enrolled here: enrol it with a code.")


def wrong_key() -> ProblemError:
    """Also for a key that was taken back, so that nobody learns which keys there are."""
    return ProblemError(401, "wrong-key", "The signature is of no key that this device has: enrol it anew.")


@dataclass(frozen=True, slots=True)
class Head:
    """The first line of a batch: of which line it is, and the number with which that line begins."""

    device: str
    epoch: str
    begins: int
    rows: int


@dataclass(frozen=True, slots=True)
class Row:
    """A fact of a batch with its number."""

    seq: int
    fact: Fact

    @property
    def sound(self) -> bool:
        """Whether the body is what was written."""
        return content_hash(self.fact.body) == self.fact.hash


@dataclass(frozen=True, slots=True)
class Batch:
    head: Head
    rows: tuple[Row, ...]


def pack(device: str, epoch: str, begins: int, rows: Sequence[OutboxRow]) -> bytes:
    """A batch of one line's rows, in the order of their numbers."""
    head = {"schema": SCHEMA, "device": device, "epoch": epoch, "begins": begins, "rows": len(rows)}
    lines = [head, *(_row_json(row) for row in rows)]
    text = "\n".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) for line in lines)
    packer = zlib.compressobj(1, wbits=31)  # the fastest: shots shrink to a quarter all the same
    return packer.compress(text.encode()) + packer.flush()


def unpack(body: bytes, *, most_bytes: int = MOST_BYTES, most_unzipped: int = MOST_UNZIPPED) -> Batch:
    """Raises ProblemError for what is no batch, or half of one, or too much of one."""
    if len(body) > most_bytes:
        raise too_large(most_bytes)
    first, *_ = (data := unzip(body, most_unzipped)).split(b"\n", 1)
    head = read_head(first)
    found = data.count(b"\n")  # before they are split: millions of empty lines would be gigabytes of them
    if found != head.rows:
        raise _malformed(f"its head says {head.rows} rows, and there are {found}")
    if found > MOST_ROWS:
        raise ProblemError(413, "too-large", f"A batch may have {MOST_ROWS} rows: send fewer.", most=MOST_ROWS)
    lines = data.split(b"\n")[1:]
    rows = tuple(_row(one, i) for i, one in enumerate(_all_json(lines), 1))
    if any(later.seq <= earlier.seq for earlier, later in pairwise(rows)):
        raise _malformed("its rows are not in the order of their numbers")
    if rows and rows[0].seq < head.begins:
        raise _malformed("a row has a number from before its line begins")
    return Batch(head, rows)


def read_head(line: bytes) -> Head:
    """A batch's first line. Raises ProblemError."""
    return _head(_json(line, "its head"))


def unzip(body: bytes, most: int = MOST_UNZIPPED) -> bytes:
    """Raises ProblemError for what is not gzip, is cut off, or unfolds to more than `most` bytes."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        data = unpacker.decompress(body, most)
    except zlib.error:
        raise _malformed("it is not gzip") from None
    if unpacker.unconsumed_tail:
        raise ProblemError(413, "too-large", f"Unzipped it has more than {most >> 20} MB.", most=most)
    if not unpacker.eof:
        raise _malformed("it is cut off")
    return data


def too_large(most: int) -> ProblemError:
    return ProblemError(413, "too-large", f"A body may have {most >> 20} MB: send fewer rows.", most=most)


@dataclass(frozen=True, slots=True)
class Sorted:
    """The rows of a batch by what is to be done with them."""

    fresh: tuple[Row, ...]
    again: tuple[Row, ...]
    conflicting: tuple[Row, ...]
    spoilt: tuple[Row, ...]


def sort_rows(rows: Iterable[Row], known: Mapping[int, str], known_keys: Mapping[str, int]) -> Sorted:
    """Which rows are new; `known` are the hashes by number, `known_keys` the numbers by key, of those there are.

    A row with a number or a key that is known, and anything else different, conflicts. One whose body is not what
    its hash says was spoilt before it was sent, for the batch is signed: it is kept, and not believed.
    """
    sorts: dict[str, list[Row]] = {"fresh": [], "again": [], "conflicting": [], "spoilt": []}
    fresh_keys: set[str] = set()
    for row in rows:
        if not row.sound:
            sorts["spoilt"].append(row)
        elif row.seq in known:
            sorts["again" if known[row.seq] == row.fact.hash else "conflicting"].append(row)
        elif row.fact.key in known_keys or row.fact.key in fresh_keys:
            sorts["conflicting"].append(row)
        else:
            sorts["fresh"].append(row)
            fresh_keys.add(row.fact.key)
    return Sorted(**{name: tuple(found) for name, found in sorts.items()})


def contiguous(upto: int, seqs: Iterable[int]) -> int:
    """The highest number up to which there are no gaps, where all up to `upto` are there and these as well."""
    for seq in sorted(seqs):
        if seq == upto + 1:
            upto = seq
    return upto


Fate = Literal["conflict", "dead", "held"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to a batch, after it was committed: `ack` is the number up to which all is kept here.

    `set_aside` are rows that are kept and not believed, with why: the sender goes on with the next ones. `time` is
    the receiver's clock.
    """

    ack: int
    time: str
    set_aside: tuple[tuple[int, Fate, str], ...] = ()

    @property
    def status(self) -> int:
        return 409 if any(fate == "conflict" for _, fate, _ in self.set_aside) else 200

    def body(self) -> dict[str, Any]:
        aside = [{"seq": seq, "fate": fate, "why": why} for seq, fate, why in self.set_aside]
        return {"ack": self.ack, "time": self.time, "set_aside": aside}


def read_answer(body: Any) -> Answer:
    """Raises ValueError for what is no answer."""
    try:
        aside = tuple((int(one["seq"]), one["fate"], str(one["why"])) for one in body["set_aside"])
        return Answer(int(body["ack"]), str(body["time"]), aside)
    except (KeyError, TypeError) as error:
        raise ValueError("that is no answer to a batch") from error


def _signature(secret: bytes, method: str, path: str, body: bytes, said: str) -> str:
    text = "\n".join((method.upper(), path, hashlib.sha256(body).hexdigest(), said))
    return hmac.digest(secret, text.encode(), "sha256").hex()


def _row_json(row: OutboxRow) -> dict[str, Any]:
    fact = row.fact
    return {
        "seq": row.seq, "kind": fact.kind, "key": fact.key, "created": fact.created, "hash": fact.hash,
        "body": fact.body,
    }  # fmt: skip


def _json(line: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise _malformed(f"{what} is no JSON") from None
    if not isinstance(found, dict):
        raise _malformed(f"{what} is no object")
    return found


def _all_json(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    """The objects of as many lines, read at one go, which takes half as long as line by line."""
    try:
        found: list[dict[str, Any]] = json.loads(b"[" + b",".join(lines) + b"]")
    except (ValueError, RecursionError):
        found = []
    if len(found) != len(lines) or not all(isinstance(one, dict) for one in found):
        return [_json(line, f"row {i}") for i, line in enumerate(lines, 1)]  # says which it is
    return found


def _head(found: dict[str, Any]) -> Head:
    if found.get("schema") not in KNOWN_SCHEMAS:
        known = ", ".join(str(schema) for schema in sorted(KNOWN_SCHEMAS))
        raise ProblemError(
            422, "wrong-schema", f"This program reads batches of schema {known}: update the older of the two."
        )
    device, epoch, begins, rows = (found.get(name) for name in ("device", "epoch", "begins", "rows"))
    if not (isinstance(device, str) and is_uuid(device) and isinstance(epoch, str) and is_uuid(epoch)):
        raise _malformed("its head names no line")
    if not _is_number(begins, 1) or not _is_number(rows, 0):
        raise _malformed("its head has no numbers")
    return Head(device, epoch, begins, rows)  # type: ignore[arg-type]


def _row(found: dict[str, Any], i: int) -> Row:
    try:
        seq, kind, key, created, hash_, body = _ROW(found)
    except KeyError:
        raise _malformed(f"row {i} is no fact") from None
    whole = (
        _is_number(seq, 1)
        and isinstance(kind, str)
        and 0 < len(kind) <= 40
        and _can_be_stored(kind)
        and isinstance(key, str)
        and is_uuid(key)
        and isinstance(created, str)
        and _is_stamp(created)
        and isinstance(hash_, str)
        and _HASH.fullmatch(hash_)
        and isinstance(body, str)
        and _can_be_stored(body)
    )
    if not whole:
        raise _malformed(f"row {i} is no fact")
    return Row(seq, Fact(kind, key, created, body, hash_))


def _can_be_stored(text: str) -> bool:
    """Whether every database takes it: no NUL, no half of a character."""
    if "\x00" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_stamp(text: str) -> bool:
    """Whether it is a moment, written as `edge.clock.stamp` does."""
    try:
        return _STAMP.fullmatch(text) is not None and datetime.fromisoformat(text) is not None
    except ValueError:  # the 31st of February
        return False


def _is_number(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= _MOST_SEQ


def _malformed(why: str) -> ProblemError:
    return ProblemError(400, "malformed", f"That is no whole batch: {why}. Send it again.")
