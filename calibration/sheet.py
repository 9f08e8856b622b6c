"""The sheet of markers to print, as a PDF of true size, and the layout of where they are to be stuck."""

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np

from calibration.markers import LAYOUT_SCHEMA, Marker, aruco_dictionary
from calibration.table import MM_PER_IN, Table

# Width and height of the paper in millimetres.
PAGES = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
POINTS_PER_MM = 72 / 25.4
MARGIN_MM = 12.0
# Markers go on the line of the diamonds, 3 11/16 in behind the nose [WPA], on wood about 0.2 in above it.
BEHIND_IN, ABOVE_NOSE_IN = 3.6875, 0.2


@dataclass(frozen=True)
class Place:
    """A marker and where to stick it, in words."""

    marker: Marker
    words: str


def standard_places(table: Table, side_mm: float) -> list[Place]:
    """Six markers: two on each long rail, one on each short rail, all between diamonds."""
    L, W, b = table.length_in, table.width_in, BEHIND_IN
    z = table.nose_height_in + ABOVE_NOSE_IN
    spots = [
        (L * 3 / 16, -b, "right"),
        (L * 13 / 16, -b, "right"),
        (L + b, W * 3 / 8, "foot"),
        (L * 13 / 16, W + b, "left"),
        (L * 3 / 16, W + b, "left"),
        (-b, W * 3 / 8, "head"),
    ]
    return [
        Place(
            Marker(i, (x, y, z), side_mm / MM_PER_IN),
            f"{rail} rail: centre {b:.2f} in behind the nose, "
            + (
                f"{x:.2f} in from the head end's nose"
                if rail in ("left", "right")
                else f"{y:.2f} in from the right nose"
            ),
        )
        for i, (x, y, rail) in enumerate(spots)
    ]


def layout_json(table: Table, places: list[Place], dictionary: str) -> dict[str, Any]:
    """The layout file that `calibration.markers.load_layout` reads, in inches from the origin corner."""
    return {
        "schema": LAYOUT_SCHEMA,
        "dictionary": dictionary,
        "table": asdict(table),
        "axes": "inches; the origin is the nose corner of the head and right rails, x along the length to the "
        "foot, y to the left rail, z up from the cloth",
        "markers": {
            str(p.marker.id): {
                "centre_in": [round(v, 4) for v in p.marker.centre_in],
                "side_in": round(p.marker.side_in, 4),
            }
            for p in places
        },
    }


def sheet_pdf(table: Table, places: list[Place], dictionary: str, page: str) -> bytes:
    """The PDF: markers in true size with what to do, a drawing of the table, and a line to check the printer.

    Raises ValueError for an unknown dictionary, or one with too few markers.
    """
    aruco = aruco_dictionary(dictionary)
    if len(aruco.bytesList) < len(places):
        raise ValueError(
            f"the dictionary {dictionary} has only {len(aruco.bytesList)} markers, {len(places)} are needed"
        )
    width, height = PAGES[page]
    pages = [_instructions(table, places, width, height)]
    cell = places[0].marker.side_in * MM_PER_IN / (aruco.markerSize + 2)
    full = places[0].marker.side_in * MM_PER_IN + 2 * cell
    across = max(1, int((width - 2 * MARGIN_MM) // (full + 10)))
    down = max(1, int((height - 2 * MARGIN_MM) // (full + 22)))
    for start in range(0, len(places), across * down):
        drawn = []
        for i, place in enumerate(places[start : start + across * down]):
            left = MARGIN_MM + (i % across) * (full + 10)
            top = height - MARGIN_MM - (i // across) * (full + 22)
            drawn.append(_marker(aruco, place, left, top, cell))
        pages.append("\n".join(drawn))
    return _pdf(pages, width, height)


def _marker(aruco: Any, place: Place, left: float, top: float, cell: float) -> str:
    """A marker's cells with a white border a cell wide inside a thin line to cut along, and its text below."""
    n = aruco.markerSize + 2
    bits = cv2.aruco.generateImageMarker(aruco, place.marker.id, n)
    full = (n + 2) * cell
    parts = [f"0.2 w 0.7 G {_rectangle(left, top - full, full, full)} S"]
    # Cells overlap by a hair, or the printer leaves white lines between them.
    parts += [
        f"{_rectangle(left + (c + 1) * cell, top - (r + 2) * cell, cell + 0.02, cell + 0.02)} f"
        for r, c in zip(*np.nonzero(bits == 0), strict=True)
    ]
    rows = _split(f"{place.marker.id}: {place.words}", 34)
    parts += [_text(left, top - full - 4 - 4 * i, 8, row) for i, row in enumerate(rows)]
    return "\n".join(parts)


def _instructions(table: Table, places: list[Place], width: float, height: float) -> str:
    """The first page: what to do, the table from above with every marker's place, and a line of 100 mm."""
    lines = [
        f"Markers for a table ({table.name}) of {table.length_in:.5g} x {table.width_in:.5g} in between its noses",
        "1. Print at 100 % (no fitting to the page). The line below must measure 100 mm.",
        "2. Cut along the thin lines: the white border belongs to the marker.",
        "3. Stick each flat on top of the rail where its text says. Any way round will do.",
        "4. Measure from each centre to the noses. Where one sits elsewhere, write its place",
        "   into the layout file (.json beside this sheet), also the height above the cloth.",
        "5. ladder calibrate CAMERA --markers layout.json --out calibration.json",
    ]
    top = height - MARGIN_MM - 6
    parts = [_text(MARGIN_MM, top - 7 * i, 10, line) for i, line in enumerate(lines)]
    ruler = top - 7 * len(lines) - 6
    parts.append(f"0.5 w 0 G {_mm(MARGIN_MM)} {_mm(ruler)} m {_mm(MARGIN_MM + 100)} {_mm(ruler)} l S")
    parts += [
        f"{_mm(MARGIN_MM + x)} {_mm(ruler - 2)} m {_mm(MARGIN_MM + x)} {_mm(ruler + 2)} l S" for x in (0, 50, 100)
    ]
    scale = (width - 2 * MARGIN_MM) / (table.length_in + 12)
    left, bottom = MARGIN_MM + 6 * scale, ruler - 20 - (table.width_in + 6) * scale
    for beyond in (0.0, 2.0, 5.5):
        size = ((table.length_in + 2 * beyond) * scale, (table.width_in + 2 * beyond) * scale)
        parts.append(f"0.4 w 0 G {_rectangle(left - beyond * scale, bottom - beyond * scale, *size)} S")
    for place in places:
        x, y, _ = place.marker.centre_in
        parts.append(f"{_rectangle(left + x * scale - 1.5, bottom + y * scale - 1.5, 3, 3)} f")
        parts.append(_text(left + x * scale + 2, bottom + y * scale + 2, 9, str(place.marker.id)))
    parts.append(_text(left + 2, bottom + 2, 9, "origin; x to the right (foot), y up (left rail)"))
    parts.append(
        _text(
            left - 5 * scale,
            bottom - 5.5 * scale - 6,
            9,
            "head rail on the left, foot rail on the right, right rail below",
        )
    )
    return "\n".join(parts)


def _split(text: str, letters: int) -> list[str]:
    rows = [""]
    for word in text.split():
        if rows[-1] and len(rows[-1]) + 1 + len(word) > letters:
            rows.append("")
        rows[-1] = f"{rows[-1]} {word}".strip()
    return rows


def _mm(value: float) -> str:
    return f"{value * POINTS_PER_MM:.3f}"


def _rectangle(left: float, bottom: float, width: float, height: float) -> str:
    return f"{_mm(left)} {_mm(bottom)} {_mm(width)} {_mm(height)} re"


def _text(left: float, bottom: float, points: float, text: str) -> str:
    safe = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F1 {points:g} Tf 0 g {_mm(left)} {_mm(bottom)} Td ({safe}) Tj ET"


def _pdf(pages: list[str], width_mm: float, height_mm: float) -> bytes:
    """A PDF 1.4 file of pages of drawing operators [ISO 32000-1, 7.5]: objects, cross-reference table, trailer."""
    count = len(pages)
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(count))
    box = f"[0 0 {_mm(width_mm)} {_mm(height_mm)}]"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for i, content in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Resources << /Font << /F1 3 0 R >> >> "
            f"/Contents {5 + 2 * i} 0 R >>"
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1", "replace")
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)
