"""Spans: where a day, a week and a month begin, in the hall's zone, and what was played in them."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from evening import ZONE, Evening
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import month_before
from edge.hall.occasion import occasion
from edge.hall.players import Player, erase_player, save_player
from edge.stats.daily import Figures
from edge.stats.spans import RANGES, Range, Record, Versus, record_of, span_of, stats_of

RACK = tuple(str(n) for n in range(1, 10))


def test_a_week_begins_on_monday() -> None:
    assert span_of("week", "2025-11-02") == span_of("week", "2025-10-27")
    span = span_of("week", "2025-11-02")
    assert (span.begin, span.end) == ("2025-10-27", "2025-11-03")
    assert span.parts[0] == "2025-10-27"
    assert len(span.parts) == 7


def test_months_are_as_long_as_they_are() -> None:
    assert [len(span_of("month", "2024-04-15", ago).parts) for ago in range(4)] == [30, 31, 29, 31]
    assert span_of("month", "2025-01-31", 1).begin == "2024-12-01"
    assert month_before("2025-01") == "2024-12"


def test_a_long_time_is_told_by_years() -> None:
    assert span_of("lifetime", "2025-10-31", first="2025-09-30").parts == ["2025-09", "2025-10"]
    assert len(span_of("lifetime", "2025-10-31", first="2022-11-30").parts) == 36
    assert span_of("lifetime", "2025-10-31", first="2022-10-30").parts == ["2022", "2023", "2024", "2025"]
    assert span_of("lifetime", "2025-10-31").parts == ["2025-10"]


@given(
    st.sampled_from(["day", "week", "month"]),
    st.dates(date(1990, 1, 1), date(2060, 1, 1)),
    st.integers(0, 300),
)
def test_spans_lie_end_to_end_and_the_first_holds_today(name: Range, today: date, ago: int) -> None:
    span, before = span_of(name, today.isoformat(), ago), span_of(name, today.isoformat(), ago + 1)
    assert before.end == span.begin < span.end
    now = span_of(name, today.isoformat())
    assert now.begin <= today.isoformat() < now.end
    assert now.parts[-1] < now.end


def practise_at(evening: Evening, player: Player, moment: str) -> None:
    """One make at that moment."""
    evening.now = datetime.fromisoformat(moment)
    evening.practise(player)
    evening.shoot("1", kind="cut")
    evening.leave()


def shots_in(evening: Evening, player: Player, name: Range, moment: str, ago: int = 0) -> int:
    today = occasion(ZONE, "Table 1", datetime.fromisoformat(moment)).day
    with evening.store.read() as conn:
        return stats_of(conn, player.id, name, today, ago).figures.shots


def test_borders_are_the_hall_s_over_the_change_of_the_clocks(evening: Evening) -> None:
    ana = evening.player("Ana")
    # Chicago: the clocks go back on Sunday the 2nd of November at two.
    practise_at(evening, ana, "2025-11-01T04:59:00Z")  # Friday the 31st, 23:59 by summer time
    practise_at(evening, ana, "2025-11-02T05:01:00Z")  # Sunday, 00:01 by summer time
    practise_at(evening, ana, "2025-11-03T05:59:00Z")  # Sunday, 23:59 by winter time
    practise_at(evening, ana, "2025-11-03T06:01:00Z")  # Monday
    assert evening.rows("SELECT date, shots FROM metrics_daily ORDER BY date") == [
        {"date": "2025-10-31", "shots": 1},
        {"date": "2025-11-02", "shots": 2},
        {"date": "2025-11-03", "shots": 1},
    ]
    assert shots_in(evening, ana, "day", "2025-11-03T05:59:00Z") == 2
    assert shots_in(evening, ana, "week", "2025-11-03T05:59:00Z") == 3
    assert shots_in(evening, ana, "week", "2025-11-03T06:00:00Z") == 1
    assert shots_in(evening, ana, "week", "2025-11-03T06:00:00Z", ago=1) == 3
    assert shots_in(evening, ana, "month", "2025-11-01T04:59:00Z") == 1
    assert shots_in(evening, ana, "month", "2025-11-01T05:00:00Z") == 3
    assert shots_in(evening, ana, "lifetime", "2025-11-03T06:00:00Z") == 4
    # In March an hour is missing: Sunday the 9th.
    practise_at(evening, ana, "2025-03-10T04:59:00Z")  # Sunday, 23:59 by summer time
    assert shots_in(evening, ana, "week", "2025-03-09T20:00:00Z") == 1
    assert shots_in(evening, ana, "week", "2025-03-10T05:00:00Z") == 0


def test_parts_add_up_and_a_part_without_play_is_none(evening: Evening) -> None:
    ana = evening.player("Ana")
    for day in (3, 3, 5, 28):
        practise_at(evening, ana, f"2025-11-{day:02}T20:00:00Z")
    with evening.store.read() as conn:
        stats = stats_of(conn, ana.id, "month", "2025-11-30")
        life = stats_of(conn, ana.id, "lifetime", "2025-11-30")
    played = {part: figures.shots for part, figures in stats.parts if figures is not None}
    assert played == {"2025-11-03": 2, "2025-11-05": 1, "2025-11-28": 1}
    assert len(stats.parts) == 30
    assert [(part, figures) for part, figures in life.parts] == [("2025-11", stats.figures)]
    assert stats.map.sum() == 4
    assert stats.figures.pos_error_in is None


def test_nobody_s_stats_are_empty(evening: Evening) -> None:
    ana = evening.player("Ana")
    for name in RANGES:
        with evening.store.read() as conn:
            stats = stats_of(conn, ana.id, name, "2025-11-30")
        assert stats.figures == Figures()
        assert stats.figures.make_pct is None
        assert stats.map.sum() == 0
        assert stats.versus == ()


def win(evening: Evening, winner: Player, other: Player) -> None:
    evening.match(winner, other, race_to=1)
    evening.shoot("1", kind="break", on_table=RACK)
    for i, ball in enumerate(RACK[1:], start=1):
        evening.shoot(ball, first=ball, on_table=RACK[i:])
    evening.leave()


def test_opponents_are_only_those_one_played(evening: Evening) -> None:
    ana, ben, cleo, dan = (evening.player(name) for name in ("Ana", "Ben", "Cleo", "Dan"))
    win(evening, ana, ben)
    win(evening, ben, ana)
    win(evening, ana, ben)
    win(evening, ana, evening.guest())
    win(evening, evening.guest(), ana)
    win(evening, cleo, ana)
    win(evening, ben, cleo)
    win(evening, dan, ana)
    with evening.store.write() as conn:
        save_player(conn, replace(cleo, visible=False))
        erase_player(conn, dan.id, "2025-11-01T00:00:00.000Z")
    evening.wait(timedelta(days=40).total_seconds())
    win(evening, ana, ben)
    with evening.store.read() as conn:
        october = stats_of(conn, ana.id, "month", "2025-10-31").versus
        december = stats_of(conn, ana.id, "month", "2025-12-31").versus
        assert record_of(conn, ana.id) == Record(3, 6)
        assert record_of(conn, cleo.id).win_pct == 50
    assert october == (
        Versus("player", "Ben", 2, 1),
        Versus("guest", "", 1, 1),
        Versus("former", "", 0, 1),
        Versus("player", "Cleo", 0, 1),
    )
    assert december == (Versus("player", "Ben", 1, 0),)
