"""What staff do to people: by whom, written down, and taken back as long as nothing else has happened."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest
from evening import ZONE, Evening

from edge.clock import stamp
from edge.hall import accounts, audit, consents, groups, logins, pin_resets, pins, renaming, roles, undoing
from edge.hall.errors import HallError
from edge.hall.players import Player, PlayerError, Role, get_player, save_player
from edge.hall.roles import give_role
from edge.stats import takeout
from edge.stats.export import Unnamed

UNNAMED = Unnamed("Guest", "A former player")


def somebody(evening: Evening, name: str, *roles: Role) -> Player:
    player = evening.player(name)
    with evening.store.write() as conn:
        for role in roles:
            player = give_role(conn, player.id, role, stamp(evening.now))
    return player


def as_is(evening: Evening, player: Player) -> Player:
    with evening.store.read() as conn:
        found = get_player(conn, player.id)
    assert found is not None
    return found


def latest(evening: Evening, player: Player) -> audit.Deed:
    with evening.store.read() as conn:
        return audit.about(conn, f"player:{player.id}")[0]


def refused(key: str, evening: Evening, act: Callable[..., object], *values: object) -> None:
    """It is refused by that key, and nothing is changed."""
    before = evening.rows("SELECT * FROM players ORDER BY id"), evening.rows("SELECT count(*) AS n FROM audit")
    with pytest.raises(HallError) as refusal, evening.store.write() as conn:
        act(conn, *values)
    assert refusal.value.key == key
    assert before == (
        evening.rows("SELECT * FROM players ORDER BY id"),
        evening.rows("SELECT count(*) AS n FROM audit"),
    )


def do(evening: Evening, act: Callable[..., object], *values: object) -> object:
    with evening.store.write() as conn:
        return act(conn, *values)


def undo(evening: Evening, player: Player, by: Player) -> None:
    deed = latest(evening, player)
    do(evening, undoing.UNDO[deed.what], deed, by.id, evening.now)


@pytest.mark.parametrize(
    ("by", "role", "may"),
    [
        ("staff", "coach", True),
        ("staff", "staff", False),
        ("staff", "admin", False),
        ("operator", "staff", True),
        ("operator", "operator", False),
        ("operator", "admin", False),
        ("admin", "operator", True),
        ("admin", "admin", True),
        ("coach", "coach", False),
    ],
)
def test_who_may_give_and_take_which_role(evening: Evening, by: Role, role: Role, may: bool) -> None:
    somebody(evening, "Ada", "admin")
    acting, ana = somebody(evening, "Tess", by), evening.player("Ana")
    wanted = frozenset({"player", role})
    if may:
        do(evening, roles.set_roles, ana.id, wanted, acting.id, evening.now)
        assert as_is(evening, ana).roles == wanted
        undo(evening, ana, acting)
        assert as_is(evening, ana).roles == {"player"}
        return
    key = "role_not_yours" if by != "coach" else "person_not_yours"
    refused(key, evening, roles.set_roles, ana.id, wanted, acting.id, evening.now)
    do(evening, give_role, ana.id, role, stamp(evening.now))
    refused(key, evening, roles.set_roles, ana.id, frozenset({"player"}), acting.id, evening.now)


def test_an_admin_stays(evening: Evening) -> None:
    ada, olga = somebody(evening, "Ada", "admin"), somebody(evening, "Olga", "admin")
    player: frozenset[Role] = frozenset({"player"})
    do(evening, roles.set_roles, olga.id, player, ada.id, evening.now)
    refused("role_last_admin", evening, roles.set_roles, ada.id, player, ada.id, evening.now)
    undo(evening, olga, ada)
    do(evening, roles.set_roles, ada.id, player, olga.id, evening.now)
    # Now Olga's undo would leave nobody who could give a role.
    refused("person_not_yours", evening, roles.set_roles, olga.id, player, ada.id, evening.now)
    refused("role_last_admin", evening, roles.set_roles, olga.id, player, olga.id, evening.now)


def test_what_was_changed_since_is_not_undone(evening: Evening) -> None:
    ada, ana = somebody(evening, "Ada", "admin"), evening.player("Ana")
    coach: frozenset[Role] = frozenset({"player", "coach"})
    do(evening, roles.set_roles, ana.id, coach, ada.id, evening.now)
    deed = latest(evening, ana)
    do(evening, roles.set_roles, ana.id, coach | {"staff"}, ada.id, evening.now)
    refused("undo_too_late", evening, undoing.UNDO[deed.what], deed, ada.id, evening.now)


def with_pin(evening: Evening, player: Player) -> None:
    hashed = pins.hash_pin(b"pepper", "4826")
    do(evening, pins.keep_pin, player.id, hashed, evening.now)


def test_a_reset_pin_is_set_anew_by_who_has_the_code_once(evening: Evening) -> None:
    tess, ana = somebody(evening, "Tess", "staff"), evening.player("Ana")
    with_pin(evening, ana)
    phone = do(evening, logins.new_login, ana.id, "phone", evening.now, 0.0)
    old = do(evening, pin_resets.reset_pin, ana.id, tess.id, evening.now)
    code = do(evening, pin_resets.reset_pin, ana.id, tess.id, evening.now)
    with evening.store.read() as conn:
        assert not pins.has_pin(conn, ana.id)
        assert logins.who_is(conn, str(phone), evening.now) is None
        assert pin_resets.whose_code(conn, str(old), evening.now) is None
        found = pin_resets.whose_code(conn, f" {str(code).lower()} ", evening.now)
    assert found is not None
    assert found.id == ana.id
    hashed = pins.hash_pin(b"pepper", "9173")
    do(evening, pin_resets.set_pin_by_code, code, hashed, evening.now)
    verdict = pins.verify(evening.store, b"pepper", ana.id, "9173", pins.this_moment())
    assert verdict.player_id == ana.id
    refused("reset_unknown", evening, pin_resets.set_pin_by_code, code, hashed, evening.now)
    assert [str(code) in str(row) for row in evening.rows("SELECT * FROM audit")].count(True) == 0


def test_the_code_is_good_for_a_quarter_of_an_hour(evening: Evening) -> None:
    tess, ana = somebody(evening, "Tess", "staff"), evening.player("Ana")
    code = do(evening, pin_resets.reset_pin, ana.id, tess.id, evening.now)
    late = evening.now + timedelta(minutes=15)
    with evening.store.read() as conn:
        assert pin_resets.whose_code(conn, str(code), late - timedelta(seconds=1)) is not None
        assert pin_resets.whose_code(conn, str(code), late) is None
    refused("reset_unknown", evening, pin_resets.set_pin_by_code, code, "hash", late)


def test_nobody_becomes_somebody_higher_by_a_new_pin_a_name_or_an_erasure(evening: Evening) -> None:
    ada, olga, tess = (
        somebody(evening, *one) for one in (("Ada", "admin"), ("Olga", "operator"), ("Tess", "staff"))
    )
    tim, ana, guest = somebody(evening, "Tim", "staff"), evening.player("Ana"), evening.guest()
    acts: list[tuple[Callable[..., object], tuple[object, ...]]] = [
        (pin_resets.reset_pin, ()),
        (accounts.rename, ("Xenia",)),
        (accounts.erase, ()),
        (accounts.note_given_out, ()),
    ]
    for act, more in acts:
        for by, whom in ((tess, tim), (tess, olga), (tess, ada), (olga, ada), (ana, tim), (guest, ana)):
            refused("person_not_yours", evening, act, whom.id, *more, by.id, evening.now)
    refused("pin_own", evening, pin_resets.reset_pin, tess.id, tess.id, evening.now)
    refused("erase_own", evening, accounts.erase, tess.id, tess.id, evening.now)
    refused("pin_nobody", evening, pin_resets.reset_pin, guest.id, tess.id, evening.now)
    do(evening, pin_resets.reset_pin, tim.id, olga.id, evening.now)


def test_the_lock_out_is_lifted_and_the_pin_stays(evening: Evening) -> None:
    tess, ana = somebody(evening, "Tess", "staff"), evening.player("Ana")
    with_pin(evening, ana)
    at = pins.this_moment()
    for _ in range(pins.FREE_TRIES + 1):
        pins.verify(evening.store, b"pepper", ana.id, "0007", at)
    assert pins.verify(evening.store, b"pepper", ana.id, "4826", at).outcome == "locked"
    do(evening, pin_resets.unlock, ana.id, tess.id, evening.now)
    assert pins.verify(evening.store, b"pepper", ana.id, "4826", at).outcome == "right"


def test_a_name_is_given_back_and_stands_in_no_audit(evening: Evening) -> None:
    tess, ana = somebody(evening, "Tess", "staff"), evening.player("Rude Name")
    do(evening, accounts.rename, ana.id, "  Ana   Lena ", tess.id, evening.now)
    assert as_is(evening, ana).name == "Ana Lena"
    assert not any("Rude" in str(row) or "Lena" in str(row) for row in evening.rows("SELECT * FROM audit"))
    undo(evening, ana, tess)
    assert as_is(evening, ana).name == "Rude Name"
    do(evening, accounts.rename, ana.id, "Ana", tess.id, evening.now)
    deed = latest(evening, ana)
    evening.player("Rude Name")
    with pytest.raises(PlayerError, match="name_taken"), evening.store.write() as conn:
        renaming.undo_rename(conn, deed, tess.id, evening.now)
    do(evening, accounts.rename, ana.id, "Anna", tess.id, evening.now)
    refused("undo_too_late", evening, renaming.undo_rename, deed, tess.id, evening.now)
    do(evening, accounts.erase, ana.id, tess.id, evening.now)
    assert evening.rows("SELECT * FROM renames") == []


def test_a_group_is_set_lifted_and_both_are_undone(evening: Evening) -> None:
    tess, ana = somebody(evening, "Tess", "staff"), evening.player("Ana")

    def stands() -> tuple[str, bool]:
        with evening.store.read() as conn:
            return groups.group_of(conn, ana.id), groups.overridden(conn, ana.id)

    for group in ("elite", "elite"):  # the request came twice
        do(evening, accounts.set_group, ana.id, group, tess.id, evening.now)
    assert (stands(), len(evening.rows("SELECT * FROM group_changes"))) == (("elite", True), 1)
    undo(evening, ana, tess)
    assert stands() == ("active", False)
    do(evening, accounts.set_group, ana.id, "elite", tess.id, evening.now)
    do(evening, accounts.set_group, ana.id, None, tess.id, evening.now)
    assert stands() == ("active", False)
    undo(evening, ana, tess)
    assert stands() == ("elite", True)


def test_staff_show_whom_staff_hid_and_nobody_else(evening: Evening) -> None:
    tess, ana = somebody(evening, "Tess", "staff"), evening.player("Ana")
    ben = evening.player("Ben")
    with evening.store.write() as conn:
        found = get_player(conn, ben.id)
        assert found is not None
        save_player(conn, Player(ben.id, "Ben", False, ben.created, visible=False))
    refused("show_own", evening, accounts.show, ben.id, tess.id, evening.now)
    do(evening, accounts.hide, ana.id, tess.id, evening.now)
    assert not as_is(evening, ana).visible
    undo(evening, ana, tess)
    assert as_is(evening, ana).visible
    do(evening, accounts.hide, ana.id, tess.id, evening.now)
    do(evening, accounts.show, ana.id, tess.id, evening.now)
    assert as_is(evening, ana).visible


def test_what_was_said_of_being_recorded_is_kept_with_who_was_told(evening: Evening) -> None:
    tess, ana = somebody(evening, "Tess", "staff"), evening.player("Ana")
    for answer in ("yes", "yes", "no", "no"):
        do(evening, accounts.note_consent, ana.id, answer, tess.id, evening.now)
    assert [(row["answer"], row["by"]) for row in evening.rows("SELECT * FROM consents ORDER BY id")] == [
        ("yes", tess.id),
        ("no", tess.id),
    ]
    with evening.store.read() as conn:
        assert not consents.may_record(conn, ana.id)
    guest = evening.guest()
    refused("person_nobody", evening, accounts.note_consent, guest.id, "yes", tess.id, evening.now)


def test_everything_of_theirs_is_deleted_and_who_did_it_is_known(evening: Evening) -> None:
    tess, ana = somebody(evening, "Tess", "staff"), evening.player("Ana")
    do(evening, accounts.hide, ana.id, tess.id, evening.now)
    do(evening, accounts.erase, ana.id, tess.id, evening.now)
    deed = latest(evening, ana)
    assert (deed.what, deed.who, deed.role) == ("player.erased", tess.id, "staff")
    assert as_is(evening, ana).erased is not None
    refused("person_nobody", evening, accounts.erase, ana.id, tess.id, evening.now)
    with evening.store.read() as conn:
        hidden = audit.about(conn, f"player:{ana.id}")[1]
    refused("undo_too_late", evening, undoing.UNDO[hidden.what], hidden, tess.id, evening.now)


def unpacked(evening: Evening, player: Player) -> dict[str, str]:
    data = b"".join(takeout.takeout(evening.store, player.id, ZONE, UNNAMED))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_all_of_theirs_is_given_out_and_nothing_of_others(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeout, "PAGE", 2)
    tess, ana, ben = somebody(evening, "Tess", "staff"), evening.player("Ana"), evening.player("Ben")
    with_pin(evening, ana)
    do(evening, consents.give_answer, ana.id, "yes", stamp(evening.now), ana.id)
    for number in range(4):
        evening.match(ana, ben, race_to=1)
        evening.shoot("9", kind="break", on_table=tuple(str(n) for n in range(1, 10)))
        evening.leave()
        evening.wait(600 + number)
    files = unpacked(evening, ana)
    held = {name: json.loads(text) for name, text in files.items() if name.endswith(".json")}
    assert [row["name"] for row in held["players.json"]] == ["Ana"]
    assert (len(held["matches.json"]), len(held["sessions.json"])) == (4, 4)
    assert {row["player_id"] for row in held["sessions.json"]} == {ana.id}
    assert sum(row["half_points"] for row in held["player_points.json"]) > 0
    assert len(files["shots.csv"].splitlines()) == 5
    everything = "".join(files.values())
    hashes = [row["hash"] for row in evening.rows("SELECT hash FROM pins")]
    assert not any(secret in everything for secret in hashes)
    assert tess.id not in everything
    assert "tess" not in everything.lower()


def test_the_zip_is_made_a_piece_at_a_time(evening: Evening) -> None:
    ana = evening.player("Ana")
    evening.practise(ana)
    evening.shoot("1")
    pieces = list(takeout.takeout(evening.store, ana.id, ZONE, UNNAMED))
    assert len(pieces) > len(takeout.PARTS) / 2
    assert max(map(len, pieces)) < 0.6 * sum(map(len, pieces))


def test_every_table_that_refers_to_players_is_given_out_or_known_to_be_left_out(evening: Evening) -> None:
    tables = [row["name"] for row in evening.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    of_players = {
        table
        for table in tables
        if any(key["table"] == "players" for key in evening.rows(f"PRAGMA foreign_key_list({table})"))
    }
    given = {part.table for part in takeout.PARTS}
    assert of_players - given - set(takeout.LEFT_OUT) == set()
    assert given & set(takeout.LEFT_OUT) == set()


def test_only_people_of_the_hall_act(evening: Evening) -> None:
    ana, ben = evening.player("Ana"), evening.player("Ben")
    with pytest.raises(HallError, match="person_not_yours"), evening.store.write() as conn:
        pin_resets.reset_pin(conn, ana.id, ben.id, evening.now)
