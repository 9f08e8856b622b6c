"""Pages that the hub makes for a table: what a browser at the table asked, and who asked, and what is answered."""

import base64
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

MOST_BODY = 64 << 10  # as a kiosk takes from a browser


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks at a table, as its box knows them. `device` and `by_pin` are the login's; `screen`, `secure` and
    `address` say where the request came from."""

    player_id: str | None
    device: Literal["screen", "phone", "counter"] | None
    by_pin: bool
    screen: bool
    secure: bool
    address: str


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request; `once` is its key where it changes something. `box` and `table_label` are the table's, noted by
    the hub, whatever the request says."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    asker: Asker
    once: str = ""
    box: str = ""
    table_label: str = ""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "body": base64.b64encode(self.body).decode()}


@dataclass(frozen=True, slots=True)
class LogIn:
    """Who is to be logged in at the table, or out with `player_id` None."""

    player_id: str | None
    device: Literal["screen", "phone", "counter"] = "screen"
    by_pin: bool = False


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """An answer; `log_in` where it logs somebody in or out."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    log_in: LogIn | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "headers": [list(one) for one in self.headers],
            "body": base64.b64encode(self.body).decode(),
            "log_in": None if self.log_in is None else asdict(self.log_in),
        }


def read_request(found: dict[str, Any], box: str, table_label: str) -> PageRequest:
    """A request as a table has sent it. Raises ValueError for what is none."""
    try:
        request = PageRequest(**{
            **found,
            "body": base64.b64decode(found["body"], validate=True),
            "headers": {str(name): str(value) for name, value in found["headers"].items()},
            "asker": Asker(**found["asker"]),
        })  # fmt: skip
        whole = request.path.startswith("/") and request.method.isalpha() and len(request.body) <= MOST_BODY
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("that is no request for a page") from error
    if not whole:
        raise ValueError("that is no request for a page")
    return replace(request, box=box, table_label=table_label)


def read_answer(found: dict[str, Any]) -> PageAnswer:
    """An answer as a hub has sent it. Raises ValueError for what is none."""
    try:
        log_in = None if found["log_in"] is None else LogIn(**found["log_in"])
        headers = [(str(name), str(value)) for name, value in found["headers"]]
        return PageAnswer(int(found["status"]), headers, base64.b64decode(found["body"]), log_in)
    except (KeyError, TypeError) as error:
        raise ValueError("that is no page") from error
