"""What all tests share: Hypothesis draws the same examples every time, and what every application of ours compiles
anew, its addresses and its templates, is compiled once for all of them, for most of a test's time went there."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from hypothesis import settings
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")

_builders: dict[Any, Callable[..., tuple[str, str]]] = {}
_compile_builder = Rule._compile_builder


def _remembered_builder(self: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    """What builds the addresses of a rule; it is given the rule itself, so equal rules may share it."""
    converters = tuple((name, type(one)) for name, one in self._converters.items())
    defaults = repr(sorted((self.defaults or {}).items()))
    key = (self.rule, tuple(self._trace), converters, defaults, append_unknown)
    if key not in _builders:
        _builders[key] = _compile_builder(self, append_unknown)
    return _builders[key]


class _Templates(BytecodeCache):
    """Templates compiled before, by their source and by how they were to be read."""

    def __init__(self) -> None:
        self._kept: dict[Any, Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get(self._key(bucket))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[self._key(bucket)] = bucket.code

    def _key(self, bucket: Bucket) -> Any:
        env = bucket.environment
        return (
            bucket.key,
            bucket.checksum,
            env.trim_blocks,
            env.lstrip_blocks,
            tuple(sorted(env.extensions)),
            env.optimized,
        )


Rule._compile_builder = _remembered_builder  # type: ignore[method-assign]
Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _Templates()}
