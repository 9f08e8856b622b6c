"""Balls as SVG: one symbol per ball of the set, drawn in its colours, and small icons.

A symbol's radius is 1 and its view reaches to 1.08, so an icon of a ball is a little larger than the ball.
Symbols are of the set in play now; an icon is drawn in full, since its shot may be of another set.
"""

import re

from markupsafe import Markup, escape

from vision.balls import Ball, BallSet, ball_sets

EDGE = 1.08
_VIEW = f"{-EDGE} {-EDGE} {2 * EDGE} {2 * EDGE}"
IVORY = (242, 238, 222)
NEUTRAL = (128, 134, 140)
UNKNOWN = (
    Ball("solid?", "solid", NEUTRAL),
    Ball("stripe?", "stripe", NEUTRAL, striped=True),
    Ball("unknown", "unknown", (96, 102, 108)),
)
_SHADE = (
    '<radialGradient id="ball-shade" cx=".36" cy=".3" r=".78">'
    '<stop offset="0" stop-color="#fff" stop-opacity=".5"/>'
    '<stop offset=".32" stop-color="#fff" stop-opacity=".06"/><stop offset=".62" stop-opacity=".1"/>'
    '<stop offset="1" stop-opacity=".62"/></radialGradient>'
    '<radialGradient id="ball-glow"><stop offset="0" stop-opacity=".62"/><stop offset=".55" stop-opacity=".42"/>'
    '<stop offset="1" stop-opacity="0"/></radialGradient>'
)


def ball_set(name: str) -> BallSet:
    """The set of that name, American pool for a name nobody knows."""
    sets = ball_sets()
    return sets.get(name, sets["american"])


def symbol_id(ball: str) -> str:
    """The symbol that draws a ball: `red-3` is a red, `solid?` a grey solid, `ball-7` an unknown ball."""
    base = ball.split("-", maxsplit=1)[0]
    if base in ("solid?", "stripe?"):
        return f"ball-{base[:-1]}-unknown"
    known = re.fullmatch(r"[a-z0-9]{1,12}", base) is not None and base != "ball"
    return f"ball-{base}" if known else "ball-unknown"


def ball_rgb(ball: str, balls: BallSet) -> tuple[int, int, int]:
    """The colour a ball is known by; grey when it is not known."""
    base = ball.split("-", maxsplit=1)[0]
    return next((b.rgb for b in balls.balls if b.name == base), NEUTRAL)


def is_striped(ball: str, balls: BallSet) -> bool:
    return ball.startswith("stripe?") or any(b.striped for b in balls.balls if b.name == ball)


def hex_colour(rgb: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def sprite(balls: BallSet) -> Markup:
    """Every ball's symbol, to stand once in a page; nothing of it shows by itself."""
    symbols = "".join(_symbol(ball) for ball in (*balls.balls, *UNKNOWN))
    shadow = '<symbol id="ball-shadow" viewBox="-1.5 -1.5 3 3"><circle r="1.45" fill="url(#ball-glow)"/></symbol>'
    return Markup(
        '<svg class="sprite" width="0" height="0" xmlns="http://www.w3.org/2000/svg" aria-hidden="true">'
        f"<defs>{_SHADE}</defs>{symbols}{shadow}</svg>"
    )


def ball_icon(ball: str, balls: BallSet, label: str) -> Markup:
    """A small picture of a ball of this set, for a page that carries the sprite of any: its shade is used."""
    base = ball.split("-", maxsplit=1)[0]
    known = (b for b in (*balls.balls, *UNKNOWN) if b.name == base)
    drawing = Markup(_drawing(next(known, UNKNOWN[-1])))
    return Markup('<svg class="ball-icon" viewBox="{}" role="img" aria-label="{}">{}</svg>').format(
        _VIEW, label, drawing
    )


def _symbol(ball: Ball) -> str:
    return f'<symbol id="{symbol_id(ball.name)}" viewBox="{_VIEW}" overflow="visible">{_drawing(ball)}</symbol>'


def _drawing(ball: Ball) -> str:
    white = hex_colour(IVORY)
    body = white if ball.striped else hex_colour(ball.rgb)
    band = (
        f'<path d="M-.84-.54A1 1 0 0 0-.84.54H.84A1 1 0 0 0 .84-.54Z" fill="{hex_colour(ball.rgb)}"/>'
        if ball.striped
        else ""
    )
    return (
        f'<circle r="1" fill="{body}"/>{band}{_number(ball)}'
        '<circle r="1" fill="url(#ball-shade)"/>'
        '<ellipse cx="-.36" cy="-.5" rx=".2" ry=".12" fill="#fff" fill-opacity=".75"'
        ' transform="rotate(-32 -.36 -.5)"/>'
        '<circle r=".985" fill="none" stroke="#000" stroke-opacity=".4" stroke-width=".05"/>'
    )


def _number(ball: Ball) -> str:
    """The number on its white disc; `?` on a ball that could not be told; none on a cue ball or a colour."""
    text = "?" if ball in UNKNOWN else ball.name
    if not (text.isdigit() or text == "?"):
        return ""
    size = 0.86 if len(text) == 1 else 0.7
    return (
        f'<circle r=".55" fill="{hex_colour(IVORY)}"/><text y="{size * 0.36:.2f}" font-size="{size}" '
        'font-weight="800" text-anchor="middle" fill="#16181a" font-family="Archivo,sans-serif"'
        f">{escape(text)}</text>"
    )
