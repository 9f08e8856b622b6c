"""An evening at the counter: who is here, who plays whom, and who won, a tap each."""

import sqlite3
from collections import Counter
from dataclasses import dataclass

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from edge.facts import uuid7
from edge.hall import players
from edge.hall.game_sessions import (
    GameSession,
    attend,
    attending,
    attending_ids,
    begin_evening,
    close_evening,
    evenings,
    get_evening,
    leave_out,
    reopen_evening,
    set_play,
    time_of_result,
    void_evening,
)
from edge.hall.matches import MOST_POINTS, Match, get_match, matches_of_evening
from edge.hall.pairings import (
    How,
    Pairing,
    count_waiting,
    draw_round,
    drop_pairing,
    get_pairing,
    latest_round,
    pair_by_hand,
    pairings_of,
)
from edge.hall.players import GAMES, Player, sign_up
from edge.hall.results import Entered, correct, enter_result
from kiosk.box import box
from kiosk.counter import forms, shell
from kiosk.counter.deed_words import side_words
from kiosk.who import access, hall_staff

blueprint = Blueprint("counter_evening", __name__)

EVENINGS_SHOWN = 12
RACES = (1, 2, 3, 4, 5, 7, 9)
POINTS = (25, 50, 75, 100)  # of straight pool


@dataclass(frozen=True, slots=True)
class Row:
    """A pairing as its row shows it."""

    pairing: Pairing
    names: tuple[str, str]
    match: Match | None

    @property
    def over(self) -> bool:
        return self.match is not None and self.match.status == "over"

    @property
    def seen(self) -> str:
        return forms.shown_score(self.match)


@dataclass(frozen=True, slots=True)
class Other:
    """A result of the evening that nobody was paired for: by a program, or at a table and counted for it."""

    match: Match
    names: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Tally:
    """How somebody has done tonight."""

    name: str
    played: int
    won: int


@blueprint.get("/counter/evening")
@access("staff", otherwise="check-in")
def index() -> str:
    """The evenings, and a new one."""
    with box().store.read() as conn:
        found = [(evening, len(attending_ids(conn, evening.id))) for evening in evenings(conn, EVENINGS_SHOWN)]
    today = box().here().day
    going_on = [evening for evening, _ in found if evening.open and evening.day == today]
    return shell.page(
        "counter/evening/index.html",
        "evening",
        found=found,
        going_on=going_on,
        games=GAMES,
        races=RACES,
        points=POINTS,
        once=uuid7(),
    )


@blueprint.post("/counter/evening")
@access("staff")
def begin() -> Response:
    """An evening begins."""
    game, race = forms.asked_play()
    with box().store.write() as conn:
        evening = begin_evening(
            conn,
            box().here(),
            hall_staff().id,
            game=game,
            race_to=race,
            doubles=request.form.get("kind") == "doubles",
            evening_id=forms.once(),
        )
        return shell.done(conn, url_for("counter_evening.who_is_here", evening_id=evening.id))


@blueprint.get("/counter/evening/<evening_id>/here")
@access("staff", otherwise="check-in")
def who_is_here(evening_id: str) -> str:
    """Names to tap: those who come often first, others by their first letters."""
    begin_with = request.args.get("name", "")[:40]
    with box().store.read() as conn:
        evening = _evening(conn, evening_id)
        here = attending(conn, evening_id)
        others = forms.members(conn, begin_with, box().here())
    known = {player.id for player in here}
    names = others
    if not begin_with.strip():
        names = [*here, *(player for player in others if player.id not in known)]
        names.sort(key=lambda player: (player.guest, player.name.casefold()))
    key = players.name_key(begin_with)
    return shell.page(
        "counter/evening/here.html",
        "evening",
        evening=evening,
        names=names,
        here_ids=known,
        begin=begin_with,
        is_new=all(players.name_key(player.name) != key for player in names),
    )


@blueprint.post("/counter/evening/<evening_id>/here")
@access("staff")
def tap(evening_id: str) -> Response | str:
    """A name was tapped: here, or not after all. The page says which it wants, so twice is once."""
    player_id, now = request.form.get("player", ""), box().here().now
    with box().store.write() as conn:
        evening = _evening(conn, evening_id)
        if request.form.get("here") == "yes":
            attend(conn, evening, [player_id], hall_staff().id, now)
        else:
            leave_out(conn, evening, player_id, hall_staff().id, now)
        ids = set(attending_ids(conn, evening_id))
        player = players.get_player(conn, player_id)
    if "HX-Request" not in request.headers or player is None:
        return redirect(url_for("counter_evening.who_is_here", evening_id=evening_id), 303)
    return render_template("counter/evening/_name.html", evening=evening, player=player, here_ids=ids, oob=True)


@blueprint.post("/counter/evening/<evening_id>/new")
@access("staff")
def new(evening_id: str) -> Response:
    """Somebody new: a guest, or a name to sign up, who sets a PIN later."""
    here = box().here()
    with box().store.write() as conn:
        evening = _evening(conn, evening_id)
        name = request.form.get("name", "").strip()
        player = sign_up(conn, name, here.stamp) if name else _guest(conn, evening)
        attend(conn, evening, [player.id], hall_staff().id, here.now)
        return shell.done(conn, url_for("counter_evening.who_is_here", evening_id=evening_id))


@blueprint.get("/counter/evening/<evening_id>")
@access("staff", otherwise="check-in")
def matches(evening_id: str) -> str:
    """The rounds: two names a row, and who is tapped has won."""
    with box().store.read() as conn:
        evening = _evening(conn, evening_id)
        rows = _rows(conn, evening)
        here = attending(conn, evening_id)
        following = latest_round(conn, evening_id) + 1
        played = matches_of_evening(conn, evening_id)
        others = _others(conn, played, rows)
        tally = _tally(conn, played)
    rounds: dict[int, list[Row]] = {}
    for row in rows:
        rounds.setdefault(row.pairing.round, []).append(row)
    return shell.page(
        "counter/evening/matches.html",
        "evening",
        evening=evening,
        rounds=rounds,
        others=others,
        here=len(here),
        out=_sitting_out(here, rows),
        following=following,
        tally=tally,
        waiting=sum(not row.over for row in rows),
    )


@blueprint.post("/counter/evening/<evening_id>/pair")
@access("staff")
def pair(evening_id: str) -> Response:
    """Draws the next round."""
    how: How = "level" if request.form.get("how") == "level" else "random"
    with box().store.write() as conn:
        evening = _evening(conn, evening_id)
        number = request.form.get("number", 0, type=int)
        draw_round(conn, evening, how, hall_staff().id, box().here().now, number=number)
        return shell.done(conn, url_for("counter_evening.matches", evening_id=evening_id))


@blueprint.get("/counter/evening/<evening_id>/pick")
@access("staff", otherwise="check-in")
def pick(evening_id: str) -> str:
    """A match by hand: each tap is the next player."""
    picked = request.args.getlist("p")[:4]
    with box().store.read() as conn:
        evening = _evening(conn, evening_id)
        here = attending(conn, evening_id)
    names = {player.id: player.name for player in here}
    picked = [one for one in dict.fromkeys(picked) if one in names]
    return shell.page(
        "counter/evening/pick.html",
        "evening",
        evening=evening,
        here=here,
        picked=picked,
        names=names,
        once=uuid7(),
    )


@blueprint.post("/counter/evening/<evening_id>/pick")
@access("staff")
def picked(evening_id: str) -> Response:
    """Those who were tapped play each other."""
    ids = request.form.getlist("p")
    half = len(ids) // 2
    with box().store.write() as conn:
        evening = _evening(conn, evening_id)
        sides = (tuple(ids[:half]), tuple(ids[half:]))
        pair_by_hand(conn, evening, sides, hall_staff().id, box().here().now, pairing_id=forms.once())
        return shell.done(conn, url_for("counter_evening.matches", evening_id=evening_id))


@blueprint.get("/counter/evening/<evening_id>/pairings/<pairing_id>")
@access("staff", otherwise="check-in")
def score(evening_id: str, pairing_id: str) -> str:
    """The score, where one rack does not decide; also to put right what was entered."""
    with box().store.read() as conn:
        evening = _evening(conn, evening_id)
        row = _row(conn, _pairing(conn, evening, pairing_id))
    winner = request.args.get("winner", type=int)
    if winner not in (None, 0, 1):
        abort(400)
    game, race = (evening.game, evening.race_to) if row.match is None else (row.match.game, row.match.race_to)
    return shell.page(
        "counter/evening/score.html",
        "evening",
        evening=evening,
        row=row,
        winner=winner,
        race=race,
        by_buttons=forms.by_buttons(game, race),
    )


@blueprint.post("/counter/evening/<evening_id>/pairings/<pairing_id>")
@access("staff")
def result(evening_id: str, pairing_id: str) -> Response | str:
    """Who won, and how many racks the other has; entered anew it is a correction."""
    winner = request.form.get("winner", type=int)
    if winner not in (0, 1):
        abort(400)
    with box().store.write() as conn:
        evening = _evening(conn, evening_id)
        pairing = _pairing(conn, evening, pairing_id)
        wanted = _score(evening, winner)
        _enter(conn, evening, pairing, wanted)
        if "HX-Request" not in request.headers:
            return shell.done(conn, url_for("counter_evening.matches", evening_id=evening_id))
        row = _row(conn, pairing)
        waiting = count_waiting(conn, evening_id)
    return render_template("counter/evening/_row.html", evening=evening, row=row, waiting=waiting, oob=True)


@blueprint.post("/counter/evening/<evening_id>/pairings/<pairing_id>/drop")
@access("staff")
def drop(evening_id: str, pairing_id: str) -> Response:
    """Nobody plays that one."""
    with box().store.write() as conn:
        evening = _evening(conn, evening_id)
        _pairing(conn, evening, pairing_id)
        drop_pairing(conn, evening, pairing_id, hall_staff().id, box().here().now)
        return shell.done(conn, url_for("counter_evening.matches", evening_id=evening_id))


@blueprint.get("/counter/evening/<evening_id>/play")
@access("staff", otherwise="check-in")
def play(evening_id: str) -> str:
    """What is played from here on, and the evening's end."""
    with box().store.read() as conn:
        evening = _evening(conn, evening_id)
    return shell.page(
        "counter/evening/play.html", "evening", evening=evening, games=GAMES, races=RACES, points=POINTS
    )


@blueprint.post("/counter/evening/<evening_id>/play")
@access("staff")
def save_play(evening_id: str) -> Response:
    """What is played is something else from here on."""
    (game, race), doubles = forms.asked_play(), request.form.get("kind") == "doubles"
    by, now = hall_staff().id, box().here().now
    with box().store.write() as conn:
        set_play(conn, _evening(conn, evening_id), game, race, doubles=doubles, by=by, now=now)
        return shell.done(conn, url_for("counter_evening.matches", evening_id=evening_id))


@blueprint.post("/counter/evening/<evening_id>/close")
@access("staff")
def close(evening_id: str) -> Response:
    """The evening is over, goes on, or never was."""
    by, now = hall_staff().id, box().here().now
    what = {"close": close_evening, "reopen": reopen_evening, "void": void_evening}.get(
        request.form.get("how", "")
    )
    if what is None:
        abort(400)
    with box().store.write() as conn:
        what(conn, _evening(conn, evening_id), by, now)
        return shell.done(conn, url_for("counter_evening.index"))


def _enter(conn: sqlite3.Connection, evening: GameSession, pairing: Pairing, wanted: tuple[int, int]) -> None:
    """Enters a pairing's result, or puts right the one that the page showed. Raises HallError for another one."""
    by, now = hall_staff().id, box().here().now
    known = get_match(conn, pairing.match_id)
    if known is None:
        at = time_of_result(conn, evening, now)
        what = Entered(pairing.match_id, pairing.sides, evening.game, wanted, evening.day, at, evening.id)
        enter_result(conn, what, by, now)
    elif known.status != "over" or known.score != wanted:
        forms.require_seen(known)
        correct(conn, known.id, wanted, by, now)


def _score(evening: GameSession, winner: int) -> tuple[int, int]:
    """What the form says: the winner has the race, the other what was tapped."""
    won = request.form.get("won", evening.race_to, type=int)
    lost = request.form.get("lost", 0, type=int)
    if not 0 <= lost < won <= MOST_POINTS:
        abort(400)
    return (won, lost) if winner == 0 else (lost, won)


def _rows(conn: sqlite3.Connection, evening: GameSession) -> list[Row]:
    return [_row(conn, pairing) for pairing in pairings_of(conn, evening.id)]


def _row(conn: sqlite3.Connection, pairing: Pairing) -> Row:
    a, b = (side_words(conn, side) for side in pairing.sides)
    return Row(pairing, (a, b), get_match(conn, pairing.match_id))


def _sitting_out(here: list[Player], rows: list[Row]) -> list[str]:
    """Whom the latest round left out. A draw leaves out fewer than a match takes; more, and it was no draw."""
    if not rows:
        return []
    latest = [row.pairing for row in rows if row.pairing.round == rows[0].pairing.round]
    playing = {one for pairing in latest for side in pairing.sides for one in side}
    out = [player.name for player in here if player.id not in playing]
    return out if len(out) < 2 * len(latest[0].sides[0]) else []


def _others(conn: sqlite3.Connection, played: list[Match], rows: list[Row]) -> list[Other]:
    """What was played tonight and stands in no round."""
    paired = {row.pairing.match_id for row in rows}
    found = []
    for match in played:
        if match.id not in paired:
            a, b = (side_words(conn, side) for side in match.sides)
            found.append(Other(match, (a, b)))
    return found


def _tally(conn: sqlite3.Connection, matches: list[Match]) -> list[Tally]:
    """Those who have played tonight, who won most first."""
    played: Counter[str] = Counter()
    won: Counter[str] = Counter()
    for match in matches:
        played.update(match.everybody)
        won.update(one for one in match.everybody if match.won_by(one))
    lines = [Tally(side_words(conn, (one,)), count, won[one]) for one, count in played.items()]
    return sorted(lines, key=lambda line: (-line.won, line.played, line.name.casefold()))


def _evening(conn: sqlite3.Connection, evening_id: str) -> GameSession:
    evening = get_evening(conn, evening_id)
    if evening is None:
        abort(404)
    return evening


def _pairing(conn: sqlite3.Connection, evening: GameSession, pairing_id: str) -> Pairing:
    pairing = get_pairing(conn, pairing_id)
    if pairing is None or pairing.evening_id != evening.id:
        abort(404)
    return pairing


def _guest(conn: sqlite3.Connection, evening: GameSession) -> Player:
    guests = sum(player.guest for player in attending(conn, evening.id))
    return players.new_guest(conn, box().here().stamp, guests + 1)
