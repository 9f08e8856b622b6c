"""The month's awards: the owner's rules against a plain recomputation, and what is published stays published."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hall_facts import NOW, Played, erase, make_store, put_days, put_match, put_players, undone, withdraw
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import month_before
from edge.hall import audit, awards, game_sessions, points, undoing, votes
from edge.hall.award_rules import KING_WEEKS, Preview, calculate, kept_up, rise
from edge.hall.awards import TITLE_CHARS, Award
from edge.hall.errors import HallError
from edge.hall.occasion import Occasion

MONTH = "2026-02"
AFTER = Occasion(datetime(2026, 3, 1, 12, tzinfo=UTC), "2026-03-01", "Table 1")
DURING = Occasion(datetime(2026, 2, 28, 12, tzinfo=UTC), "2026-02-28", "Table 1")
FEBRUARY = [f"2026-02-{day:02}" for day in range(1, 29)]
EVENINGS = ["2026-02-03", "2026-02-05", "2026-02-10", "2026-02-17", "2026-02-24"]  # of four weeks


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    features = (game_sessions.migrations, votes.migrations, awards.migrations)
    return make_store(tmp_path_factory.mktemp("awards") / "ladder.db", *features)


@pytest.fixture
def conn(hall: Path) -> Iterator[sqlite3.Connection]:
    with undone(hall) as conn:
        yield conn


def put_evenings(conn: sqlite3.Connection, days: list[str], by: str, *, voided: bool = False) -> None:
    for day in days:
        conn.execute(
            "INSERT INTO game_sessions (id, day, game, race_to, doubles, started_at, started_by, voided_at)"
            " VALUES (?, ?, '8-ball', 1, 0, ?, ?, ?)",
            [f"{day}-{voided}", day, f"{day}T19:00:00.000Z", by, NOW if voided else None],
        )


def settle(conn: sqlite3.Connection, players: list[str]) -> None:
    for player in players:
        points.settle(conn, player, NOW)


def put_games(conn: sqlite3.Connection, players: list[str], won: list[bool], day: str, first_key: int) -> None:
    """So many games of the first against the second, on a day."""
    minute = int((date.fromisoformat(day) - date(2026, 1, 1)).total_seconds() // 60)
    for number, one in enumerate(won):
        put_match(conn, Played(first_key + number, (0, 1) if one else (1, 0), (1, 0), minute + number), players)


def publish(conn: sqlite3.Connection, by: str, month: str = MONTH, here: Occasion = AFTER) -> list[Award]:
    return awards.publish(conn, month, by=by, here=here, seen=calculate(conn, month).digest)


def pairs(preview: Preview) -> set[tuple[str, str]]:
    return {(one.kind, one.player_id) for one in preview.due}


@dataclass(frozen=True, slots=True)
class Story:
    """Two months of a small hall. Places are those of players: the last is a guest, the one before it hidden."""

    matches: list[Played]
    attended: set[tuple[int, str]]
    evenings: list[str]
    votes: dict[tuple[votes.Kind, int], int]


PLAYERS = 6  # and a guest


@st.composite
def stories(draw: st.DrawFn) -> Story:
    rnd = Random(draw(st.integers(0, 2**32)))
    matches = []
    for key in range(rnd.choice([0, 5, 40, 90])):
        winner, other = rnd.sample(range(PLAYERS + 1), 2)
        matches.append(Played(key, (winner, other), (3, rnd.randrange(3)), rnd.randrange(59 * 24 * 60)))
    evenings = sorted(set(rnd.choices(FEBRUARY, k=rnd.choice([0, 3, 5, 9]))))
    days = evenings + FEBRUARY[:2]
    odds = [1.0, 1.0, 0.9, 0.5, 0.2, 1.0, 1.0]
    attended = {(place, day) for place in range(PLAYERS + 1) for day in days if rnd.random() < odds[place]}
    cast = {
        (kind, voter): rnd.choice([one for one in range(PLAYERS) if one != voter])
        for kind in votes.KINDS
        for voter in range(PLAYERS)
        if rnd.random() < 0.7
    }
    return Story(matches, attended, evenings, cast)


def expected(story: Story) -> set[tuple[str, int]]:
    """The owner's words, place by place."""
    seen = range(PLAYERS - 1)
    scores = {place: score for place in seen if (score := score_of(story, place))}
    ranks = {place: 1 + sum(other > score for other in scores.values()) for place, score in scores.items()}
    won = {(f"top{rank}", place) for place, rank in ranks.items() if rank <= 3}
    rises = {place: by for place in seen if (by := rise_of(story, place)) is not None}
    # Fractions compared over one denominator.
    won |= {
        ("progress_star", place)
        for place, (a, b) in rises.items()
        if all(a * d >= c * b for c, d in rises.values())
    }
    held = {week(day) for day in story.evenings}
    for place in seen:
        there = {week(day) for day in story.evenings if (place, day) in story.attended}
        if len(held) >= 4 and there == held:
            won.add(("consistency_king", place))
    came = {place for place, _ in story.attended}
    for kind in votes.KINDS:
        cast = [(voter, who) for (of, voter), who in story.votes.items() if of == kind]
        count = Counter(who for voter, who in cast if {voter, who} <= came and who in seen)
        won |= {(kind, who) for who, number in count.items() if number == max(count.values())}
    return won


def week(day: str) -> str:
    return date.fromisoformat(day).strftime("%G-%V")


def own_matches(story: Story, place: int) -> list[Played]:
    """The rated ones, in order."""
    own = [match for match in story.matches if place in match.pair and PLAYERS not in match.pair]
    return sorted(own, key=lambda match: (match.day, match.end, match.match_id))


def score_of(story: Story, place: int) -> float:
    score = float(sum(who == place for who, _ in story.attended))
    run = 0
    for match in own_matches(story, place):
        run = run + 1 if match.pair[0] == place else 0
        if match.day.startswith(MONTH):
            score += 0.5 + (run > 0) + (run > 0 and run % 3 == 0)
    return score


def rise_of(story: Story, place: int) -> tuple[int, int] | None:
    """The rise of a win rate as a fraction, None without one or with fewer than six games."""
    before, now = (
        [match.pair[0] == place for match in own_matches(story, place) if match.day.startswith(month)]
        for month in ("2026-01", MONTH)
    )
    by = sum(now) * len(before) - sum(before) * len(now)
    return (by, len(now) * len(before)) if min(len(before), len(now)) >= 6 and by > 0 else None


@settings(max_examples=120)
@given(stories())
def test_what_is_due_is_a_plain_recomputation(hall: Path, story: Story) -> None:
    with undone(hall) as conn:
        players = put_players(conn, PLAYERS, hidden=1, guests=1)
        for match in story.matches:
            put_match(conn, match, players)
        for place, day in story.attended:
            put_days(conn, players[place], [day])
        put_evenings(conn, story.evenings, players[0])
        put_evenings(conn, FEBRUARY, players[0], voided=True)
        for (kind, voter), candidate in story.votes.items():
            conn.execute(
                "INSERT INTO award_votes VALUES (?, ?, ?, ?)", [MONTH, kind, players[voter], players[candidate]]
            )
        settle(conn, players)
        preview = calculate(conn, MONTH)
        assert pairs(preview) == {(kind, players[place]) for kind, place in expected(story)}
        assert len(preview.due) == len(pairs(preview)), "nobody gets one twice"
        given_now = publish(conn, players[0])
        assert {(one.kind, one.player_id) for one in given_now} == pairs(preview)
        assert not awards.differences(conn, MONTH)


def test_equal_points_share_a_rank_and_leave_one_out(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 14)
    for player, days in zip(players, [9, 9, 8, *[7] * 11], strict=True):
        put_days(conn, player, FEBRUARY[:days])
    settle(conn, players)
    assert [(one.kind, one.player_id) for one in calculate(conn, MONTH).due] == [
        ("top1", players[0]),
        ("top1", players[1]),
        ("top3", players[2]),
    ]
    put_days(conn, players[2], FEBRUARY[:9])
    settle(conn, players)
    assert {one.kind for one in calculate(conn, MONTH).due} == {"top1"}


def test_eleven_who_are_equal_all_get_it(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 11)
    for player in players:
        put_days(conn, player, FEBRUARY[:3])
    settle(conn, players)
    assert pairs(calculate(conn, MONTH)) == {("top1", player) for player in players}


@pytest.mark.parametrize(
    ("before", "now", "star"),
    [
        (([True] * 2 + [False] * 4), [True] * 3 + [False] * 3, True),
        (([True] * 2 + [False] * 4), [True] * 2 + [False] * 4, False),
        (([True] * 3 + [False] * 3), [True] * 2 + [False] * 4, False),
        (([False] * 5), [True] * 6, False),
        (([False] * 6), [True] * 5, False),
        (([False] * 6), [True] * 6, True),
    ],
)
def test_the_star_rose_and_had_six_games_in_both_months(
    conn: sqlite3.Connection, before: list[bool], now: list[bool], star: bool
) -> None:
    players = put_players(conn, 2)
    put_games(conn, players, before, "2026-01-20", 0)
    put_games(conn, players, now, "2026-02-20", 100)
    settle(conn, players)
    stars = {one.player_id for one in calculate(conn, MONTH).due if one.kind == "progress_star"}
    assert (players[0] in stars) is star
    figures = [(len(games), sum(games)) for games in (before, now)]
    assert (rise(*figures) is not None) is star


def test_the_month_before_january_is_december() -> None:
    assert [month_before(month) for month in ("2026-01", "2026-03")] == ["2025-12", "2026-02"]


def test_a_king_came_once_in_every_week_that_had_an_evening() -> None:
    assert kept_up(EVENINGS, ["2026-02-05", "2026-02-10", "2026-02-17", "2026-02-24"])
    assert not kept_up(EVENINGS, ["2026-02-05", "2026-02-10", "2026-02-17"])
    assert not kept_up(EVENINGS, ["2026-02-04", "2026-02-10", "2026-02-17", "2026-02-24"]), "no evening"
    assert not kept_up(EVENINGS[:4], EVENINGS), f"three weeks are fewer than {KING_WEEKS}"
    assert not kept_up([], FEBRUARY)


def test_a_week_across_the_new_year_is_one_week() -> None:
    days = ["2026-12-07", "2026-12-14", "2026-12-21", "2026-12-31"]
    assert kept_up(days, days)
    assert not kept_up(["2025-12-29", "2025-12-31", "2026-01-01", "2026-01-04"], ["2026-01-04"])


def test_a_month_can_be_published_once_it_is_over(conn: sqlite3.Connection) -> None:
    (player,) = put_players(conn, 1)
    with pytest.raises(HallError, match="awards_month"):
        publish(conn, player, here=DURING)
    assert not awards.is_published(conn, MONTH)
    publish(conn, player)
    assert awards.is_published(conn, MONTH)
    assert awards.published_months(conn) == [MONTH]
    with pytest.raises(HallError, match="awards_published"):
        publish(conn, player)


@pytest.mark.parametrize("month", ["", "2026-13", "2026-2", "2026-00", "0000-01", "2026-02-01", "x"])
def test_what_is_no_month_is_refused(conn: sqlite3.Connection, month: str) -> None:
    for act in (
        lambda: calculate(conn, month),
        lambda: awards.publish(conn, month, by="x", here=AFTER, seen=""),
        lambda: awards.grant(conn, month, "Best dressed", "x", by="x", here=AFTER),
    ):
        with pytest.raises(HallError, match="month_unknown"):
            act()


def test_staff_publish_what_they_have_seen(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 2)
    put_days(conn, players[0], FEBRUARY[:3])
    settle(conn, players)
    seen = calculate(conn, MONTH)
    put_days(conn, players[1], FEBRUARY[:4])
    settle(conn, players)
    with pytest.raises(HallError, match="awards_changed"):
        awards.publish(conn, MONTH, by=players[0], here=AFTER, seen=seen.digest)
    assert not awards.is_published(conn, MONTH)
    assert awards.awards_of_month(conn, MONTH, staff=True) == []
    # Points that change no award change nothing.
    seen = calculate(conn, MONTH)
    put_days(conn, players[1], FEBRUARY[:5])
    settle(conn, players)
    assert awards.publish(conn, MONTH, by=players[0], here=AFTER, seen=seen.digest)


def test_late_results_change_nothing_that_was_published(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 2)
    put_days(conn, players[0], FEBRUARY[:3])
    put_days(conn, players[1], FEBRUARY[:2])
    settle(conn, players)
    was = publish(conn, players[0])
    assert [(one.kind, one.name) for one in was] == [("top1", "Player 0000"), ("top2", "Player 0001")]
    put_games(conn, players, [False] * 3, "2026-02-20", 0)
    settle(conn, players)
    assert awards.awards_of_month(conn, MONTH) == was
    changes = awards.differences(conn, MONTH)
    assert [(one.kind, one.player_id) for one in changes.gone] == [("top1", players[0]), ("top2", players[1])]
    assert [(one.kind, one.player_id) for one in changes.new] == [("top1", players[1]), ("top2", players[0])]

    stale = Preview(MONTH, ()).digest
    with pytest.raises(HallError, match="awards_changed"):
        awards.republish(conn, MONTH, by=players[0], here=AFTER, seen=stale)
    seen = calculate(conn, MONTH).digest
    assert awards.republish(conn, MONTH, by=players[0], here=AFTER, seen=seen) == changes
    assert not awards.republish(conn, MONTH, by=players[0], here=AFTER, seen=seen), "asked twice"
    now = awards.awards_of_month(conn, MONTH)
    assert [(one.kind, one.player_id) for one in now] == [("top1", players[1]), ("top2", players[0])]
    withdrawn = [awards.get_award(conn, one.id) for one in was]
    assert all(one is not None and one.withdrawn_at == AFTER.stamp for one in withdrawn), "and still on record"
    assert [deed.what for deed in audit.about(conn, f"month:{MONTH}")] == [
        "awards.republished",
        "awards.published",
    ]


def test_what_did_not_change_stays_the_same_award(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 3)
    for player, days in zip(players, [5, 4, 3], strict=True):
        put_days(conn, player, FEBRUARY[:days])
    settle(conn, players)
    was = publish(conn, players[0])
    put_days(conn, players[2], FEBRUARY[3:4])
    settle(conn, players)
    awards.republish(conn, MONTH, by=players[0], here=AFTER, seen=calculate(conn, MONTH).digest)
    now = awards.awards_of_month(conn, MONTH)
    assert [(one.kind, one.player_id) for one in now] == [
        ("top1", players[0]),
        ("top2", players[1]),
        ("top2", players[2]),
    ]
    assert now[:2] == was[:2]


def test_what_staff_took_back_is_not_given_again_until_they_undo_that(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 2)
    for player, days in zip(players, [5, 4], strict=True):
        put_days(conn, player, FEBRUARY[:days])
    settle(conn, players)
    first, second = publish(conn, players[0])
    awards.withdraw(conn, first.id, players[1], NOW)
    assert not awards.differences(conn, MONTH), "it is due, and staff have said otherwise"
    put_days(conn, players[1], FEBRUARY[4:6])  # now the other one is first, and the second place is taken back
    settle(conn, players)
    changes = awards.differences(conn, MONTH)
    assert [one.id for one in changes.gone] == [second.id]
    assert {(one.kind, one.player_id) for one in changes.new} == {("top1", players[1]), ("top2", players[0])}
    (deed,) = [one for one in audit.recent(conn, 9) if one.what == "award.withdrawn"]
    undoing.undo(conn, deed.id, players[1], AFTER.now)
    assert (first.kind, first.player_id) in {
        (one.kind, one.player_id) for one in awards.awards_of_month(conn, MONTH, staff=True)
    }


def test_a_month_that_was_not_published_differs_in_nothing(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 1)
    put_days(conn, players[0], FEBRUARY[:3])
    settle(conn, players)
    assert not awards.differences(conn, MONTH)
    with pytest.raises(HallError, match="awards_unpublished"):
        awards.republish(conn, MONTH, by=players[0], here=AFTER, seen=calculate(conn, MONTH).digest)


def test_players_see_published_months_alone(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 3, hidden=1)
    award = awards.grant(conn, MONTH, "Best dressed", players[0], by=players[1], here=DURING)
    hidden = awards.grant(conn, MONTH, "Best dressed", players[2], by=players[1], here=DURING)
    assert awards.awards_of_month(conn, MONTH) == awards.awards_of(conn, players[0]) == []
    assert awards.awards_of_month(conn, MONTH, staff=True) == [award, hidden]
    assert publish(conn, players[1]) == [award]
    assert awards.awards_of_month(conn, MONTH) == awards.awards_of(conn, players[0]) == [award]
    assert awards.awards_of(conn, players[2]) == [hidden], "for their own eyes"
    later = awards.grant(conn, MONTH, "Kindest host", players[1], by=players[1], here=AFTER)
    assert awards.awards_of_month(conn, MONTH) == [award, later]
    conn.execute("UPDATE players SET visible = 0 WHERE id = ?", [players[0]])
    assert awards.awards_of_month(conn, MONTH) == [later]
    assert not awards.differences(conn, MONTH), "titles given by hand are no difference"


def test_a_title_is_given_once_to_members_and_is_fit_to_be_read(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 2, guests=1)

    def grant(title: str, player: str = players[0], month: str = MONTH) -> Award:
        return awards.grant(conn, month, title, player, by=players[1], here=AFTER)

    first = grant(" Best  dressed ")
    assert first.title == "Best dressed"
    assert grant("Best dressed") == first
    erase(conn, players[1])
    for player in (players[1], players[2], "nobody"):
        with pytest.raises(HallError, match="award_member"):
            grant("Best dressed", player)
    for title in ("", "ab", "x" * (TITLE_CHARS[1] + 1)):
        with pytest.raises(HallError, match="award_title_length"):
            grant(title)
    for title in ("Worst player", "Bell \x07 ringer", "Hid\u202eden"):
        with pytest.raises(HallError, match="award_title_refused"):
            grant(title)
    with pytest.raises(HallError, match="award_month"):
        grant("Best dressed", month="2026-04")
    assert [deed.what for deed in audit.recent(conn, 10)] == ["award.granted"]
    assert "dressed" not in str(audit.recent(conn, 10)), "nothing typed is in the audit"


def test_one_award_can_be_taken_back_and_stays_on_record(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 1)
    award = awards.grant(conn, MONTH, "Best dressed", players[0], by=players[0], here=DURING)
    publish(conn, players[0])
    assert awards.withdraw(conn, award.id, players[0], NOW)
    assert not awards.withdraw(conn, award.id, players[0], NOW)
    assert not awards.withdraw(conn, "nothing", players[0], NOW)
    assert awards.awards_of_month(conn, MONTH, staff=True) == awards.awards_of(conn, players[0]) == []
    again = awards.grant(conn, MONTH, "Best dressed", players[0], by=players[0], here=AFTER)
    assert again.id != award.id


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE monthly_awards SET title = 'Other'",
        "UPDATE monthly_awards SET month = '2026-01'",
        "UPDATE monthly_awards SET withdrawn_at = NULL, withdrawn_by = NULL",
        "DELETE FROM monthly_awards",
    ],
)
def test_awards_refuse_to_be_edited(conn: sqlite3.Connection, change: str) -> None:
    players = put_players(conn, 1)
    award = awards.grant(conn, MONTH, "Best dressed", players[0], by=players[0], here=AFTER)
    awards.withdraw(conn, award.id, players[0], NOW)
    with pytest.raises(sqlite3.IntegrityError, match="award"):
        conn.execute(change)


def test_voting_ends_with_publishing(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 2)
    for player in players:
        put_days(conn, player, FEBRUARY[:1])
    votes.vote(conn, MONTH, "mvp", voter=players[0], candidate=players[1], here=AFTER)
    assert ("mvp", players[1]) in {(one.kind, one.player_id) for one in publish(conn, players[0])}
    with pytest.raises(HallError, match="vote_closed"):
        votes.vote(conn, MONTH, "mvp", voter=players[1], candidate=players[0], here=AFTER)


def test_an_erased_player_has_no_awards_and_others_keep_theirs(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 2)
    for player in players:
        awards.grant(conn, MONTH, "Best dressed", player, by=players[0], here=DURING)
    publish(conn, players[0])
    erase(conn, players[0])
    awards.forget(conn, players[0])
    assert [one.player_id for one in awards.awards_of_month(conn, MONTH, staff=True)] == [players[1]]
    assert awards.awards_of(conn, players[0]) == []


def test_two_who_are_one_have_each_award_once(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 2)
    for player in players:
        put_days(conn, player, FEBRUARY[:3])
    settle(conn, players)
    awards.grant(conn, MONTH, "Best dressed", players[0], by=players[0], here=DURING)
    publish(conn, players[0])
    awards.take_over(conn, players[0], players[1])
    erase(conn, players[0])
    awards.forget(conn, players[0])
    assert [(one.kind, one.player_id) for one in awards.awards_of_month(conn, MONTH)] == [
        ("top1", players[1]),
        ("manual", players[1]),
    ]
    assert awards.awards_of(conn, players[0]) == []


def test_a_result_that_is_withdrawn_shows_as_a_difference_and_goes_again(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 2)
    match = Played(1, (0, 1), (1, 0), int(timedelta(days=40).total_seconds() // 60))
    put_match(conn, match, players)
    settle(conn, players)
    publish(conn, players[0])
    withdraw(conn, match)
    settle(conn, players)
    assert {one.kind for one in awards.differences(conn, MONTH).gone} == {"top1", "top2"}
    put_match(conn, match, players)
    settle(conn, players)
    assert not awards.differences(conn, MONTH)
