"""What programs are told of what was refused before a view had a say: a word that stays, and a sentence."""

from collections.abc import Callable

from kiosk.texts import catalogue

BY_STATUS = {
    400: "unreadable",
    404: "not_found",
    405: "wrong_method",
    413: "too_large",
    500: "broken",
    503: "store_away",
}


def told(t: Callable[..., str], code: int, key: str = "") -> dict[str, str]:
    """The body of the answer; `key` names the refusal, where it has a name of its own."""
    word = key or BY_STATUS.get(code, "broken" if code >= 500 else "unreadable")
    # Some of what pages say is for people, who go back or tap something: programs have a text of their own.
    message = t(f"api_error.{word}") if f"api_error.{word}" in catalogue() else t(f"error.{word}.text")
    return {"error": word, "message": message}
