"""Taps at the table: who is at it, who won a rack, whose shot it was, which balls fell, and taking a tap back."""

import sqlite3
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from edge.hall import audit
from edge.hall.plays import plays_in_match
from edge.hall.said import Kind, Said, said_in_match, said_in_session, say, take_back
from edge.hall.scoring import recount
from edge.hall.sessions import Session, get_session, touch
from edge.hall.sitting import Sitting, in_order
from edge.store.shots import get_shot, mend_shot
from kiosk import fragments
from kiosk.balls_svg import ball_set
from kiosk.box import box
from kiosk.player.ladder_play import notes_of
from kiosk.player.mending import may_mend, mendable, toggled
from kiosk.records import Entry
from kiosk.security import Refusal
from kiosk.who import access, current_visitor, require_at_table

blueprint = Blueprint("say", __name__)

# What may be said of a match as it goes on.
WORDS: frozenset[Kind] = frozenset({"turn", "rack", "foul", "no foul", "push out", "solids", "stripes", "end"})


@blueprint.get("/table/score")
@access("screen", "guest", otherwise="check-in")
def score() -> Response | str:
    """What can be said of a match at any time: who won a rack, that the last shot was a foul, who gives up."""
    with box().store.read() as conn:
        sitting = box().sitting(conn)
        if sitting.match is None:
            return redirect("/", 303)
        may_speak(sitting)
        names = [player.name for player in in_order(sitting)]
        plays = plays_in_match(conn, sitting.match.id)
        said = said_in_match(conn, sitting.match.id)
        notes = notes_of(conn, sitting.match)
    last = plays[-1] if plays else None
    values = {"names": names, "last": last, "said": said[-1:], "notes": notes}
    return render_template("table/score.html", match=sitting.match, **values)


@blueprint.post("/table/say")
@access("screen", "guest")
def say_it() -> Response | str:
    """A tap about the match that goes on; answers with what was understood and a way to take it back, a form with
    the way back to the table."""
    word = _word(request.form.get("word", ""))
    side = request.form.get("side", type=int)
    shot_id = request.form.get("shot") or None
    if side not in (None, 0, 1):
        abort(400)
    with box().store.write() as conn:
        sitting = box().sitting(conn)
        session = may_speak(sitting)
        if sitting.match is None:
            abort(400)
        said = _say(conn, session, word, shot_id, side)
        name = "" if side is None else in_order(sitting)[side].name
    if "HX-Request" not in request.headers:
        return redirect("/", 303)
    return render_template("table/_told.html", said=said, name=name)


@blueprint.post("/table/take-back")
@access("screen", "guest")
def take_it_back() -> Response | str:
    """Takes back a tap."""
    now = box().here()
    with box().store.write() as conn:
        session = may_speak(box().sitting(conn))
        said = take_back(conn, request.form.get("said", ""), now.stamp, speaker())
        if said is not None:
            _note(conn, "said.taken_back", said)
            recount(conn, session, now.now)
    if "HX-Request" not in request.headers:
        return redirect("/", 303)
    return render_template("table/_told.html", said=None, name="")


@blueprint.post("/table/touch")
@access("screen", "guest")
def touched() -> tuple[str, int]:
    """Somebody is there, so the session goes on."""
    with box().store.write() as conn:
        sitting = box().sitting(conn)
        if sitting.taken:
            may_speak(sitting)
            touch(conn, [session.id for session in sitting.sessions], box().here().now)
    return "", 204


@blueprint.post("/shots/<path:key>/mend")
@access("screen", "guest")
def mend(key: str) -> Response:
    """Puts a shot right: `ball` fell or did not, `who` played it, `word` says whether it was a foul."""
    entry = box().records.shot(key)
    if entry is None:
        abort(404)
    if not may_mend(entry):
        raise Refusal(403, "not_yours")
    ball, who, word = (request.form.get(name, "") for name in ("ball", "who", "word"))
    if ball:
        _mend_ball(entry, ball)
    elif who:
        _mend_who(entry, who)
    elif word:
        _mend_word(entry, word)
    else:
        abort(400)
    return redirect(fragments.shot_url(key), 303)


def may_speak(sitting: Sitting) -> Session:
    """The session in which the visitor's taps count. Raises Refusal."""
    if not sitting.taken:
        raise Refusal(409, "nobody_plays")
    session = sitting.session_for(speaker())
    require_at_table(session)
    return session


def speaker() -> str | None:
    player = current_visitor().player
    return None if player is None else player.id


def _word(text: str) -> Kind:
    found = next((word for word in WORDS if word == text), None)
    if found is None:
        abort(400)
    return found


def _say(conn: sqlite3.Connection, session: Session, word: Kind, shot_id: str | None, side: int | None) -> Said:
    here = box().here()
    said = say(
        conn,
        word,
        here.stamp,
        session_id=None if session.match_id else session.id,
        match_id=session.match_id,
        shot_id=shot_id,
        side=side,
        speaker=speaker(),
    )
    _note(conn, "said", said)
    touch(conn, [session.id], here.now)
    recount(conn, session, here.now)
    return said


def _note(conn: sqlite3.Connection, what: str, said: Said) -> None:
    subject = f"match:{said.match_id}" if said.match_id else f"session:{said.session_id}"
    after = {"said": said.id, "kind": said.kind.replace(" ", "_"), "side": said.side}
    _audit(conn, what, subject, None, after)


def _audit(
    conn: sqlite3.Connection,
    what: str,
    subject: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    visitor = current_visitor()
    role: audit.Role = "staff" if visitor.staff else "player" if visitor.player is not None else "screen"
    audit.note(conn, box().here().stamp, what, subject, role=role, who=speaker(), before=before, after=after)


def _mend_ball(entry: Entry, ball: str) -> None:
    balls = entry.ball_set or ball_set(box().reading().ball_set)
    if ball not in mendable(entry.stored.shot, balls):
        abort(400)
    with box().store.write() as conn:
        stored = get_shot(conn, entry.key)  # as it stands now: two taps must not undo each other
        assert stored is not None
        before = stored.shot
        mended = mend_shot(conn, toggled(before, ball, balls, entry.table), speaker() or "screen", "what fell")
        change = {"revision": before.revision, "potted": [pot.ball for pot in before.potted]}
        now = {"revision": mended.revision, "potted": [pot.ball for pot in mended.potted]}
        _audit(conn, "shot.mended", f"shot:{_id(entry)}", change, now)
    box().books.book()


def _mend_who(entry: Entry, who: str) -> None:
    with box().store.write() as conn:
        session = _session_of(conn, entry)
        if session.match_id is not None and who in ("0", "1"):
            _say(conn, session, "shooter", entry.key, int(who))
        elif session.match_id is None and who in ("mine", "nobody"):
            _say_whose(conn, session, entry.key, who)
        else:
            abort(400)


def _say_whose(conn: sqlite3.Connection, session: Session, shot_id: str, who: str) -> None:
    """Practice: a shot is the player's unless it was said to be nobody's."""
    if who == "nobody":
        _say(conn, session, "nobody", shot_id, None)
        return
    here = box().here()
    for said in said_in_session(conn, session.id):
        taken = take_back(conn, said.id, here.stamp, speaker()) if said.shot_id == shot_id else None
        if taken is not None:
            _note(conn, "said.taken_back", taken)
    recount(conn, session, here.now)


def _mend_word(entry: Entry, word: str) -> None:
    kinds: dict[str, Kind] = {"foul": "foul", "no foul": "no foul"}
    if word not in kinds:
        abort(400)
    with box().store.write() as conn:
        session = _session_of(conn, entry)
        if session.match_id is None:
            abort(400)
        _say(conn, session, kinds[word], entry.key, None)


def _session_of(conn: sqlite3.Connection, entry: Entry) -> Session:
    if entry.by is None:
        abort(400)
    session = get_session(conn, entry.by.session_id)
    assert session is not None  # a play refers to a session that is there
    return session


def _id(entry: Entry) -> str:
    return "".join(char if char.isalnum() or char in "._:/+-" else "_" for char in entry.key)[:180]
