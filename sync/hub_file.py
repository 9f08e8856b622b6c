"""What a table's box knows of its hub, in one file that only the box's own user reads: `data/hub.json`."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from calibration.whole_file import replace_file
from sync.protocol import Signer


class HubFileError(Exception):
    """The file can't be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Hub:
    """The hub, and this box as the hub knows it.

    `address` is `host:port`, `fingerprint` that of its certificate; `others` are where else a hub
    may be found, when this one does not answer. `term` counts who has been the hub: a lower one is past.
    """

    hall: str
    address: str
    fingerprint: str
    device: str
    table_label: str
    key_id: str
    key: str
    term: int = 1
    others: tuple[str, ...] = ()

    @property
    def signer(self) -> Signer:
        return Signer(self.device, self.key_id, bytes.fromhex(self.key))

    def __repr__(self) -> str:
        return f"Hub({self.address})"  # not the key


def load_hub(path: Path) -> Hub | None:
    """The hub of this box, or None where it is none of a hall's tables. Raises HubFileError."""
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        if found.pop("schema") != 1:
            raise HubFileError(f"{path} was written by a newer version: update this program")
        return Hub(**{**found, "others": tuple(found["others"])})
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HubFileError(f"{path} can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError):
        raise HubFileError(f"{path} names no hub: put it back from a backup, or enrol this box anew") from None


def save_hub(path: Path, hub: Hub) -> None:
    """Writes it, durable and private. Raises OSError."""
    replace_file(path, json.dumps({"schema": 1, **asdict(hub)}, indent=1).encode(), durable=True, private=True)


def with_key(hub: Hub, key_id: str, key: str) -> Hub:
    return replace(hub, key_id=key_id, key=key)
