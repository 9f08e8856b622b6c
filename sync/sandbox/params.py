"""Parameters are checked against the types that stripe-python ships, and against nothing written by hand."""

import importlib
import re
import sys
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Any

from sync.sandbox.errors import ApiError, invalid, lacking

WHOLE = re.compile(r"[+-]?\d{1,18}")
NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,12})?")
MOST_TEXT = 5000
MOST_METADATA, MOST_METADATA_KEY, MOST_METADATA_VALUE = 50, 40, 500
CUSTOM_LIMITS = {"client_reference_id": 200, "name": 256, "email": 512}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a parameter may be: the alternatives its type names. `clears` is Stripe's empty text for "none"."""

    scalars: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    fields: Any = None  # the TypedDict
    each: "Shape | None" = None
    table: bool = False
    clears: bool = False


def fields_of(name: str) -> tuple[Mapping[str, Shape], frozenset[str]]:
    """The parameters of a TypedDict of `stripe.params`, like `checkout.SessionCreateParams`, and those
    required."""
    module, _, last = f"stripe.params.{name}".rpartition(".")
    return _fields_of(getattr(importlib.import_module(module), last))


@cache
def _options() -> frozenset[str]:
    """What every call takes beside its parameters: a key, headers."""
    return frozenset(importlib.import_module("stripe").RequestOptions.__annotations__)


@cache
def _fields_of(kind: Any) -> tuple[Mapping[str, Shape], frozenset[str]]:
    own = {name: text for name, text in kind.__annotations__.items() if name not in _options()}
    stand_in = type("Fields", (), {"__annotations__": own})
    hints = typing.get_type_hints(stand_in, vars(sys.modules[kind.__module__]), include_extras=True)
    shapes = {name: _shape(hint) for name, hint in hints.items()}
    return shapes, frozenset(kind.__required_keys__) & shapes.keys()


def _shape(hint: Any) -> Shape:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.NotRequired, typing.Required):
        return _shape(args[0])
    if origin in (typing.Union, UnionType):
        return _union([_shape(one) for one in args if one is not type(None)])
    if origin is typing.Literal:
        words = tuple(one for one in args if isinstance(one, str) and one)
        scalars = frozenset({"bool"}) if True in args else frozenset({"word"} if words else ())
        return Shape(scalars=scalars, words=words, clears="" in args)
    return Shape(each=_shape(args[0])) if origin is list else _simple(hint, origin)


def _simple(hint: Any, origin: Any) -> Shape:
    if hasattr(hint, "__required_keys__"):  # a TypedDict, also of typing_extensions
        return Shape(fields=hint)
    if origin is dict or "UntypedStripeObject" in str(hint):
        return Shape(table=True)
    names = {str: "text", int: "whole", bool: "bool", float: "number", Decimal: "number"}
    return Shape(scalars=frozenset({names.get(hint, "text")}))


def _union(parts: list[Shape]) -> Shape:
    scalars = frozenset().union(*(part.scalars for part in parts))
    words = tuple(word for part in parts for word in part.words)
    if words:
        scalars -= {"text"}  # `Literal[…]|str` says that more may come, not that any text goes
    return Shape(
        scalars,
        words,
        next((part.fields for part in parts if part.fields), None),
        next((part.each for part in parts if part.each), None),
        any(part.table for part in parts),
        any(part.clears for part in parts),
    )


def check(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with their types. Raises ApiError as Stripe would answer."""
    fields, required = fields_of(kind)
    return _object(fields, required, given, "")


def _object(
    fields: Mapping[str, Shape], required: frozenset[str], given: Mapping[str, Any], path: str
) -> dict[str, Any]:
    unknown = [_name(path, name) for name in given if name not in fields]
    if unknown:
        raise _unknown(unknown)
    for name in sorted(required):
        if name not in given:
            raise lacking(_name(path, name))
    return {name: _value(fields[name], value, _name(path, name)) for name, value in given.items()}


def _value(shape: Shape, value: Any, path: str) -> Any:
    if isinstance(value, list):
        if shape.each is None:
            raise _wrong(shape, value, path)
        return [_value(shape.each, one, f"{path}[{i}]") for i, one in enumerate(value)]
    if isinstance(value, dict):
        if shape.fields:
            return _object(*_fields_of(shape.fields), value, path)
        if shape.table:
            return _table(value, path)
        raise _wrong(shape, value, path)
    if value == "":
        return _empty(shape, path)
    return _scalar(shape, value, path)


def _scalar(shape: Shape, text: str, path: str) -> Any:
    if "word" in shape.scalars and text in shape.words:
        return text
    if "whole" in shape.scalars and WHOLE.fullmatch(text):
        return int(text)
    if "bool" in shape.scalars and text in ("true", "false"):
        return text == "true"
    if "number" in shape.scalars and NUMBER.fullmatch(text):
        return float(text)
    if "text" in shape.scalars:
        most = CUSTOM_LIMITS.get(path, MOST_TEXT)
        if len(text) > most:
            raise invalid(f"Invalid string: {text[:3]}...{text[-3:]}; must be at most {most} characters", path)
        return text
    raise _wrong(shape, text, path)


def _empty(shape: Shape, path: str) -> Any:
    if shape.clears or shape.table:
        return ""
    raise invalid(
        f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a parameter; "
        f"however '{path}' cannot be unset. You should remove '{path}' from your request or supply a non-empty "
        "value.",
        path,
        "parameter_invalid_empty",
    )


def _table(value: dict[str, Any], path: str) -> dict[str, str]:
    if len(value) > MOST_METADATA:
        raise invalid(f"Metadata can have up to {MOST_METADATA} keys", path)
    for name, text in value.items():
        if not isinstance(text, str):
            raise invalid(f"Metadata values must be strings, but {_name(path, name)} is not", _name(path, name))
        if len(name) > MOST_METADATA_KEY:
            raise invalid(
                f"Metadata keys must be {MOST_METADATA_KEY} characters or less; '{name[:10]}…' has {len(name)}",
                path,
            )
        if len(text) > MOST_METADATA_VALUE:
            raise invalid(
                f"Metadata values can have up to {MOST_METADATA_VALUE} characters, but you passed in a value that "
                "is "
                f"{len(text)} characters. Invalid value: {text[:20]}…",
                _name(path, name),
            )
    return dict(value)


def _wrong(shape: Shape, value: Any, path: str) -> ApiError:
    shown = value if isinstance(value, str) else "an array" if isinstance(value, list) else "an object"
    if shape.words and not shape.scalars - {"word"}:
        *some, last = shape.words
        listed = f"{', '.join(some)}, or {last}" if some else last
        return invalid(f"Invalid {path}: must be one of {listed}", path)
    if "whole" in shape.scalars:
        return invalid(f"Invalid integer: {shown}", path, "parameter_invalid_integer")
    if "number" in shape.scalars:
        return invalid(f"Invalid decimal: {shown}", path)
    if "bool" in shape.scalars:
        return invalid(f"Invalid boolean: {shown}", path)
    if "text" in shape.scalars:
        return invalid(f"Invalid string: {shown}", path)
    return invalid(f"Invalid {'array' if shape.each else 'object'}", path)


def _unknown(names: list[str]) -> ApiError:
    if len(names) == 1:
        return invalid(f"Received unknown parameter: {names[0]}", names[0], "parameter_unknown")
    return invalid(f"Received unknown parameters: {', '.join(names)}", names[0], "parameter_unknown")


def _name(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name
