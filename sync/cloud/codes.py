"""Codes that people read, say and type: twelve characters, of which none look alike."""

import secrets

CHARS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # the same as of a hub's codes
LENGTH = 12  # 60 bits


def new_code() -> str:
    return "".join(secrets.choice(CHARS) for _ in range(LENGTH))


def shown_code(code: str) -> str:
    """As it is read out: `ABCD-EFGH-JKLM`."""
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


def clean_code(typed: str) -> str | None:
    """The code that somebody typed, however it was spaced; None for what is none."""
    code = "".join(char for char in typed.upper() if char in CHARS)
    return code if len(code) == LENGTH else None
