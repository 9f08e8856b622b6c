"""Where this kiosk listens, for the pages that tell it: the plain port, and the one of HTTPS."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

EXTENSION = "lines"


@dataclass(frozen=True, slots=True)
class Lines:
    """The command line may have named another port than the settings. No `secure_port`: there is no HTTPS.

    `fingerprint` is the certificate's, as browsers show it.
    """

    port: int | None = None
    secure_port: int | None = None
    fingerprint: str = ""


def install(app: Flask, lines: Lines) -> None:
    app.extensions[EXTENSION] = lines


def lines() -> Lines:
    """Where the application that answers listens; nowhere that is known, when no server runs it."""
    return cast(Lines, current_app.extensions.get(EXTENSION, Lines()))
