"""A shot in words: what a card and the shot's page say of it. What nobody measured is `–`, never a guess."""

from dataclasses import dataclass

from markupsafe import Markup

from edge.hall.plays import PlayedBy
from kiosk.balls_svg import ball_icon
from kiosk.texts import Translate
from vision.balls import BallSet
from vision.model import Shot

SURE = 0.9  # a word that is likelier than this stands without a mark


@dataclass(frozen=True, slots=True)
class Fact:
    """One measured thing: its label, the number or word, its unit and how far it may be off; for a word, how
    likely it is."""

    name: str
    label: str
    value: str
    unit: str = ""
    plus_minus: str = ""


@dataclass(frozen=True, slots=True)
class Flag:
    """A word about the shot; one that is only likely is `unsure` and carries a mark."""

    name: str
    word: str
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Potted:
    """A ball that fell: its icon, its name and both with the pocket."""

    icon: Markup
    ball: str
    sentence: str


def ball_name(ball: str, t: Translate) -> str:
    """How people call a ball: `Ball 8`, `Cue ball`, a colour with a capital; one nobody could tell is `A ball`."""
    if ball == "cue":
        return t("ball.cue")
    if "?" in ball or ball.startswith("ball-"):
        return t("ball.unknown")
    base = ball.split("-", maxsplit=1)[0]
    return t("ball.one", ball=base) if base.isdigit() else base.capitalize()


def result_word(shot: Shot, t: Translate) -> str:
    return t(f"result.{shot.result}")


def flags(shot: Shot, t: Translate) -> list[Flag]:
    """What deserves a flag besides the result: the kind of shot, a scratch, a cut-off."""
    return [*_kind_flag(shot, t), *_trouble_flags(shot, t)]


def card_flags(shot: Shot, t: Translate) -> list[Flag]:
    """Those of a card: how the cue ball spun as well, as far as it is known."""
    spins = [s for s in (shot.spin.vertical, shot.spin.side) if s.label not in ("none", "unknown")]
    spun = [_flag(s.label, t(f"spin.{s.label}"), s.confidence, t) for s in spins]
    return [*_kind_flag(shot, t), *spun, *_trouble_flags(shot, t)]


def foul_word(by: PlayedBy, t: Translate) -> str:
    """What foul a shot was, with a mark where sight allows another reading."""
    word = t(f"foul.{(by.foul or '').replace(' ', '_')}")
    return word if by.sure else t("sureness.mark", word=word)


def _kind_flag(shot: Shot, t: Translate) -> list[Flag]:
    if shot.kind == "unknown":
        return []
    other = shot.uncertainty.get("kind")
    return [_flag(shot.kind, t(f"kind.{shot.kind}"), None if other is None else 1 - other, t)]


def _trouble_flags(shot: Shot, t: Translate) -> list[Flag]:
    found = [Flag("scratch", t("result.scratch"))] if shot.scratch else []
    return found if shot.complete else [*found, Flag("incomplete", t("result.incomplete"))]


def _flag(name: str, word: str, probability: float | None, t: Translate) -> Flag:
    if probability is None or probability >= SURE:
        return Flag(name, word)
    return Flag(name, t("sureness.mark", word=word), unsure=True)


def potted_balls(shot: Shot, balls: BallSet, t: Translate) -> list[Potted]:
    """The balls that fell, in the order in which they fell and in the colours of the set in play."""
    found = []
    for pot in sorted(shot.potted, key=lambda pot: pot.t_s):
        name = ball_name(pot.ball, t)
        sentence = t("shot.potted_in", ball=name, pocket=t(f"pocket.{pot.pocket}"))
        found.append(Potted(ball_icon(pot.ball, balls, t("card.potted", ball=name)), name, sentence))
    return found


def card_facts(shot: Shot, t: Translate) -> list[Fact]:
    """The three that matter across the room."""
    facts = {fact.name: fact for fact in _numbers(shot, t)}
    # Without a pot there is no way to a pocket; how far the cue ball had to go is the honest distance then.
    distance = "pocket_distance" if shot.pocket_distance_in is not None else "cue_distance"
    return [facts["cut_angle"], facts[distance], facts["cue_speed"]]


def all_facts(shot: Shot, t: Translate) -> list[Fact]:
    """Everything vision said of the shot, in the order of the shot's page."""
    contact = shot.first_contact
    vertical, side = shot.spin.vertical, shot.spin.side
    first = t("app.unknown") if contact is None else ball_name(contact.ball, t)
    # A shot of an earlier version tells its first contact alone.
    contacts_known = bool(shot.contacts) or (contact is None and bool(shot.paths_in))
    miss_percent = None if shot.difficulty is None else 100 * shot.difficulty
    duration = None if shot.end_s is None else shot.end_s - shot.start_s
    percent = None if shot.confidence is None else 100 * shot.confidence
    return [
        *_numbers(shot, t),
        _likely(t, "vertical_spin", vertical.label, vertical.confidence),
        _likely(t, "side_spin", side.label, side.confidence),
        _measured(t, "difficulty", miss_percent, "percent"),
        Fact("first_contact", t("fact.first_contact"), first),
        Fact("contacts", t("fact.contacts"), str(len(shot.contacts)) if contacts_known else t("app.unknown")),
        Fact("cushions", t("fact.cushions"), str(len(shot.cushions))),
        _measured(t, "duration", duration, "seconds", decimals=1),
        _measured(t, "confidence", percent, "percent"),
    ]


def _likely(t: Translate, name: str, label: str, probability: float | None) -> Fact:
    """A way of spinning, with how likely it is in a word."""
    if label == "unknown":
        return Fact(name, t(f"fact.{name}"), t("app.unknown"))
    sureness = "" if probability is None else (t("sureness.sure") if probability >= SURE else t("sureness.likely"))
    return Fact(name, t(f"fact.{name}"), t(f"spin.{label}"), plus_minus=sureness)


def _numbers(shot: Shot, t: Translate) -> list[Fact]:
    off = shot.uncertainty
    speed_off = off.get("cue_speed_mph")
    return [
        _measured(t, "cut_angle", shot.cut_angle_deg, "degrees", off_by=off.get("cut_angle_deg")),
        _measured(t, "cue_speed", shot.cue_speed_mph, "mph", decimals=1, off_by=speed_off),
        _measured(t, "cue_distance", shot.cue_distance_in, "inches", off_by=off.get("cue_distance_in")),
        _measured(t, "pocket_distance", shot.pocket_distance_in, "inches", off_by=off.get("pocket_distance_in")),
    ]


def _measured(
    t: Translate, name: str, value: float | None, unit: str, *, decimals: int = 0, off_by: float | None = None
) -> Fact:
    label = t(f"fact.{name}")
    if value is None:
        return Fact(name, label, t("app.unknown"))
    plus_minus = "" if off_by is None else off_by_text(off_by, decimals)
    number, sign = f"{value:.{decimals}f}", t(f"unit.{unit}")
    if unit == "degrees":  # written close up, as large as the number
        return Fact(name, label, number + sign, "", plus_minus)
    return Fact(name, label, number, sign, plus_minus)


def off_by_text(value: float, decimals: int) -> str:
    """± never reads as zero: what rounds away gets more decimals, up to four."""
    while round(value, decimals) == 0 and decimals < 4:
        decimals += 1
    return f"±\N{NO-BREAK SPACE}{value:.{decimals}f}"
