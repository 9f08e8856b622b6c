"""A shot in words: how sure they are stands beside them, and what is unknown is a dash."""

import pytest

from kiosk.shot_words import Flag, all_facts, card_flags, flags, off_by_text
from kiosk.texts import translator
from vision.model import Contact, FirstContact, Shot, SideSpin, Spin, VerticalSpin

T = translator()


def shot(**fields: object) -> Shot:
    return Shot("s", 0.0, "miss", scratch=False, **fields)  # type: ignore[arg-type]


def fact(one: Shot, name: str) -> tuple[str, str]:
    found = next(f for f in all_facts(one, T) if f.name == name)
    return found.value, found.plus_minus


@pytest.mark.parametrize(
    ("probability", "said", "word"),
    [(0.97, "sure", "Draw"), (0.9, "sure", "Draw"), (0.62, "likely", "Draw?"), (None, "", "Draw")],
)
def test_spin_says_how_likely_it_is(probability: float | None, said: str, word: str) -> None:
    one = shot(spin=Spin(VerticalSpin("draw", probability), SideSpin()))
    assert fact(one, "vertical_spin") == ("Draw", said)
    assert [flag.word for flag in card_flags(one, T)] == [word]
    assert fact(one, "side_spin") == ("–", "")


def test_no_english_is_a_fact_and_no_flag() -> None:
    one = shot(spin=Spin(VerticalSpin(), SideSpin("none", 0.8)))
    assert fact(one, "side_spin") == ("None", "likely")
    assert card_flags(one, T) == []


@pytest.mark.parametrize(
    ("other", "flag"), [(0.02, Flag("bank", "Bank")), (0.4, Flag("bank", "Bank?", unsure=True))]
)
def test_a_kind_that_is_only_likely_carries_a_mark(other: float, flag: Flag) -> None:
    assert flags(shot(kind="bank", uncertainty={"kind": other}), T) == [flag]


def test_flags_come_in_one_order_with_spin_on_cards_alone() -> None:
    one = Shot(
        "s", 0.0, "miss", scratch=True, complete=False, kind="cut",
        spin=Spin(VerticalSpin("stun", 0.95), SideSpin("right", 0.7)),
    )  # fmt: skip
    assert [f.word for f in card_flags(one, T)] == ["Cut", "Stun", "Right?", "Scratch", "Unfinished"]
    assert [f.word for f in flags(one, T)] == ["Cut", "Scratch", "Unfinished"]


@pytest.mark.parametrize(
    ("off", "decimals", "text"), [(1.6, 0, "2"), (0.3, 0, "0.3"), (0.031, 0, "0.03"), (0.004, 2, "0.004")]
)
def test_what_a_figure_may_be_off_never_reads_as_nothing(off: float, decimals: int, text: str) -> None:
    assert off_by_text(off, decimals) == f"±\N{NO-BREAK SPACE}{text}"


def test_difficulty_is_how_often_it_is_missed() -> None:
    assert fact(shot(difficulty=0.346), "difficulty") == ("35", "")
    assert fact(shot(), "difficulty") == ("–", "")


def test_contacts_are_counted_where_they_were_told() -> None:
    first = FirstContact("3", 1.0, (10.0, 10.0), (12.0, 10.0))
    three = tuple(Contact("cue", ball, t) for ball, t in (("3", 1.0), ("5", 1.4), ("3", 2.0)))
    path = {"cue": ((0.0, 1.0, 1.0), (1.0, 9.0, 9.0))}
    assert fact(shot(first_contact=first, contacts=three), "contacts") == ("3", "")
    assert fact(shot(paths_in=path), "contacts") == ("0", "")
    assert fact(shot(first_contact=first, paths_in=path), "contacts") == ("–", ""), "told by an earlier version"
    assert fact(shot(), "contacts") == ("–", "")
