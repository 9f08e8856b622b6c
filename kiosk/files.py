"""Files that are given out: what they are called, and what is written of who has no name here."""

from collections.abc import Iterator

from flask import Response

from edge.stats.export import Unnamed
from kiosk.box import box


def unnamed() -> Unnamed:
    """What stands in a file for a guest, and for whoever is not here any more."""
    t = box().t
    return Unnamed(t("me.guest.name"), t("me.former"))


def csv_file(lines: Iterator[str] | str, name: str) -> Response:
    """A file for a spreadsheet, sent as it is read; `name` is of the program's making."""
    return file(lines, f"{name}.csv", "text/csv")


def file(content: Iterator[bytes] | Iterator[str] | str, name: str, mimetype: str) -> Response:
    """A file to be kept, under that name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, mimetype=mimetype, headers=headers)
