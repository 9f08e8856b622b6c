"""What staff type: short texts that others read (a title, a prize, what the room called out), months."""

import re
import unicodedata

from edge.hall.errors import HallError
from edge.hall.words import nowhere_word


def one_line(text: str, least: int, most: int, key: str) -> str:
    """The text as it is kept: NFC, one space between words, so many characters, all of which can be seen.

    Raises HallError: that key with `_length`, or with `_refused` for signs nobody sees and words that stand
    nowhere.
    """
    line = " ".join(unicodedata.normalize("NFC", text).split())
    if not least <= len(line) <= most:
        raise HallError(f"{key}_length", least=least, most=most)
    if not line.isprintable() or nowhere_word(line) is not None:
        raise HallError(f"{key}_refused")
    return line


def is_month(text: str) -> bool:
    """Whether it is a month written as `2026-01`."""
    return re.fullmatch(r"[12][0-9]{3}-(0[1-9]|1[0-2])", text) is not None


def a_month(text: str) -> str:
    """A month as `2026-01`. Raises HallError `month_unknown` for anything else."""
    if not is_month(text):
        raise HallError("month_unknown")
    return text
