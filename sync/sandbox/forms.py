"""Form encoding as Stripe's: `items[0][price]=…`, `created[gte]=…`, `expand[]=…`."""

from typing import Any
from urllib.parse import parse_qsl

from sync.sandbox.errors import invalid

DEEPEST = 8

Tree = dict[str, Any]


def read_form(text: str) -> Tree:
    """Nested dicts and lists of texts. Raises ApiError for what can't be read."""
    tree: Tree = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    except ValueError as error:
        raise invalid("Invalid request: the parameters can't be read as a form.") from error
    for name, value in pairs:
        _put(tree, _steps(name), value, name)
    return {name: _listed(value) for name, value in tree.items()}


def _steps(name: str) -> list[str]:
    head, _, rest = name.partition("[")
    if not rest:
        return [head]
    if not rest.endswith("]") or not head:
        raise invalid(f"Invalid request: `{name}` is no name of a parameter.", name)
    return [head, *rest[:-1].split("][")]


def _put(tree: Tree, steps: list[str], value: str, name: str) -> None:
    if len(steps) > DEEPEST:
        raise invalid(f"Invalid request: `{name}` is nested too deep.", name)
    here = tree
    for step in steps[:-1]:
        below = here.setdefault(_key(here, step), {})
        if not isinstance(below, dict):
            raise invalid(f"Invalid request: `{name}` is given as a value and as an object.", name)
        here = below
    key = _key(here, steps[-1])
    if isinstance(here.get(key), dict):
        raise invalid(f"Invalid request: `{name}` is given as a value and as an object.", name)
    here[key] = value


def _key(here: Tree, step: str) -> str:
    """`a[]` is the next of a list."""
    return step or str(len(here))


def _listed(value: Any) -> Any:
    """Objects whose keys are all numbers are lists, in the order of the numbers."""
    if not isinstance(value, dict):
        return value
    below = {key: _listed(one) for key, one in value.items()}
    if below and all(key.isascii() and key.isdigit() for key in below):
        return [below[key] for key in sorted(below, key=int)]
    return below
