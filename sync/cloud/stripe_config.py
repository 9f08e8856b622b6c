"""How this cloud reaches Stripe: a key, the secret of its webhooks, and the sandbox's address in place of
Stripe's.

They stand in a file of their own that only its user reads, or in the environment; never in the database, which is
backed up and looked at. Without them there are scores and winners, and nothing is paid.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FILE = "stripe.json"
TEST, LIVE = ("sk_test_", "rk_test_"), ("sk_live_", "rk_live_")


class StripeConfigError(Exception):
    """It can't be used; the text says why, without a key."""


@dataclass(frozen=True, slots=True)
class StripeConfig:
    """`webhook` is what Stripe signs its webhooks with, empty where none come; `address` is the sandbox's, None
    for Stripe itself. `live` says that a person has agreed, twice, to real money."""

    key: str
    webhook: str = ""
    address: str | None = None
    live: bool = False

    def __post_init__(self) -> None:
        if not self.key.startswith(TEST + LIVE):
            raise StripeConfigError("a key of Stripe begins with sk_test_, rk_test_, sk_live_ or rk_live_")
        if is_live(self.key) and self.address is not None:
            raise StripeConfigError("a live key is never given to a sandbox")
        if is_live(self.key) and not self.live:
            raise StripeConfigError("that key moves real money: ladder cloud stripe asks for it, twice")

    def __repr__(self) -> str:
        return f"StripeConfig({'live' if is_live(self.key) else 'test'}, {self.address or 'Stripe'})"


def is_live(key: str) -> bool:
    return key.startswith(LIVE)


def load_config(folder: Path, environ: Mapping[str, str] = os.environ) -> StripeConfig | None:
    """The environment's (`LADDER_STRIPE_KEY`, `LADDER_STRIPE_WEBHOOK`, `LADDER_STRIPE_ADDRESS`), else the file's,
    or None. A live key counts only from the file. Raises StripeConfigError."""
    key = environ.get("LADDER_STRIPE_KEY")
    if key:
        return StripeConfig(
            key, environ.get("LADDER_STRIPE_WEBHOOK", ""), environ.get("LADDER_STRIPE_ADDRESS") or None
        )
    try:
        found = json.loads((folder / FILE).read_bytes())
        return StripeConfig(str(found["key"]), str(found["webhook"]), found["address"], bool(found["live"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StripeConfigError(f"{folder / FILE} can't be read: run ladder cloud stripe again") from error


def save_config(folder: Path, config: StripeConfig) -> Path:
    """Writes the file, durable and private. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = {
        "schema": 1,
        "key": config.key,
        "webhook": config.webhook,
        "address": config.address,
        "live": config.live,
    }
    path, made = folder / FILE, folder / f"{FILE}.new"
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    made.replace(path)
    return path
