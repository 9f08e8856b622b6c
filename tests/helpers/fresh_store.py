"""A new store without the work of making one: hundreds of tests begin with an empty one of this version."""

import shutil
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

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
