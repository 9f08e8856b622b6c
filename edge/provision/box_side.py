"""What is asked of a release on its box: `python -m edge.provision.box_side WORD …`.

Units and `ladder provision` ask it. A newer program asks an older one when an update is taken back, so these words
and what they answer stay.
"""

import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from edge.runtime.paths import box_paths
from edge.store.errors import StoreError


def serves_others(_: Sequence[str]) -> int:
    """0 when this box lets other boxes in: it is a hub, and its settings name a port."""
    from edge.settings import load_settings  # noqa: PLC0415
    from edge.store.changes import role_of  # noqa: PLC0415
    from edge.store.database import Store  # noqa: PLC0415

    paths = box_paths()
    if not load_settings(paths.settings).hub.port:
        return 1
    with Store(paths.store) as store, store.read() as conn:
        return 0 if role_of(conn) == "hub" else 1


def answers(given: Sequence[str]) -> int:
    """0 once the kiosk answers, 1 when it does not in so many seconds."""
    from edge.runtime.supervisor import answers as asked  # noqa: PLC0415
    from edge.settings import load_settings  # noqa: PLC0415

    kiosk = load_settings(box_paths().settings).kiosk
    give_up_s = time.monotonic() + float(given[0])
    while not asked(kiosk.host, kiosk.port):
        if time.monotonic() > give_up_s:
            return 1
        time.sleep(0.5)
    return 0


def snapshot(_: Sequence[str]) -> int:
    """Takes a snapshot of the store and prints its name; prints nothing where there is no store."""
    from edge.backup import take  # noqa: PLC0415

    paths = box_paths()
    if paths.store.exists():
        print(take(paths, datetime.now(UTC)).name)
    return 0


def restore(given: Sequence[str]) -> int:
    """Puts the snapshot of that name back; prints where the store is now that was there."""
    from edge.backup import find  # noqa: PLC0415
    from edge.backup import restore as put_back  # noqa: PLC0415

    paths = box_paths()
    done = put_back(paths, find(paths, given[0]), now=datetime.now(UTC))
    print(done.aside or "")
    return 0


WORDS: dict[str, Callable[[Sequence[str]], int]] = {
    "serves-others": serves_others,
    "answers": answers,
    "snapshot": snapshot,
    "restore": restore,
}


def main(words: Sequence[str]) -> int:
    from edge.backup import BackupError  # noqa: PLC0415
    from edge.settings import SettingsError  # noqa: PLC0415

    try:
        return WORDS[words[0]](words[1:])
    except (StoreError, BackupError, SettingsError, OSError) as error:
        print(f"ladder: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
