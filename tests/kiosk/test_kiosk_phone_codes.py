"""A code checks in one phone, once, for minutes; it connects phones and brings opponents."""

from datetime import timedelta

from phone_hall import ADDRESS, PIN, Hall, connect_by_name, log_in_here
from small_kiosk import HOSTILE, OTHER_PHONE

from edge.clock import stamp
from edge.hall import logins
from edge.hall.players import new_guest
from edge.hall.sitting import at_table
from kiosk import limits
from kiosk.player import phones


def test_what_one_phone_opened_no_other_takes(hall: Hall) -> None:
    screen, first = hall.screen(), hall.phone()
    code = screen.code()[0]
    first.post(f"/p/{code}/name", name="Ana")
    number = first.number(code)
    others = [hall.phone(OTHER_PHONE), hall.phone(OTHER_PHONE, of="Ben"), hall.phone(OTHER_PHONE, of="Ana")]
    for other in others:
        assert "Another phone was first" in other.get(f"/p/{code}")
        other.post(f"/p/{code}/name", name="Ana")
        other.post(f"/p/{code}/in")
        other.post(f"/p/{code}/connect")
        assert "phone-number" not in other.get(f"/p/{code}")
        assert other.stage(code) == "gone"
    assert hall.stage(code) == "opened"
    screen.post(f"/code/{code}/pin?number={number}", pin=PIN)
    before = [other.login() for other in others]
    for other in others:
        other.post(f"/p/{code}/pair")
    assert [other.login() for other in others] == before
    first.post(f"/p/{code}/pair")
    assert first.player_id() == hall.ids["Ana"]


def test_the_stub_of_another_code_connects_nothing(hall: Hall) -> None:
    screen, _, pin_page = connect_by_name(hall, "Ana")
    code = pin_page.split("/")[2]
    screen.post(pin_page, pin=PIN)
    thief, own = hall.phone(OTHER_PHONE), screen.code()[0]
    thief.post(f"/p/{own}/name", name="Ben")
    thief.post(f"/p/{code}/pair")
    assert thief.player_id() is None
    for stub in (code, own, "x", *(text for text in HOSTILE if text.isascii() and len(text) < 100)):
        thief.client.set_cookie(phones.STUB_COOKIE, stub, domain=ADDRESS, path="/p/")
        thief.post(f"/p/{code}/pair")
        assert thief.player_id() is None


def test_a_phone_is_connected_once_by_one_code(hall: Hall) -> None:
    screen, phone, pin_page = connect_by_name(hall, "Ana")
    code = pin_page.split("/")[2]
    screen.post(pin_page, pin=PIN)
    copied = phone.client.get_cookie(phones.STUB_COOKIE, domain=ADDRESS, path="/p/")
    assert copied is not None
    phone.post(f"/p/{code}/pair")
    late = hall.phone(OTHER_PHONE)
    late.client.set_cookie(phones.STUB_COOKIE, copied.value, domain=ADDRESS, path="/p/")
    late.post(f"/p/{code}/pair")
    assert late.player_id() is None
    assert "password" not in late.get(f"/p/{code}")


def test_showing_a_link_beforehand_uses_nothing_up(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    code = screen.code()[0]
    for path in (f"/p/{code}", f"/p/{code}?other=1", f"/p/{code}/state"):
        for device in (phone, hall.phone(OTHER_PHONE)):
            device.send("GET", path)
            device.send("HEAD", path)
        for method in ("in", "name", "connect", "pair"):
            assert phone.send("GET", f"/p/{code}/{method}").status_code == 405
    assert hall.stage(code) == "waiting"


def test_nothing_happens_without_the_forms_token(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    code = screen.code()[0]
    for step in ("in", "name", "connect", "pair"):
        assert phone.send("POST", f"/p/{code}/{step}", {"name": "Ana"}).status_code == 403
    assert hall.stage(code) == "waiting"


def test_a_code_lives_for_minutes(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    code, stub = screen.code()
    hall.later = timedelta(seconds=phones.LIFE_S - 5)
    assert "Ana?" in phone.get(f"/p/{code}")
    hall.later = timedelta(seconds=phones.LIFE_S + 1)
    assert "This code is over" in phone.get(f"/p/{code}")
    phone.post(f"/p/{code}/in")
    hall.phone().post(f"/p/{code}/name", name="Ana")
    assert screen.send("GET", f"/code/state?code={code}").json == {"stage": "gone"}
    screen.post("/code/in", code=code, stub=stub)
    assert screen.player_id() is None


def test_who_waits_too_long_waits_in_vain(hall: Hall) -> None:
    screen, phone, pin_page = connect_by_name(hall, "Ana")
    code = pin_page.split("/")[2]
    hall.later = timedelta(seconds=phones.LIFE_S + 1)
    assert phone.stage(code) == "gone"
    assert "This code is over" in phone.get(f"/p/{code}")
    assert "That code is over" in screen.get(pin_page)
    assert "That code is over" in screen.post(pin_page, pin=PIN).get_data(as_text=True)
    hall.later = timedelta()
    screen.post(pin_page, pin=PIN)
    assert phone.stage(code) == "ready"
    hall.later = timedelta(seconds=phones.LIFE_S + 1)
    phone.post(f"/p/{code}/pair")
    assert phone.player_id() is None


def test_what_was_used_at_the_phone_but_not_at_the_screen_ends_too(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    code, stub = screen.code()
    phone.post(f"/p/{code}/in")
    hall.later = timedelta(seconds=phones.LIFE_S + 1)
    assert "That code is over" in screen.post("/code/in", code=code, stub=stub).get_data(as_text=True)
    assert screen.player_id() is None


def test_a_page_that_is_left_takes_its_codes_with_it(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    code, stub = screen.code()
    assert screen.post("/code/drop", token=[code, stub]).status_code == 204
    assert "This code is over" in phone.get(f"/p/{code}")
    phone.post(f"/p/{code}/in")
    with hall.box.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM one_time_tokens").fetchone()[0] == 0


def test_trying_on_and_on_is_refused(hall: Hall) -> None:
    phone, screen = hall.phone(), hall.screen()
    codes_there = [phone.post("/p/x/name", name="Ana").status_code for _ in range(limits.RULES["token"].each + 1)]
    assert set(codes_there[:-1]) == {303}
    assert codes_there[-1] == 429
    assert hall.phone(OTHER_PHONE).post("/p/x/name", name="Ana").status_code == 303
    assert screen.post("/code").status_code == 200


def test_whatever_is_sent_is_no_error(hall: Hall) -> None:
    screen = hall.screen()
    code = screen.code()[0]
    for number, text in enumerate(HOSTILE):
        phone = hall.phone(f"192.168.2.{number}")
        assert phone.post(f"/p/{code}/name", name="").location == f"/p/{code}"
        assert hall.stage(code) == "waiting"
        assert phone.post("/p/%00/name", name=text).status_code == 303
        assert phone.send("GET", f"/code/state?code={code}").status_code == 403
        assert screen.send("GET", "/code/state", {"code": text}).status_code == 200
        assert screen.post("/code/in", code=text, stub=text).status_code == 200
        assert screen.post("/code/drop", token=text).status_code == 204
        assert screen.post("/code", kind="opponent", game=text, race=text).status_code == 400


def test_the_screen_is_no_phone_and_a_phone_no_screen(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    code = screen.code()[0]
    assert screen.send("GET", f"/p/{code}").location == "/"
    for step in ("in", "name", "connect", "pair"):
        screen.post(f"/p/{code}/{step}", name="Ana")
    assert (hall.stage(code), screen.player_id()) == ("waiting", None)
    for path in ("/code", "/code/in", "/code/drop", f"/code/{code}/number", f"/code/{code}/pin"):
        assert phone.post(path).status_code == 403
    for path in ("/phone", "/code/state", f"/code/{code}/number", f"/code/{code}/pin"):
        assert phone.send("GET", path).status_code == 403


def test_a_player_at_the_screen_connects_a_phone(hall: Hall) -> None:
    screen, phone = log_in_here(hall, "Ana"), hall.phone()
    assert 'value="phone"' in screen.get("/phone")
    code = screen.code(kind="phone")[0]
    assert "Ana&#39;s phone?" in phone.get(f"/p/{code}")
    phone.post(f"/p/{code}/connect")
    number = phone.number(code)
    assert "Hello Ana" in screen.get(f"/code/{code}/number")
    assert "Phone connected" in screen.post(f"/code/{code}/number", number=number).get_data(as_text=True)
    phone.post(f"/p/{code}/pair")
    assert phone.player_id() == hall.ids["Ana"]
    assert screen.player_id() == hall.ids["Ana"]


def test_a_code_to_connect_checks_nobody_in_and_asks_for_no_pin(hall: Hall) -> None:
    screen, phone, ben = log_in_here(hall, "Ana"), hall.phone(), hall.phone(OTHER_PHONE, of="Ben")
    code, stub = screen.code(kind="phone")
    ben.post(f"/p/{code}/in")
    ben.post(f"/p/{code}/name", name="Ben")
    assert hall.stage(code) == "waiting"
    phone.post(f"/p/{code}/connect")
    number = phone.number(code)
    assert "over" in screen.get(f"/code/{code}/pin?number={number}")
    assert "over" in screen.post("/code/in", code=code, stub=stub).get_data(as_text=True)
    other = log_in_here(hall, "Ben")
    assert other.post(f"/code/{code}/number", number=number).status_code == 403
    assert hall.screen().post(f"/code/{code}/number", number=number).status_code == 403
    phone.post(f"/p/{code}/pair")
    assert phone.player_id() is None


def test_a_wrong_number_connects_no_phone(hall: Hall) -> None:
    screen, phone = log_in_here(hall, "Ana"), hall.phone()
    code = screen.code(kind="phone")[0]
    phone.post(f"/p/{code}/connect")
    assert "another phone" in screen.post(f"/code/{code}/number", number="99").get_data(as_text=True)
    phone.post(f"/p/{code}/pair")
    assert phone.player_id() is None


def test_logging_out_everywhere_ends_a_code_to_connect(hall: Hall) -> None:
    screen, phone = log_in_here(hall, "Ana"), hall.phone()
    code = screen.code(kind="phone")[0]
    with hall.box.store.write() as conn:
        logins.log_out_everywhere(conn, hall.ids["Ana"])
    phone.post(f"/p/{code}/connect")
    assert "This code is over" in phone.get(f"/p/{code}")


def test_a_guest_connects_no_phone(hall: Hall) -> None:
    screen = hall.screen()
    assert screen.send("GET", "/phone").location == "/check-in?next=/phone"
    assert screen.post("/code", kind="phone").status_code == 400
    screen.post("/guest")
    assert screen.send("GET", "/phone").status_code == 403
    assert screen.post("/code", kind="phone").status_code == 400


def test_a_guests_phone_is_nobodys(hall: Hall) -> None:
    with hall.box.store.write() as conn:
        hall.ids["guest"] = new_guest(conn, stamp(hall.now())).id
    phone = hall.phone(of="guest")
    code = hall.screen().code()[0]
    phone.post(f"/p/{code}/in")
    assert hall.stage(code) == "waiting"
    assert 'name="name"' in phone.get(f"/p/{code}")


def test_a_phone_changes_hands(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ben")
    code = screen.code()[0]
    assert f"/p/{code}?other=1" in phone.get(f"/p/{code}")
    assert 'name="name"' in phone.get(f"/p/{code}?other=1")
    phone.post(f"/p/{code}/name", name="Ana")
    screen.post(f"/code/{code}/pin?number={phone.number(code)}", pin=PIN)
    before = phone.login()
    phone.post(f"/p/{code}/pair")
    assert phone.player_id() == hall.ids["Ana"]
    with hall.box.store.read() as conn:
        assert logins.who_is(conn, before, hall.now()) is None


def match_of(hall: Hall) -> tuple[str, ...]:
    with hall.box.store.read() as conn:
        sitting = at_table(conn, "Table 1")
    return (
        () if sitting.match is None else (sitting.match.game, str(sitting.match.race_to), *sitting.match.players)
    )


def test_an_opponent_checks_in_by_phone(hall: Hall) -> None:
    screen, phone = log_in_here(hall, "Ana"), hall.phone(of="Ben")
    assert 'value="opponent"' in screen.get("/start/opponent?game=9-ball&race=5")
    code, stub = screen.code(kind="opponent", game="9-ball", race=5)
    assert "Ana waits for you: 9-ball, race to 5" in phone.get(f"/p/{code}")
    phone.post(f"/p/{code}/in")
    assert screen.post("/code/in", code=code, stub=stub).location == "/"
    assert match_of(hall) == ("9-ball", "5", hall.ids["Ana"], hall.ids["Ben"])
    assert screen.player_id() == hall.ids["Ana"]
    assert phone.player_id() == hall.ids["Ben"]


def test_an_opponent_gives_a_name_and_types_the_pin_at_the_screen(hall: Hall) -> None:
    screen, phone = log_in_here(hall, "Ana"), hall.phone()
    code = screen.code(kind="opponent", game="straight pool", race=50)[0]
    assert "Ana waits for you: Straight pool, to 50" in phone.get(f"/p/{code}")
    phone.post(f"/p/{code}/name", name="Ben")
    pin_page = screen.post(f"/code/{code}/number", number=phone.number(code)).location
    assert "Hello Ben" in screen.get(pin_page)
    assert "did not fit" in screen.post(pin_page, pin="0000").get_data(as_text=True)
    assert match_of(hall) == ()
    assert screen.post(pin_page, pin=PIN).location == "/"
    assert match_of(hall) == ("straight pool", "50", hall.ids["Ana"], hall.ids["Ben"])
    phone.post(f"/p/{code}/pair")
    assert (screen.player_id(), phone.player_id()) == (hall.ids["Ana"], hall.ids["Ben"])


def test_nobody_plays_against_themselves(hall: Hall) -> None:
    screen, phone = log_in_here(hall, "Ana"), hall.phone(of="Ana")
    code = screen.code(kind="opponent", game="9-ball", race=5)[0]
    assert "That is you" in phone.get(f"/p/{code}")
    phone.post(f"/p/{code}/in")
    assert hall.stage(code) == "waiting"
    other = hall.phone(OTHER_PHONE)
    other.post(f"/p/{code}/name", name="Ana")
    answer = screen.post(f"/code/{code}/pin?number={other.number(code)}", pin=PIN)
    assert "That is you" in answer.get_data(as_text=True)
    assert match_of(hall) == ()


def test_no_match_starts_for_somebody_who_has_left(hall: Hall) -> None:
    screen, phone = log_in_here(hall, "Ana"), hall.phone(of="Ben")
    code, stub = screen.code(kind="opponent", game="9-ball", race=5)
    phone.post(f"/p/{code}/in")
    screen.post("/leave")
    assert "That code is over" in screen.post("/code/in", code=code, stub=stub).get_data(as_text=True)
    assert screen.post("/code", kind="opponent", game="9-ball", race=5).status_code == 400
    assert match_of(hall) == ()
