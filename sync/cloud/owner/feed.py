"""A hall's feed: who trained best, month by month, each with a line of our own."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sync.cloud import names, rewards
from sync.cloud.db import Conn
from sync.cloud.rewards import Reward

MOST_POSTS = 8
STRIDE = 5  # has no divisor in common with how many taglines there are

TAGLINES = (
    "Showed up, racked up, went home better.",
    "The cue ball did what it was told.",
    "Hours at the table, and it shows.",
    "A month of small corrections, and one big climb.",
    "Drill by drill, rack by rack.",
    "Quiet work, and a score that speaks up.",
    "Chalk on the fingers, a plan in the head.",
    "Good habits hold up under the lights.",
    "One more rack, evening after evening.",
    "The long pots have become shorter ones.",
    "Practice made this one look easy.",
    "The table was kept warm all month.",
    "Every miss was looked at, and used.",
    "Came for an hour, stayed for the last drill.",
)


@dataclass(frozen=True, slots=True)
class Post:
    """A winner of a month. `name` is None for who is not shown."""

    reward: Reward
    name: str | None
    tagline: str


def tagline(reward: Reward) -> str:
    """Always the same for a reward, and not that of the hall's months around it."""
    digest = hashlib.sha256(f"{reward.hall_id} {reward.slot}".encode()).digest()
    months = 12 * int(reward.period[:4]) + int(reward.period[5:])
    return TAGLINES[(int.from_bytes(digest[:8], "big") + STRIDE * months) % len(TAGLINES)]


def posts_of(conn: Conn, hall_id: str, limit: int = MOST_POSTS) -> list[Post]:
    """A hall's winners, the latest month first. What was taken back is not told."""
    found = [one for one in rewards.of_hall(conn, hall_id, limit=2 * limit) if one.state != "reverted"][:limit]
    return with_names(conn, hall_id, found)


def with_names(conn: Conn, hall_id: str, found: Sequence[Reward]) -> list[Post]:
    named = names.names_of(conn, hall_id, [one.player_id for one in found])
    return [Post(one, named.get(one.player_id), tagline(one)) for one in found]
