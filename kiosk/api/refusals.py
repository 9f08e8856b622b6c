"""What programs are told of what was refused before a view had a say: a word that stays, and a sentence."""

from collections.abc import Callable

BY_STATUS = {
    400: "unreadable",
    404: "not_found",
    405: "wrong_method",
    413: "too_large",
    500: "broken",
    503: "store_away",
}
# What pages say of these is said to people, who go back or tap something.
_OF_PROGRAMS = {
    *BY_STATUS.values(),
    "check_in_first",
    "not_yours",
    "staff_pin",
    "foreign_page",
    "stale_page",
    "host",
}


def told(t: Callable[..., str], code: int, key: str = "") -> dict[str, str]:
    """The body of the answer; `key` names the refusal, where it has a name of its own."""
    word = key or BY_STATUS.get(code, "broken" if code >= 500 else "unreadable")
    message = t(f"api_error.{word}") if word in _OF_PROGRAMS else t(f"error.{word}.text")
    return {"error": word, "message": message}
