"""Shots count where they belong: whose they are, how the match stands, what a day adds up to."""

import pytest
from evening import Evening

from edge.hall.badges import badges_of
from edge.hall.points import month_board
from edge.hall.ratings import change_in
from edge.hall.sessions import played_s
from edge.stats.daily import figures_between, map_between
from edge.stats.summary import goal_progress, session_summary

RACK = tuple(str(n) for n in range(1, 10))


def run_out(evening: Evening, balls: tuple[str, ...] = RACK) -> None:
    """The rest of a rack of nine-ball, ball by ball."""
    for i, ball in enumerate(balls):
        evening.shoot(ball, first=ball, on_table=balls[i:])


def break_and_run(evening: Evening) -> None:
    evening.shoot("1", kind="break", on_table=RACK)
    run_out(evening, RACK[1:])


def test_shots_of_nobody_count_nowhere(evening: Evening) -> None:
    evening.shoot("1")
    assert evening.rows("SELECT * FROM plays") == []
    assert evening.rows("SELECT * FROM to_book") == []


def test_a_practice_counts_its_player_s_shots(evening: Evening) -> None:
    ana = evening.player("Ana")
    session = evening.practise(ana, {"makes": 4})
    evening.shoot(kind="break")
    for potted in (("1",), ("2", "3"), (), ("4",), ("5", "cue")):
        evening.shoot(*potted)
    evening.shoot(kind="safety")
    session = evening.session(session.id)
    with evening.store.read() as conn:
        summary = session_summary(conn, session)
        day = figures_between(conn, ana.id, "2025-10-31", "2025-11-01")
    figures = summary.figures
    assert (figures.shots, figures.attempts, figures.makes) == (7, 5, 3)
    assert (figures.breaks, figures.breaks_won, figures.safeties) == (1, 0, 0)
    assert (figures.best_run, figures.runs, figures.balls_run) == (3, 2, 4)
    assert figures.make_pct == pytest.approx(60)
    assert day == figures
    assert summary.map[0].sum() == 2
    assert summary.map[1].sum() == 3
    progress = goal_progress(session, figures)
    assert progress is not None
    assert (progress.done, progress.wanted, progress.reached) == (3, 4, False)


def test_time_counts_only_while_someone_plays(evening: Evening) -> None:
    ana = evening.player("Ana")
    session = evening.practise(ana)
    evening.wait(600)  # talks
    for _ in range(4):
        evening.shoot("1")
    evening.wait(900)  # eats
    evening.shoot("1")
    # Four shots a quarter of a minute apart and one alone, each with 45 s before and 4 s of rolling.
    assert evening.session(session.id).active_s == pytest.approx(45 + 3 * 15 + 4 + 45 + 4)


def test_the_union_of_shots_is_no_sum(evening: Evening) -> None:
    from datetime import timedelta

    begin = evening.now
    spans = [(begin + timedelta(seconds=s), begin + timedelta(seconds=s + 5)) for s in (0, 10, 3, 100)]
    assert played_s(spans, lead_s=20) == pytest.approx(20 + 15 + 25)
    assert played_s([], 20) == 0


def test_a_match_goes_shot_by_shot_to_who_is_at_the_table(evening: Evening) -> None:
    ana, ben = evening.player("Ana"), evening.player("Ben")
    match = evening.match(ana, ben)
    evening.shoot("1", kind="break", on_table=RACK)
    evening.shoot(first="2", on_table=RACK[1:])
    evening.shoot("2", first="2", on_table=RACK[1:])
    players = [row["player_id"] for row in evening.rows("SELECT player_id FROM plays ORDER BY played_at")]
    assert players == [ana.id, ana.id, ben.id]
    assert evening.standing_of(match).state["turn"] == 1


def test_a_won_match_settles_points_and_ratings(evening: Evening) -> None:
    ana, ben = evening.player("Ana"), evening.player("Ben")
    match = evening.match(ana, ben, race_to=1)
    break_and_run(evening)
    standing = evening.standing_of(match)
    assert (standing.status, standing.winner, standing.score) == ("over", ana.id, (1, 0))
    with evening.store.read() as conn:
        board = month_board(conn, "2025-10")
        change = change_in(conn, match.id, ana.id)
        badges = [earned.badge for earned in badges_of(conn, ana.id)]
    # Ana came, played and won; Ben struck no ball, so he came to nothing but the game.
    assert [(place.name, place.points) for place in board] == [("Ana", 2.5), ("Ben", 0.5)]
    assert change is not None
    assert badges == ["one_pack_king"]
    ratings = evening.rows("SELECT elo FROM ratings ORDER BY elo")
    assert [round(row["elo"]) for row in ratings] == [984, 1016]


def test_a_mended_shot_takes_the_win_back(evening: Evening) -> None:
    ana, ben = evening.player("Ana"), evening.player("Ben")
    match = evening.match(ana, ben, race_to=1)
    break_and_run(evening)
    last = evening.rows("SELECT shot_id FROM plays ORDER BY played_at DESC LIMIT 1")[0]["shot_id"]
    evening.mend(last, potted=(), result="miss")
    standing = evening.standing_of(match)
    assert (standing.status, standing.winner) == ("open", None)
    assert standing.state["turn"] == 1
    with evening.store.read() as conn:
        assert [(p.name, p.points) for p in month_board(conn, "2025-10")] == [("Ana", 1.0)]
        assert change_in(conn, match.id, ana.id) is None
    evening.shoot("9", first="9", on_table=("9",))
    assert evening.standing_of(match).winner == ben.id


def test_a_tap_decides_and_can_be_taken_back(evening: Evening) -> None:
    ana, ben = evening.player("Ana"), evening.player("Ben")
    evening.match(ana, ben)
    evening.shoot("1", kind="break", on_table=RACK)
    shot = evening.shoot("2", first="2", on_table=RACK[1:])
    said = evening.say("shooter", shot_id=shot, side=1)
    whose = "SELECT player_id FROM plays WHERE shot_id = ?"
    assert evening.rows(whose, shot)[0]["player_id"] == ben.id
    assert evening.rows("SELECT makes FROM metrics_daily WHERE player_id = ?", ben.id) == [{"makes": 1}]
    evening.unsay(said)
    assert evening.rows(whose, shot)[0]["player_id"] == ana.id
    assert evening.rows("SELECT makes FROM metrics_daily WHERE player_id = ?", ben.id) == [{"makes": 0}]


def test_a_shot_that_was_nobody_s_is_left_out(evening: Evening) -> None:
    ana = evening.player("Ana")
    session = evening.practise(ana)
    evening.shoot("1")
    stray = evening.shoot()
    evening.say("nobody", shot_id=stray)
    session = evening.session(session.id)
    with evening.store.read() as conn:
        assert session_summary(conn, session).figures.make_pct == 100
    assert session.shots == 1


def test_conceding_ends_a_match(evening: Evening) -> None:
    ana, ben = evening.player("Ana"), evening.player("Ben")
    match = evening.match(ana, ben)
    evening.shoot("1", kind="break", on_table=RACK)
    said = evening.say("end", side=1)
    assert (evening.standing_of(match).status, evening.standing_of(match).winner) == ("over", ben.id)
    evening.unsay(said)
    assert evening.standing_of(match).status == "open"


def test_leaving_abandons_a_match_and_its_shots_stay(evening: Evening) -> None:
    ana, ben = evening.player("Ana"), evening.player("Ben")
    match = evening.match(ana, ben)
    evening.shoot("1", kind="break", on_table=RACK)
    evening.leave()
    assert evening.standing_of(match).status == "abandoned"
    evening.shoot("2")
    assert len(evening.rows("SELECT * FROM plays")) == 1


def test_a_guest_s_match_counts_once_the_guest_is_somebody(evening: Evening) -> None:
    from edge.hall.players import name_guest
    from edge.hall.standing import settle

    ana, guest = evening.player("Ana"), evening.guest()
    match = evening.match(ana, guest, race_to=1)
    break_and_run(evening)
    with evening.store.read() as conn:
        assert [(p.name, p.points) for p in month_board(conn, "2025-10")] == [("Ana", 1.0)]
    with evening.store.write() as conn:
        name_guest(conn, guest, "Gus")
        settle(conn, [ana.id, guest.id], evening.now, match.id)
    with evening.store.read() as conn:
        assert [(p.name, p.points) for p in month_board(conn, "2025-10")] == [("Ana", 2.5), ("Gus", 0.5)]


def test_booking_twice_or_late_changes_nothing(evening: Evening) -> None:
    ana, ben = evening.player("Ana"), evening.player("Ben")
    evening.match(ana, ben, race_to=1)
    evening.shoot("1", kind="break", on_table=RACK, book=False)
    for i, ball in enumerate(RACK[1:], start=1):
        evening.shoot(ball, first=ball, on_table=RACK[i:], book=False)
    assert evening.rows("SELECT * FROM plays") == []
    assert evening.books.book() == 9
    everything = (
        "SELECT * FROM plays ORDER BY shot_id",
        "SELECT * FROM metrics_daily ORDER BY player_id",
        "SELECT * FROM points_monthly ORDER BY player_id",
        "SELECT player_id, match_id, elo_after FROM rating_changes ORDER BY player_id",
        "SELECT * FROM matches",
    )
    before = [evening.rows(sql) for sql in everything]
    with evening.store.write() as conn:
        conn.execute("INSERT INTO to_book (shot_id) SELECT id FROM shots ORDER BY id DESC")
    assert evening.books.book() == 9
    assert [evening.rows(sql) for sql in everything] == before


def test_an_entry_that_fails_is_put_aside_and_holds_up_no_other(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge import bookkeeper
    from edge.hall import scoring

    evening.practise(evening.player("Ana"))
    real = scoring.book_shot

    def fail_once(conn: object, shot_id: str, now: object) -> None:
        conn.execute("UPDATE sessions SET shots = 99")  # type: ignore[attr-defined]
        if shot_id.endswith("1"):
            raise ValueError("a mistake in a rule")
        real(conn, shot_id, now)  # type: ignore[arg-type]

    monkeypatch.setattr(scoring, "book_shot", fail_once)
    evening.shoot("1", book=False)
    evening.shoot("2", book=False)
    evening.books.book()
    with evening.store.read() as conn:
        assert bookkeeper.waiting(conn) == (0, 1)
    assert [row["shot_id"] for row in evening.rows("SELECT shot_id FROM plays")] == ["cam/00002"]
    assert "a mistake" in evening.rows("SELECT reason FROM not_booked")[0]["reason"]


def test_the_map_knows_where_the_balls_lay(evening: Evening) -> None:
    ana = evening.player("Ana")
    evening.practise(ana)
    evening.shoot("1", at_in=(1.0, 1.0))
    evening.shoot(at_in=(99.0, 49.0))
    with evening.store.read() as conn:
        cells = map_between(conn, ana.id, "2025-10-01", "2025-12-01")
    assert cells[1, 0, 0] == 1
    assert cells[0, -1, -1] == 1
    assert cells.sum() == 2
