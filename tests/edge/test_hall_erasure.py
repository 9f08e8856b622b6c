"""Erasure: nothing personal of a player is left anywhere, and what is the others' is as it was."""

import json
from contextlib import closing
from datetime import timedelta
from typing import Any

from evening import Evening

from edge.clock import stamp
from edge.hall import audit, consents, erasure, logins, pins
from edge.hall.players import Player, find_player, get_player, save_player
from edge.hall.sitting import at_table
from edge.runtime.caretaker import Caretaker
from edge.store.database import connect

RACK = tuple(str(n) for n in range(1, 10))
NAME = "Zanzibara"
# Who was erased is still a side of the others' matches, and an id in what nobody may change.
MAY_HOLD_THE_ID = {
    "players": {"id"},
    "matches": {"player_a", "player_b", "winner"},
    "audit": {"who", "subject"},
    "outbox": {"body"},
}


def play_a_rack(evening: Evening) -> None:
    """The first player breaks, pots two and misses; the other runs the rack out."""
    evening.shoot("1", kind="break", on_table=RACK)
    evening.shoot("2", first="2", on_table=RACK[1:])
    evening.shoot(first="3", on_table=RACK[2:])
    for i, ball in enumerate(RACK[2:], start=2):
        evening.shoot(ball, first=ball, on_table=RACK[i:])


def full_life(evening: Evening) -> tuple[Player, Player]:
    """A player with something in every table, and whom they played."""
    zan, ben = evening.player(NAME), evening.player("Ben")
    with evening.store.write() as conn:
        conn.execute(
            "UPDATE players SET email = ?, cues = ? WHERE id = ?", ["z@example.org", "an old Meucci", zan.id]
        )
        pins.keep_pin(conn, zan.id, "a hash", evening.now)
        conn.execute("INSERT INTO pin_failures VALUES (?, 1, ?, 'boot', 0.0)", [zan.id, stamp(evening.now)])
        logins.new_login(conn, zan.id, "phone", evening.now, 60)
        logins.make_token(conn, "phone", evening.now, 60, player_id=zan.id)
        logins.add_card(conn, bytes(32), "04A3B2C1", zan.id, evening.now)
        consents.give_answer(conn, zan.id, "yes", stamp(evening.now), zan.id)
    evening.match(zan, ben, race_to=1)
    play_a_rack(evening)
    evening.say("turn", side=0, speaker=zan.id)
    evening.leave()
    evening.practise(zan)
    for ball in RACK[:8]:
        evening.shoot(ball, first=ball, on_table=RACK)
    stray = evening.shoot()
    evening.say("nobody", shot_id=stray, speaker=zan.id)
    evening.leave()
    evening.practise(ben)
    of_ben = evening.shoot("3")
    evening.mend(of_ben, cue_speed_mph=9.5)
    with evening.store.write() as conn:
        conn.execute("CREATE TEMP TABLE mended AS SELECT * FROM amendments")
        conn.execute("DELETE FROM amendments")
        conn.execute("UPDATE mended SET author = ?", [zan.id])
        conn.execute("INSERT INTO amendments SELECT * FROM mended")
        conn.execute("DROP TABLE mended")
        (body,) = conn.execute("SELECT body FROM outbox WHERE kind = 'amend'").fetchone()
        conn.execute("DELETE FROM outbox WHERE kind = 'amend'")
        conn.execute(
            "INSERT INTO outbox SELECT NULL, device, epoch, 'amend', 'key', ?, 'x', created FROM identity",
            [json.dumps({**json.loads(body), "author": zan.id})],
        )
    evening.books.book()
    evening.leave()
    return zan, ben


def erase(evening: Evening, player: Player) -> bool:
    with evening.store.write() as conn:
        return erasure.erase(conn, player.id, evening.now, role="player", who=player.id)


def finish(evening: Evening, batch: int = 3) -> None:
    assert erasure.go_on(evening.store, 60.0, sleep=lambda _: None, batch=batch)


def traces(evening: Evening, *needles: str) -> set[tuple[str, str]]:
    """Every column that holds one of the texts."""
    found = set()
    with evening.store.read() as conn:
        tables = [r["name"] for r in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for table in tables:
            for row in conn.execute(f"SELECT * FROM {table}"):
                found |= {
                    (table, column)
                    for column, value in dict(row).items()
                    if any(needle in str(value) for needle in needles)
                }
    return found


def of_the_others(evening: Evening, ben: Player) -> dict[str, list[dict[str, Any]]]:
    """Everything that is Ben's."""
    tables = (
        "plays", "sessions", "metrics_daily", "player_points", "points_monthly", "points_alltime", "streaks",
        "ratings", "rating_changes", "user_achievements", "group_changes",
    )  # fmt: skip
    found = {table: evening.rows(f"SELECT * FROM {table} WHERE player_id = ?", ben.id) for table in tables}
    found["matches"] = evening.rows("SELECT * FROM matches")
    found["results"] = evening.rows("SELECT * FROM results")
    found["shots"] = evening.rows(
        "SELECT s.* FROM shots_now s JOIN plays p ON p.shot_id = s.id WHERE player_id = ?", ben.id
    )
    return found


def test_nothing_personal_is_left_and_the_others_keep_what_is_theirs(evening: Evening) -> None:
    zan, ben = full_life(evening)
    assert {"pins", "logins", "cards", "consents", "metrics_daily", "plays", "said", "amendments"} <= {
        table for table, _ in traces(evening, zan.id)
    }
    before = of_the_others(evening, ben)
    own_shots = [row["shot_id"] for row in evening.rows("SELECT shot_id FROM plays WHERE player_id = ?", zan.id)]
    assert len(own_shots) == 11
    assert erase(evening, zan)
    assert traces(evening, NAME, NAME.lower(), "z@example.org", "Meucci") == set()
    finish(evening)
    left = traces(evening, zan.id)
    assert all(column in MAY_HOLD_THE_ID.get(table, ()) for table, column in left), left
    assert traces(evening, *own_shots) == {("outbox", "body"), ("matches", "state")}  # their ids, no more
    assert of_the_others(evening, ben) == before
    with evening.store.read() as conn:
        gone = get_player(conn, zan.id)
        assert find_player(conn, NAME) is None
        deeds = audit.about(conn, f"player:{zan.id}")
    assert gone is not None
    assert (gone.name, gone.email, gone.erased) == ("", None, stamp(evening.now))
    assert [(deed.what, deed.who, deed.after) for deed in deeds] == [("player.erased", zan.id, None)]


def test_the_line_to_the_hub_tells_of_it_and_holds_no_more_than_that(evening: Evening) -> None:
    zan, _ = full_life(evening)
    own_shots = {row["shot_id"] for row in evening.rows("SELECT shot_id FROM plays WHERE player_id = ?", zan.id)}
    before = evening.rows("SELECT seq, key FROM outbox ORDER BY seq")
    erase(evening, zan)
    finish(evening)
    rows = evening.rows("SELECT * FROM outbox ORDER BY seq")
    assert [(r["seq"], r["key"]) for r in rows[: len(before)]] == [(r["seq"], r["key"]) for r in before]
    for row in rows:
        content = json.loads(row["body"])
        if row["kind"] != "erased":
            assert content["shot_id"] not in own_shots
            assert content.get("author") != zan.id
    told = [json.loads(row["body"]) for row in rows[len(before) :]]
    assert told[0] == {"schema": 1, "player_id": zan.id, "shots": []}
    assert {shot for fact in told for shot in fact["shots"]} == own_shots


def test_a_mended_shot_of_the_other_s_is_still_as_mended(evening: Evening) -> None:
    zan, _ = full_life(evening)
    erase(evening, zan)
    finish(evening)
    evening.books.book()
    mended = evening.rows("SELECT author, cue_speed_mph FROM amendments")
    assert mended == [{"author": "erased", "cue_speed_mph": 9.5}]
    assert evening.rows("SELECT cue_speed_mph FROM plays WHERE match_id IS NULL") == [{"cue_speed_mph": 9.5}]
    assert evening.rows("SELECT reason FROM not_booked") == []


def test_what_is_deleted_is_overwritten_in_the_file(evening: Evening) -> None:
    zan, _ = full_life(evening)
    erase(evening, zan)
    finish(evening)
    path = evening.store.path
    evening.store.close()
    with closing(connect(path)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    content = path.read_bytes()
    assert NAME.encode() not in content
    assert b"z@example.org" not in content
    assert b"cam/00001" in content  # in the fact that says it was erased
    assert b"cam/00004" in content


def test_erasing_again_changes_nothing(evening: Evening) -> None:
    zan, _ = full_life(evening)
    assert erase(evening, zan)
    finish(evening)
    before = evening.rows("SELECT * FROM outbox"), evening.rows("SELECT * FROM audit")
    assert not erase(evening, zan)
    assert erasure.go_on(evening.store, 0.0)
    assert (evening.rows("SELECT * FROM outbox"), evening.rows("SELECT * FROM audit")) == before


def test_it_goes_on_after_it_was_broken_off(evening: Evening) -> None:
    zan, ben = full_life(evening)
    before = of_the_others(evening, ben)
    erase(evening, zan)
    assert not erasure.go_on(evening.store, 0.0)
    with evening.store.write() as conn:
        erasure._delete_some(conn, stamp(evening.now), 2)
    assert len(evening.rows("SELECT 1 FROM plays WHERE player_id = ?", zan.id)) == 9
    assert erasure.waiting(evening.store)
    Caretaker(evening.store, "Table 1", timedelta(minutes=20)).look(evening.now, 0.0)
    assert not erasure.waiting(evening.store)
    assert evening.rows("SELECT 1 FROM sessions WHERE player_id = ?", zan.id) == []
    assert of_the_others(evening, ben) == before


def test_a_match_with_somebody_erased_stands_whatever_is_mended_later(evening: Evening) -> None:
    zan, ben = full_life(evening)
    matches = evening.rows("SELECT * FROM matches")
    ratings = evening.rows("SELECT * FROM ratings WHERE player_id = ?", ben.id)
    last = evening.rows("SELECT shot_id FROM plays WHERE match_id IS NOT NULL ORDER BY played_at DESC LIMIT 1")
    erase(evening, zan)
    evening.mend(last[0]["shot_id"], potted=(), result="miss", cue_speed_mph=30.0)
    finish(evening)
    evening.mend(last[0]["shot_id"], potted=(), result="miss", cue_speed_mph=31.0)
    assert evening.rows("SELECT * FROM matches") == matches
    assert evening.rows("SELECT * FROM ratings WHERE player_id = ?", ben.id) == ratings
    assert evening.rows("SELECT reason FROM not_booked") == []
    days = evening.rows("SELECT makes, best_speed_mph FROM metrics_daily WHERE player_id = ?", ben.id)
    assert days == [{"makes": 7, "best_speed_mph": 31.0}]
    assert evening.rows("SELECT * FROM metrics_daily WHERE player_id = ?", zan.id) == []


def test_who_is_at_the_table_gets_up_first(evening: Evening) -> None:
    zan, ben = evening.player(NAME), evening.player("Ben")
    match = evening.match(zan, ben)
    evening.shoot("1", kind="break", on_table=RACK)
    evening.shoot(first="2", on_table=RACK[1:])
    evening.shoot("2", first="2", on_table=RACK[1:])
    erase(evening, zan)
    with evening.store.read() as conn:
        assert not at_table(conn, "Table 1").taken
    assert evening.standing_of(match).status == "abandoned"
    finish(evening)
    assert evening.rows("SELECT player_id FROM sessions") == [{"player_id": ben.id}]
    evening.shoot("4")
    assert evening.rows("SELECT player_id FROM plays") == [{"player_id": ben.id}]


def test_two_who_played_each_other_can_both_go(evening: Evening) -> None:
    zan, ben = full_life(evening)
    for player in (zan, ben):
        erase(evening, player)
    finish(evening)
    assert evening.rows("SELECT 1 FROM sessions UNION ALL SELECT 1 FROM plays") == []
    # The stray shot was nobody's.
    assert len(evening.rows("SELECT 1 FROM shots")) == 1
    assert len(evening.rows("SELECT 1 FROM results")) == 1


def test_others_are_let_in_between_two_batches(evening: Evening) -> None:
    zan, ben = full_life(evening)
    erase(evening, zan)
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        with evening.store.write() as conn:
            save_player(conn, ben)

    assert erasure.go_on(evening.store, 60.0, sleep=sleep, batch=4)
    assert slept == [erasure.PAUSE_S] * 4
