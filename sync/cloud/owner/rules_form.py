"""The rules as a form: each setting with its default and the reason for it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sync.cloud.rules import MOST_LOOK_HOURS, Rules, RulesError

NEVER = "never"  # the box that leaves a month to a person


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    words: str


@dataclass(frozen=True, slots=True)
class Field:
    """A setting: one of some choices, or a number from `least` to `most` in steps."""

    name: str
    label: str
    usual: str
    reason: str
    choices: tuple[Choice, ...] = ()
    least: float = 0
    most: float = 0
    step: str = "1"
    unit: str = ""


FIELDS = (
    Field(
        "winners",
        "Who wins",
        "one a hall",
        "One makes it worth winning. One a ladder gives as many rewards as there are ladders.",
        (Choice("hall", "one a hall"), Choice("ladder", "one a ladder")),
    ),
    Field(
        "by",
        "What is compared",
        "the score",
        "It has the hours in it, and how well was trained and played; hours alone reward being there.",
        (Choice("score", "the score; with equal scores the hours"), Choice("hours", "the hours; then the score")),
    ),
    Field(
        "same_player",
        "When one player is first on two ladders",
        "the runner-up has the second",
        "A player has one reward a month; so the second goes to who came next.",
        (Choice("runner-up", "the runner-up has the second"), Choice("nobody", "nobody has the second")),
    ),
    Field(
        "least_sessions",
        "Sessions needed to win",
        "4 sessions",
        "About once a week: one long evening is not a month of training.",
        least=1,
        most=1000,
        unit="sessions",
    ),
    Field(
        "least_hours",
        "Hours needed to win",
        "3 hours",
        "So that a high score comes of more than a few good racks.",
        most=744,
        step="0.5",
        unit="hours",
    ),
    Field(
        "free_month",
        "A whole month free",
        "yes",
        "A winner on several ladders that are well attended gets the whole month, in place of two rewards.",
        (Choice("yes", "yes, for a winner on enough ladders that count"), Choice("no", "no, always half")),
    ),
    Field(
        "free_ladders",
        "Ladders for a free month",
        "2 ladders",
        "Two are enough, also for a winner on three of which only two count.",
        least=2,
        most=20,
        unit="ladders",
    ),
    Field(
        "active_players",
        "Players who make a ladder count",
        "5 players",
        "So many must have trained on it that month, or winning it says little.",
        least=1,
        most=1000,
        unit="players",
    ),
    Field(
        "counted",
        "Counted with the winner, or without",
        "in all",
        "Five in all, with the winner among them; five others would make it six.",
        (Choice("in all", "in all, the winner too"), Choice("others", "others, the winner not")),
    ),
)  # fmt: skip
LOOK = Field(
    "look_hours",
    "Hours to look at it, before it is decided by itself",
    f"{Rules().look_hours} hours",
    "From when the scores are frozen on. Time to look on the same day, and soon enough for the next invoice.",
    most=MOST_LOOK_HOURS,
    unit="hours",
)


def values_of(rules: Rules) -> dict[str, str]:
    """What stands in the form for these rules."""
    found = {field.name: f"{getattr(rules, field.name)}" for field in FIELDS}
    look = Rules().look_hours if rules.look_hours is None else rules.look_hours
    return {
        **found,
        "least_hours": f"{rules.least_hours:g}",
        "free_month": "yes" if rules.free_month else "no",
        "look_hours": f"{look}",
        NEVER: "1" if rules.look_hours is None else "",
    }


def typed_values(form: Mapping[str, str]) -> dict[str, str]:
    """What was typed, to be shown again."""
    return {name: form.get(name, "")[:40] for name in (*(field.name for field in FIELDS), LOOK.name, NEVER)}


def read_form(form: Mapping[str, str]) -> Rules:
    """Raises RulesError, in words for who has typed."""
    return Rules(
        winners=_choice(form, "winners"),  # type: ignore[arg-type]
        by=_choice(form, "by"),  # type: ignore[arg-type]
        same_player=_choice(form, "same_player"),  # type: ignore[arg-type]
        counted=_choice(form, "counted"),  # type: ignore[arg-type]
        free_month=_choice(form, "free_month") == "yes",
        least_sessions=_whole(form, "least_sessions"),
        least_hours=_number(form, "least_hours"),
        free_ladders=_whole(form, "free_ladders"),
        active_players=_whole(form, "active_players"),
        look_hours=None if form.get(NEVER) else _whole(form, "look_hours"),
    )


def changes(before: Rules, after: Rules) -> str:
    """What is other now, in the program's own words."""
    old, new = before.to_json(), after.to_json()
    return ", ".join(f"{name}: {old[name]} → {new[name]}" for name in new if old[name] != new[name])


def _field(name: str) -> Field:
    return next(field for field in (*FIELDS, LOOK) if field.name == name)


def _choice(form: Mapping[str, str], name: str) -> str:
    field, value = _field(name), form.get(name, "")
    if value not in {choice.value for choice in field.choices}:
        raise RulesError(f"{field.label}: choose one.")
    return value


def _whole(form: Mapping[str, str], name: str) -> int:
    value = _number(form, name)
    if value != int(value):
        raise RulesError(f"{_field(name).label}: type a whole number.")
    return int(value)


def _number(form: Mapping[str, str], name: str) -> float:
    field, text = _field(name), form.get(name, "").strip().replace(",", ".")
    try:
        value = float(text) if len(text) <= 10 else float("nan")
    except ValueError:
        value = float("nan")
    if not field.least <= value <= field.most:
        raise RulesError(f"{field.label}: type a number from {field.least:g} to {field.most:g}.")
    return value
