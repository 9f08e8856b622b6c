"""Every sentence the kiosk shows, by language: one TOML file each, read once.

A text is named by its dotted place in the file, `t("status.ended.title")`. What stands in braces is filled in.
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
    """All texts of a language by dotted name. Raises FileNotFoundError for a language there is no file of."""
    data = tomllib.loads(files("kiosk.texts").joinpath(f"{language}.toml").read_text(encoding="utf-8"))
    return dict(_flat(data, ""))


def translator(language: str = DEFAULT) -> Translate:
    """The `t` of a language: `t(name, **fields)`, which raises KeyError for a name that has no text."""
    texts = catalogue(language)

    def t(name: str, **fields: object) -> str:
        return texts[name].format(**fields) if fields else texts[name]

    return t


def _flat(data: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in data.items():
        name = f"{prefix}{key}"
        found += _flat(value, f"{name}.") if isinstance(value, dict) else [(name, str(value))]
    return found
