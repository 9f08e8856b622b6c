"""Ladders in words and in a drawing: deadlines, terms, and the arrows of challenges beside the rungs."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from markupsafe import Markup

from edge.hall.ladders import Challenge, Standing, Terms
from kiosk.box import box
from kiosk.wording import full_date, game_name

LANES = 4  # arrows beside each other; more share the last one
LANE = 1 / 3  # of a rung's height
ASIDE = 0.13  # an arrow leaves a rung above its middle and arrives below it, so that two never lie on each other
RECENT_DAYS = 14  # for so long a change of place is shown


def due_words(challenge: Challenge, today: str) -> str:
    """How long there is for a challenge."""
    t, days = box().t, (date.fromisoformat(challenge.deadline) - date.fromisoformat(today)).days
    if challenge.declined_at is not None:
        return t("ladders.due.declined")
    if days < 0:
        return t("ladders.due.over", date=full_date(challenge.deadline))
    if days <= 1:
        return t("ladders.due.today") if days == 0 else t("ladders.due.tomorrow")
    return t("ladders.due.days", count=days)


def due_short(challenge: Challenge, today: str) -> str:
    """The same beside a rung: the days that are left."""
    t, days = box().t, (date.fromisoformat(challenge.deadline) - date.fromisoformat(today)).days
    if challenge.declined_at is not None:
        return t("ladders.due.short_declined")
    return t("ladders.due.short_over") if days < 0 else t("ladders.due.short", count=days)


def terms_words(terms: Terms) -> str:
    """What is played, and how far at least."""
    return play_words(terms.game, terms.race_to)


def play_words(game: str | None, race_to: int) -> str:
    """A game, None being any, and the least race that counts."""
    t = box().t
    name = t("ladders.any_game") if game is None else game_name(game)
    kind = "points" if game == "straight pool" else "race"
    return t(f"ladders.terms.{kind}", game=name, race=race_to)


def recent_move(one: Standing, today: str) -> int:
    """By how many places somebody has moved of late; up is more than none."""
    moved = date.fromisoformat(one.moved_at[:10])
    return one.moved if (date.fromisoformat(today) - moved).days <= RECENT_DAYS else 0


def lanes_of(arrows: Sequence[tuple[int, int]]) -> list[int]:
    """The lane of each arrow between two places, from 0 on: those that overlap lie beside each other, the shorter
    nearer to the rungs."""
    ends: list[list[tuple[int, int]]] = []
    lanes: dict[int, int] = {}
    for i, arrow in sorted(enumerate(arrows), key=lambda one: abs(one[1][0] - one[1][1])):
        top, bottom = sorted(arrow)
        free = (n for n, taken in enumerate(ends) if all(bottom < a or b < top for a, b in taken))
        lane = next(free, len(ends))
        if lane == len(ends):
            ends.append([])
        ends[lane].append((top, bottom))
        lanes[i] = min(lane, LANES - 1)
    return [lanes[i] for i in range(len(arrows))]


def arrows_svg(arrows: Sequence[tuple[int, int, str]], rungs: int) -> Markup:
    """Arrows beside a division's rungs, each from a place to another with the class that colours it; nothing
    without any. One unit is a rung's height."""
    if not arrows:
        return Markup()
    lanes = lanes_of([(low, high) for low, high, _ in arrows])
    wide = (max(lanes) + 1) * LANE + 0.1
    drawn = Markup().join(
        Markup('<path class="{}" d="M0 {:.2f}H{:.2f}V{:.2f}H.06m.13 -.12l-.13 .12l.13 .12"/>').format(
            name, low - 0.5 - ASIDE, (lane + 0.75) * LANE, high - 0.5 + ASIDE
        )
        for (low, high, name), lane in zip(arrows, lanes, strict=True)
    )
    return Markup('<svg class="arrows lanes-{}" viewBox="0 0 {:.3f} {}" aria-hidden="true">{}</svg>').format(
        max(lanes) + 1, wide, rungs, drawn
    )


HELPERS: dict[str, Callable[..., Any]] = {
    "due_words": due_words,
    "due_short": due_short,
    "terms_words": terms_words,
    "play_words": play_words,
    "recent_move": recent_move,
    "arrows_svg": arrows_svg,
}
