"""What the page of the table's condition shows: figures and words of the table and of the box's eye."""

from dataclasses import dataclass, field

from markupsafe import Markup

from calibration.table import Table
from kiosk.shot_words import Fact, off_by_text
from kiosk.technician.condition_svg import condition_svg, pace_svg
from kiosk.texts import Translate
from vision.condition import LEAST_SHOTS, condition, pace, slope
from vision.feel import Estimate, Feel
from vision.live import Learnt
from vision.quality import Quality

MM_PER_M = 1000.0


@dataclass(frozen=True, slots=True)
class ConditionPage:
    """The page: `verdict` is one of `unseen`, `learning`, `needed`, `fine`; `text` its sentence, `warnings` what
    to do. `drawing` lies over the table's; `pace` is the cloth's speed on a scale."""

    table: Table
    verdict: str
    title: str
    text: str = ""
    warnings: tuple[str, ...] = ()
    drawing: Markup = field(default_factory=Markup)
    pace: Markup = field(default_factory=Markup)
    facts: list[Fact] = field(default_factory=list)
    sight: list[Fact] = field(default_factory=list)


def condition_page(learnt: Learnt | None, table: Table, t: Translate) -> ConditionPage:
    """The page for what is known; without it, for a table nobody watches."""
    if learnt is None:
        return ConditionPage(table, "unseen", t("condition.unseen"), t("condition.unseen_text"))
    feel, quality = learnt.feel, learnt.quality
    warnings = (*condition(feel).warnings, *(_sentence(w) for w in quality.warnings()))
    verdict, text = "needed" if warnings else "fine", ""
    if feel.shots < LEAST_SHOTS:
        verdict = "needed" if warnings else "learning"
        text = t("condition.learning_text", shots=feel.shots, least=LEAST_SHOTS)
    return ConditionPage(
        table,
        verdict,
        t(f"condition.{verdict}"),
        text,
        warnings,
        condition_svg(feel, table, t),
        pace_svg(feel.rolling) if feel.shots else Markup(),
        table_facts(feel, t),
        sight_facts(quality, t),
    )


def table_facts(feel: Feel, t: Translate) -> list[Fact]:
    """The table in figures; what no shot has told yet is unknown, not usual."""
    speed = t(f"pace.{pace(feel.rolling).replace(' ', '-')}")
    facts = [
        Fact("cloth", t("condition.cloth"), speed, f"{feel.rolling.value:.4f}", off_by_text(feel.rolling.sd, 4)),
        Fact("grip", t("condition.grip"), f"{feel.sliding.value:.2f}", "", off_by_text(feel.sliding.sd, 2)),
        Fact("rails", t("condition.rails"), f"{feel.rail.value:.2f}", "", off_by_text(feel.rail.sd, 2)),
        _fall(feel, t),
    ]
    if not feel.shots or not feel.rails:
        facts[2] = Fact("rails", t("condition.rails"), t("app.unknown"))
    if not feel.shots:
        facts = [Fact(fact.name, fact.label, t("app.unknown")) for fact in facts]
    return [*facts, Fact("learnt", t("condition.shots"), str(feel.shots))]


def sight_facts(quality: Quality, t: Translate) -> list[Fact]:
    """How well the box sees, since the source was opened; nothing before a shot."""
    if not quality.shots:
        return []
    percent = t("unit.percent")
    return [
        Fact("seen", t("sight.seen"), f"{100 * (1 - quality.unseen_share):.1f}", percent),
        Fact("lost", t("sight.lost"), t("sight.lost_of", lost=quality.lost, balls=quality.balls)),
        Fact("scatter", t("sight.scatter"), f"{quality.mean_scatter_mm:.1f}", t("unit.mm")),
        Fact("misfits", t("sight.misfits"), f"{100 * quality.misfit_share:.0f}", percent),
        Fact("swaps", t("sight.swaps"), str(quality.swaps)),
        Fact("watched", t("sight.shots"), str(quality.shots)),
    ]


def _fall(feel: Feel, t: Translate) -> Fact:
    fall = slope(feel)
    mm = Estimate(MM_PER_M * fall.value, MM_PER_M * fall.sd)
    return Fact("fall", t("condition.fall"), f"{mm.value:.1f}", t("unit.mm_per_m"), off_by_text(mm.sd, 1))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
