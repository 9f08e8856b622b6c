"""A new store without the work of making one: hundreds of tests begin with an empty one of this version."""

import shutil
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

from jinja2 import BaseLoader, Environment
from jinja2.bccache import Bucket, BytecodeCache

from edge.facts import uuid7
from edge.store.database import connect
from edge.store.migrations import migrate


def fresh_store(path: Path) -> None:
    """Puts a store of this version at `path`, as `migrate` would make it; one that is there stays."""
    if path.exists():
        migrate(path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_template(), path)
    with closing(connect(path)) as conn:  # no two boxes are one
        conn.execute("UPDATE identity SET device = ?, epoch = ?", [uuid7(), uuid7()])


@cache
def _template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="ladder-template-")) / "ladder.db"
    migrate(path)
    with closing(connect(path)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return path


class CompiledOnce(BytecodeCache):
    """Templates compiled by an earlier application of this process; the tests make hundreds of those."""

    _known: dict[str, bytes] = {}  # noqa: RUF012

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._known:
            bucket.bytecode_from_string(self._known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key] = bucket.bytecode_to_string()


def compile_once(environment: Environment) -> None:
    """Has an application's templates compiled once in this process."""
    assert isinstance(environment.loader, BaseLoader)
    environment.bytecode_cache = CompiledOnce()
