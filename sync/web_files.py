"""Files that pages load: their address holds their content's hash, so that a page never meets the style of another
version."""

import hashlib
from functools import cache
from pathlib import Path


@cache
def hash_of(folder: Path) -> str:
    """What the address of a folder's files holds, ten characters."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:10]
