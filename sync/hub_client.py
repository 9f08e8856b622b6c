"""How a box speaks to its hub: signed requests over a line whose certificate it has pinned."""

import json
import ssl
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import requests
from requests.adapters import HTTPAdapter

from edge.clock import stamp
from edge.store.changes import Change
from sync import protocol
from sync.hub_file import Hub
from sync.protocol import Answer, ProblemError, Signer, read_answer

CONNECT_S, READ_S = 3.0, 30.0
MOST_ANSWER = 256 << 20
CUT_OFF = "the hub's answer was cut off"


class OutOfReachError(Exception):
    """The hub does not answer, or what answers is not it; the text says which."""


class BusyError(Exception):
    """The hub asks to be left alone for so many seconds."""

    def __init__(self, detail: str, wait_s: float) -> None:
        super().__init__(detail)
        self.wait_s = wait_s


# What every call may end in.
FAILURES = (OutOfReachError, BusyError, ProblemError)


class _Pinned(HTTPAdapter):
    """Speaks to the one certificate, whatever name it is for and whoever signed it."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        super().__init__(pool_connections=1, pool_maxsize=4)

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        # A context of our own, or each connection reads all the world's certificates, of which none is asked.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        more.update(
            assert_fingerprint=self._fingerprint, assert_hostname=False, cert_reqs="CERT_NONE", ssl_context=context
        )
        super().init_poolmanager(*args, **more)


class HubClient:
    """The hub, for one box. Every call raises OutOfReachError, BusyError or ProblemError."""

    def __init__(self, address: str, fingerprint: str | None, signer: Signer | None) -> None:
        """`address` is a hub's, `host:port`; or without a fingerprint the cloud's, such as
        `https://ladder.example.com`, which an authority vouches for."""
        self._base = address if fingerprint is None else f"https://{address}"
        self._signer = signer
        self._session = requests.Session()
        if fingerprint is not None:
            self._session.verify = False  # by the fingerprint instead
            self._session.trust_env = False  # no proxy of the environment between boxes of one hall
            self._session.mount("https://", _Pinned(fingerprint))

    @classmethod
    def of(cls, hub: Hub) -> "HubClient":
        return cls(hub.address, hub.fingerprint, hub.signer)

    def close(self) -> None:
        self._session.close()

    def post(self, path: str, said: dict[str, Any]) -> dict[str, Any]:
        """Posts JSON and returns what is answered."""
        answer = self.send("POST", path, json.dumps(said).encode(), {"Content-Type": "application/json"})
        found: dict[str, Any] = self._json(answer)
        return found

    def facts(self, batch: bytes) -> Answer:
        """Sends a batch."""
        answer = self.send("POST", "/v1/facts", batch, {"Content-Type": protocol.BATCH_TYPE}, fine=(200, 409))
        try:
            return read_answer(self._json(answer))
        except ValueError as error:
            raise OutOfReachError("what answers is not the hub") from error

    def snapshot(self) -> Iterator[bytes]:
        """The hub's own snapshot, for the box that keeps its copy; the iterator raises as well."""
        answer = self.send("GET", "/v1/snapshot", stream=True)
        try:
            yield from answer.iter_content(1 << 16)
        except (requests.RequestException, OSError) as error:
            raise OutOfReachError(CUT_OFF) from error

    def rows(self, feed: str, after: int, *, copy: bool = False) -> tuple[dict[str, Any], list[Change]]:
        """What has changed since: the answer's head, and the rows; for a copy of the hub, all of them."""
        answer = self.send("GET", f"/v1/rows?feed={feed}&after={after}{'&copy=1' if copy else ''}")
        lines = protocol.unzip(answer.content, MOST_ANSWER).splitlines()
        return self._head(lines), [_change(json.loads(line)) for line in lines[1:-1]]

    def everything(self) -> tuple[dict[str, Any], Iterator[Change]]:
        """All that this box is told: the head, and the rows as they come. The iterator raises as well."""
        answer = self.send("GET", "/v1/everything", stream=True)
        lines = _unzipped_lines(answer)
        head = json.loads(next(lines) or _cut_off())
        return head, _until_end(lines)

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        fine: tuple[int, ...] = (200,),
        stream: bool = False,
    ) -> requests.Response:
        """A signed request and its answer, which has one of the `fine` statuses."""
        said = dict(headers or {})
        if self._signer is not None:
            said |= self._signer.sign(method, path, body, stamp(datetime.now(UTC)))
        try:
            answer = self._session.request(
                method, self._base + path, data=body, headers=said, timeout=(CONNECT_S, READ_S), stream=stream,
                allow_redirects=False,
            )  # fmt: skip
        except requests.exceptions.SSLError as error:
            raise OutOfReachError("what answers at the hub's address shows another certificate") from error
        except (requests.RequestException, ssl.SSLError, OSError) as error:
            raise OutOfReachError(f"the hub at {self._base.partition('//')[2]} does not answer") from error
        if answer.status_code in fine:
            return answer
        raise _refused(answer)

    def _json(self, answer: requests.Response) -> Any:
        try:
            return answer.json()
        except ValueError as error:
            raise OutOfReachError("what answers is not the hub") from error

    def _head(self, lines: list[bytes]) -> dict[str, Any]:
        if len(lines) < 2 or json.loads(lines[-1]) != {"end": True}:
            _cut_off()
        head: dict[str, Any] = json.loads(lines[0])
        return head


def _refused(answer: requests.Response) -> Exception:
    try:
        said = answer.json()
        slug = str(said["type"]).rpartition(":")[2]
        detail = str(said["detail"])
    except (ValueError, KeyError, TypeError):
        return OutOfReachError(f"what answers at the hub's address is not the hub (status {answer.status_code})")
    if answer.status_code in (429, 503):
        return BusyError(detail, _wait_s(answer.headers.get("Retry-After", "")))
    more = {name: value for name, value in said.items() if name not in ("type", "title", "status", "detail")}
    return ProblemError(answer.status_code, slug, detail, **more)


def _wait_s(text: str) -> float:
    """What Retry-After asks for: seconds, or a date."""
    if text.isascii() and text.isdigit():
        return min(float(text), 3600.0)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return 5.0
    return min(max(0.0, (until - datetime.now(UTC)).total_seconds()), 3600.0)


def _unzipped_lines(answer: requests.Response) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    rest = b""
    try:
        for chunk in answer.iter_content(1 << 16):
            *lines, rest = (rest + unpacker.decompress(chunk)).split(b"\n")
            yield from lines
    except (requests.RequestException, zlib.error, OSError) as error:
        raise OutOfReachError(CUT_OFF) from error
    yield b""  # an answer that ends too early ends the iterator with an error, not with silence


def _cut_off() -> NoReturn:
    raise OutOfReachError(CUT_OFF)


def _until_end(lines: Iterator[bytes]) -> Iterator[Change]:
    for line in lines:
        if not line:
            _cut_off()
        found = json.loads(line)
        if found == {"end": True}:
            return
        yield _change(found)


def _change(found: list[Any]) -> Change:
    table, key, values = found
    return Change(table, tuple(key), values)
