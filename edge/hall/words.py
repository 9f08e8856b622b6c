"""Words that stand nowhere: nobody is shamed. A test holds every text of the kiosk against them."""

import re
import unicodedata

NOWHERE = (
    "beginner",
    "weak",
    "weakest",
    "b-team",
    "b team",
    "novice",
    "newbie",
    "noob",
    "loser",
    "losers",
    "worst",
    "hopeless",
    "last place",
    "second class",
)

_FOUND = re.compile("|".join(rf"(?<!\w){re.escape(word)}s?(?!\w)" for word in NOWHERE))


def nowhere_word(text: str) -> str | None:
    """The first word in a text that stands nowhere, whatever its case and letters' forms; None without one."""
    found = _FOUND.search(unicodedata.normalize("NFKC", text).casefold().replace("_", " "))
    return None if found is None else found.group()
