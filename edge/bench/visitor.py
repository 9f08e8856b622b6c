"""Somebody at the table's screen, without a browser: one connection, cookies, forms, and how long answers take."""

import gzip
import http.client
import re
import time
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin, urlsplit

TIMEOUT_S = 30.0
KEPT_S = 2.0  # a connection that nobody used for longer may be closed by the server at any moment
_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')
_REFERRED = re.compile(r'(?:src|href)="(/static/[^"]+)"')
_IMPORTED = re.compile(r"""(?:from |import )"(\./[^"]+)"|url\("?([^")]+)"?\)""")


class VisitError(Exception):
    """The kiosk did not answer as it should; the text says to what."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request: `sent_bytes` is the body as it was sent, compressed; `seconds` end with its last."""

    status: int
    text: str
    sent_bytes: int
    seconds: float


class Visitor:
    """Asks one thing after the other."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(self._host, timeout=TIMEOUT_S)
        self._cookies: dict[str, str] = {}
        self._answered_s = 0.0

    def close(self) -> None:
        self._connection.close()

    def get(self, path: str) -> Answer:
        """A page, as it comes; no redirect is followed. Raises VisitError."""
        return self._ask("GET", path)

    def page(self, path: str) -> Answer:
        """A page that must be there. Raises VisitError."""
        answer = self.get(path)
        if answer.status != 200:
            raise VisitError(f"{path} answers {answer.status}")
        return answer

    def post(self, page: str, action: str, **fields: str) -> Answer:
        """Sends a form, with the token of the page that it stands on; returns what came of it alone. Raises
        VisitError unless it leads on."""
        token = _TOKEN.search(self.page(page).text)
        if token is None:
            raise VisitError(f"{page} has no form")
        answer = self._ask("POST", action, urlencode({"csrf": token[1], **fields}))
        if answer.status != 303:
            raise VisitError(f"{action} answers {answer.status} to the form of {page}")
        return answer

    def weight_bytes(self, path: str) -> int:
        """A page with all that it loads, as it is sent. Raises VisitError."""
        answer = self.page(path)
        total, known = answer.sent_bytes, set()
        waiting = _REFERRED.findall(answer.text)
        while waiting:
            address = waiting.pop()
            if address in known:
                continue
            known.add(address)
            part = self.page(address)
            total += part.sent_bytes
            if address.endswith((".js", ".css")):
                waiting += [urljoin(address, one or other) for one, other in _IMPORTED.findall(part.text)]
        return total

    def _ask(self, method: str, path: str, body: str | None = None) -> Answer:
        if time.perf_counter() - self._answered_s > KEPT_S:
            self._connection.close()
        headers = {"Accept": "text/html", "Accept-Encoding": "gzip"}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        begun_s = time.perf_counter()
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise VisitError(f"{path}: {error or type(error).__name__}") from error
        self._answered_s = time.perf_counter()
        for cookie in response.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        plain = gzip.decompress(content) if response.headers.get("Content-Encoding") == "gzip" else content
        text = plain.decode("utf-8", "replace")
        return Answer(response.status, text, len(content), self._answered_s - begun_s)
