"""What programs send: a JSON object, each field held against what it may be, and told by name where it is not."""

import json
import re
from typing import Any, cast

from flask import Blueprint as Room
from flask import Flask, Response, jsonify, request

from edge.facts import is_uuid
from kiosk.box import box

MOST_ID_CHARS = 64
MOST_IDS = 200

_REQUIRED = object()


class BodyError(Exception):
    """What was sent can't be read; `key` names the text `api_body.KEY`."""

    def __init__(self, key: str, code: int = 400, **fields: object) -> None:
        super().__init__(key)
        self.key = key
        self.code = code
        self.fields = fields


class Body:
    """The request's JSON object. A field without a default must be there. All its methods raise BodyError."""

    def __init__(self, *known: str) -> None:
        """Refuses what is no object, and fields of other names than these."""
        self._values = _object()
        unknown = sorted(self._values.keys() - set(known))
        if unknown:
            raise BodyError("unknown", field=unknown[0][:MOST_ID_CHARS], known=", ".join(known) or "-")

    def text(self, name: str, default: Any = _REQUIRED) -> str:
        return cast(str, self._get(name, default, _is_text, "text"))

    def number(self, name: str, default: Any = _REQUIRED, *, least: int, most: int) -> int:
        found = self._get(name, default, _is_number, "number", least=least, most=most)
        if found is not default and not least <= found <= most:
            raise BodyError("number", field=name, least=least, most=most)
        return cast(int, found)

    def yes_no(self, name: str, default: Any = _REQUIRED) -> bool:
        return cast(bool, self._get(name, default, lambda value: isinstance(value, bool), "yes_no"))

    def new_id(self, name: str = "id") -> str | None:
        """An id that the program made for what it begins, so that it may send it twice; None without one."""
        return cast(str | None, self._get(name, None, _is_uuid, "uuid"))

    def ids(self, name: str) -> list[str]:
        """Ids of players, each once."""
        return list(dict.fromkeys(self._get(name, _REQUIRED, _are_ids, "ids", most=MOST_IDS)))

    def value(self, name: str) -> Any:
        """Any value, to be looked at further."""
        return self._get(name, _REQUIRED, lambda value: True, "missing")  # noqa: ARG005

    def _get(self, name: str, default: Any, fits: Any, key: str, **fields: Any) -> Any:
        if name not in self._values:
            if default is _REQUIRED:
                raise BodyError("missing", field=name)
            return default
        if not fits(self._values[name]):
            raise BodyError(key, field=name, **fields)
        return self._values[name]


def sides(body: Body, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Two sides of one player or two each, by their ids."""
    value = body.value(name)
    if not isinstance(value, list) or len(value) != 2 or not all(_are_ids(side) for side in value):
        raise BodyError("sides", field=name)
    return tuple(value[0]), tuple(value[1])


def score(body: Body, name: str, most: int) -> tuple[int, int]:
    """What either side has."""
    value = body.value(name)
    if not isinstance(value, list) or len(value) != 2 or not all(_is_number(one) for one in value):
        raise BodyError("score", field=name, most=most)
    if not all(0 <= one <= most for one in value):
        raise BodyError("score", field=name, most=most)
    return value[0], value[1]


def asked_number(name: str, default: int, *, least: int, most: int) -> int:
    """A whole number behind the question mark. Raises BodyError."""
    text = request.args.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise BodyError("number", field=name, least=least, most=most)
    return int(text)


def tell(room: Flask | Room) -> None:
    """Answers for what can't be read: JSON with a message that says which field, and why."""

    def answer(error: BodyError) -> tuple[Response, int]:
        message = box().t(f"api_body.{error.key}", **error.fields)
        return jsonify({"error": error.key, "message": message}), error.code

    room.register_error_handler(BodyError, answer)


def _object() -> dict[str, Any]:
    sent = request.get_data(cache=True)
    if not sent:
        return {}
    try:
        found = json.loads(sent, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BodyError("object")
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; one that says a thing twice says which of them nobody meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise BodyError("twice", field=next(one for one in names if names.count(one) > 1)[:MOST_ID_CHARS])
    return found


def _is_text(value: object) -> bool:
    return isinstance(value, str) and _can_be_stored(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_uuid(value: object) -> bool:
    return isinstance(value, str) and is_uuid(value)


def _are_ids(value: object) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= MOST_IDS
        and all(isinstance(one, str) and 0 < len(one) <= MOST_ID_CHARS and _can_be_stored(one) for one in value)
    )


def _can_be_stored(text: str) -> bool:
    """Halves of a sign of two, which JSON may hold, are no text."""
    return not any("\ud800" <= char <= "\udfff" for char in text)
