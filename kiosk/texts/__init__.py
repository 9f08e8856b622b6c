"""Every sentence the kiosk shows, by language: a folder of TOML files each, one an area of the kiosk, read once.

A text is named by its dotted place in its file, `t("status.ended.title")`. What stands in braces is filled in by
the program and stays as it is in a translation. Texts are short: they are read from two metres away.
"""

import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

Translate = Callable[..., str]

DEFAULT = "en"


@cache
def catalogue(language: str = DEFAULT) -> dict[str, str]:
    """All texts of a language by dotted name. Raises FileNotFoundError for a language there is no folder of."""
    texts: dict[str, str] = {}
    for file in files("kiosk.texts").joinpath(language).iterdir():
        if file.name.endswith(".toml"):
            found = dict(_flat(tomllib.loads(file.read_text(encoding="utf-8")), ""))
            assert not texts.keys() & found.keys(), f"{file.name} names a text that another file has"
            texts |= found
    return texts


def translator(language: str = DEFAULT) -> Translate:
    """The `t` of a language: `t(name, **fields)`, which raises KeyError for a name that has no text."""
    texts = catalogue(language)

    def t(name: str, /, **fields: object) -> str:
        return texts[name].format(**fields) if fields else texts[name]

    return t


def _flat(data: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in data.items():
        name = f"{prefix}{key}"
        found += _flat(value, f"{name}.") if isinstance(value, dict) else [(name, str(value))]
    return found
