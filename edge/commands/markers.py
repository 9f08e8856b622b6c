"""`ladder markers`: the sheet of markers to print, and the layout that says where they are stuck."""

import json
from pathlib import Path

import click

from calibration.sheet import PAGES, layout_json, sheet_pdf, standard_places
from calibration.table import parse_table
from edge.cli import Failure
from vision.files import FileError, check_writable

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog="Example: ladder markers --table 9ft --out markers.pdf")
@click.option(
    "--table", default="9ft", show_default=True, help="7ft, 8ft, 9ft, snooker or a size such as 92x46in."
)
@click.option("--ball-diameter", type=float, help="In inches, where the balls are not the table's usual ones.")
@click.option("--dictionary", default="DICT_4X4_50", show_default=True, help="The ArUco dictionary.")
@click.option(
    "--side-mm", type=click.FloatRange(20, 80), default=40.0, show_default=True, help="A marker's black side."
)
@click.option("--page", type=click.Choice(sorted(PAGES)), default="a4", show_default=True, help="The paper.")
@click.option(
    "--out", type=_FILE, required=True, help="Where the sheet (PDF) goes; its layout goes beside it (JSON)."
)
def markers(  # noqa: PLR0917
    table: str, ball_diameter: float | None, dictionary: str, side_mm: float, page: str, out: Path
) -> None:
    """Write a sheet of markers to print at 100 %, and its layout for `ladder calibrate --markers`.

    Stick each where the sheet says, measure, and correct the layout file where one sits elsewhere: two
    millimetres matter, how a marker is turned does not.
    """
    layout = out.with_suffix(".json")
    if layout == out:
        raise click.BadParameter("the sheet is a PDF: name it .pdf", param_hint="--out")
    try:
        size = parse_table(table, ball_diameter)
        places = standard_places(size, side_mm)
        pdf = sheet_pdf(size, places, dictionary, page)
        data = layout_json(size, places, dictionary)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        check_writable(out)
        check_writable(layout)
        out.write_bytes(pdf)
        layout.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    except FileError as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"{error.filename} can't be written: {error.strerror}") from error
    click.echo(f"{len(places)} markers for a {size.name} table → {out}, where they go → {layout}")
