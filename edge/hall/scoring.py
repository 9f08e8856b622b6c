"""What every shot counts: whose it was, how the match stands, what the day adds up to.

A shot, an amendment or a tap makes the whole session or match anew from its plays and from what was said. That is
a few milliseconds for an evening, and what stands never depends on the order in which things became known.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from edge.clock import stamp
from edge.hall import standing
from edge.hall.games import MatchState, Word, play_match
from edge.hall.matches import Match, Status, get_match, keep_result
from edge.hall.plays import (
    Booked,
    Counted,
    count_play,
    plays_in_match,
    plays_in_session,
    put_play,
    session_of_play,
)
from edge.hall.rulings import Ruling, ruling_of
from edge.hall.said import Said, said_in_match, said_in_session
from edge.hall.sessions import Session, get_session, played_s, sessions_at, sessions_of_match
from edge.stats.daily import refresh_day
from edge.store.shots import get_shot, get_source


def book_shot(conn: sqlite3.Connection, shot_id: str, now: datetime) -> None:
    """Enters a stored shot, or anew one that was amended, where it counts. One played while nobody was checked in
    counts nowhere."""
    stored = get_shot(conn, shot_id)
    if stored is None:  # erased since
        return
    source = get_source(conn, stored.source_id)
    assert source is not None  # the store refuses a shot without its source
    session = _session_for(conn, shot_id, stored.played_at, source.table_label)
    if session is None:
        return
    put_play(conn, stored, session, (source.table_length_in, source.table_width_in))
    recount(conn, session, now)


def recount(conn: sqlite3.Connection, session: Session, now: datetime) -> None:
    """Makes a session, or the match it belongs to, anew, with the days, points and ratings that follow from it."""
    if session.match_id is None:
        if not _erased(conn, [session.player_id]):
            _recount_practice(conn, session, now)
        return
    match = get_match(conn, session.match_id)
    assert match is not None  # a session refers to a match that is there
    erased = _erased(conn, match.players)
    if not erased:
        result_changed, attended = fold_match(conn, match)
        if result_changed or attended:
            match_id = match.id if result_changed else None
            standing.settle(conn, match.players, now, match_id, since_month=match.day[:7])
        return
    # With half of its shots gone the match can't be made anew: it stands. The other's day can.
    for other in sessions_of_match(conn, match.id):
        if other.player_id not in erased:
            refresh_day(conn, other.player_id, other.day)


def _erased(conn: sqlite3.Connection, player_ids: Sequence[str]) -> set[str]:
    """Those of them who were erased, or are being."""
    marks = ", ".join("?" * len(player_ids))
    rows = conn.execute(f"SELECT id FROM players WHERE id IN ({marks}) AND erased IS NOT NULL", [*player_ids])
    return {row["id"] for row in rows}


def _session_for(
    conn: sqlite3.Connection, shot_id: str, played_at: datetime, table_label: str | None
) -> Session | None:
    booked_in = session_of_play(conn, shot_id)
    if booked_in is not None:
        return get_session(conn, booked_in)
    sitting = sessions_at(conn, played_at, table_label)
    return sitting[-1] if sitting else None


def _recount_practice(conn: sqlite3.Connection, session: Session, now: datetime) -> None:
    booked = plays_in_session(conn, session.id)
    strangers = {said.shot_id for said in said_in_session(conn, session.id) if said.kind == "nobody"}
    run = 0
    own = [b for b in booked if b.shot_id not in strangers]
    for b in booked:
        if b.shot_id in strangers:
            _count(conn, b, Counted(session.id, None))
            continue
        # What the camera could not tell ends a run as a miss does: a run is never longer than it surely was.
        run = run + len(b.play.potted) if b.play.result == "make" else 0
        _count(conn, b, Counted(session.id, session.player_id, run=run))
    _keep_session(conn, session, own, own)
    refresh_day(conn, session.player_id, session.day)
    if bool(own) != bool(session.shots):  # attended now, or no more
        standing.settle(conn, [session.player_id], now, since_month=session.day[:7])


def fold_match(conn: sqlite3.Connection, match: Match) -> tuple[bool, bool]:
    """Makes a match anew that was played at a table, with its players' sessions and days.

    Says whether its result is another one, and whether somebody attended who did not, or no more: then the caller
    has to settle.
    """
    booked = plays_in_match(conn, match.id)
    said = said_in_match(conn, match.id)
    state = play_match(
        match.game,  # type: ignore[arg-type]
        match.race_to,
        match.first_breaker,
        [b.play for b in booked],
        [_word(s) for s in said],
        breaks=match.breaks,  # type: ignore[arg-type]
    )
    sessions = {s.player_id: s for s in sessions_of_match(conn, match.id)}
    sides = [sessions[player_id] for player_id in match.players]
    own: tuple[list[Booked], list[Booked]] = ([], [])
    for b, verdict in zip(booked, state.verdicts, strict=True):
        if verdict.player is None:
            _count(conn, b, Counted(sides[0].id, None))  # it has to lie somewhere
            continue
        own[verdict.player].append(b)
        side = sides[verdict.player]
        counted = Counted(
            side.id,
            side.player_id,
            verdict.rack,
            verdict.inning,
            verdict.run if verdict.legal_pots else 0,
            verdict.points,
            verdict.foul,
            verdict.sure,
            verdict.safety_won if b.kind == "safety" else None,
        )
        _count(conn, b, counted)
    both = [*own[0], *own[1]]
    for side, shots in zip(sides, own, strict=True):
        _keep_session(conn, side, shots, both)
        refresh_day(conn, side.player_id, side.day)
    result_changed = _keep_match(conn, match, state, booked, said)
    attended = any(bool(shots) != bool(side.shots) for side, shots in zip(sides, own, strict=True))
    return result_changed, attended


def _count(conn: sqlite3.Connection, booked: Booked, counted: Counted) -> None:
    if counted != booked.counted:
        count_play(conn, booked.shot_id, counted)


def _keep_session(conn: sqlite3.Connection, session: Session, own: list[Booked], played: list[Booked]) -> None:
    """`own` shots are the player's, `played` all that kept the table busy."""
    latest = max((b.end for b in played), default=session.active_at)
    conn.execute(
        "UPDATE sessions SET shots = ?, active_s = ?, active_at = max(active_at, ?) WHERE id = ?",
        [len(own), played_s((b.begin, b.end) for b in played), stamp(latest), session.id],
    )


def _keep_match(
    conn: sqlite3.Connection, match: Match, state: MatchState, booked: list[Booked], said: list[Said]
) -> bool:
    """Keeps how a match stands; says whether its result is another one than before."""
    conn.execute("UPDATE matches SET state = ? WHERE id = ?", [_state_json(state), match.id])
    ruling = ruling_of(conn, match.id)
    side = _side_that_won(state, ruling)
    winner = None if side is None else match.players[side]
    score = state.score if ruling is None or ruling.winner is None else ruling.score
    status, ended_at = _status_of(conn, match, state, won=winner is not None, struck=_struck(ruling))
    if status == "over" and ended_at is None:
        ended_at = max([stamp(b.end) for b in booked] + [s.at for s in said], default=stamp(match.started_at))
    hill_hill = state.hill_hill
    keep_result(conn, match, status, ended_at, score=score, winner=winner, hill_hill=hill_hill)
    before = (match.status == "over", match.winner, match.score)
    return before != (status == "over", winner, score) and (status == "over" or match.status == "over")


def _side_that_won(state: MatchState, ruling: Ruling | None) -> int | None:
    """What staff ruled, else what the fold says."""
    if ruling is not None:
        return ruling.winner
    return state.winner if state.over else None


def _struck(ruling: Ruling | None) -> bool:
    return ruling is not None and ruling.winner is None


def _status_of(
    conn: sqlite3.Connection, match: Match, state: MatchState, *, won: bool, struck: bool
) -> tuple[Status, str | None]:
    """What a match is now, and when it ended as far as that was known: one that was won keeps its end, one whose
    win was taken back goes on while its players are at the table."""
    known = None if match.ended_at is None else stamp(match.ended_at)
    if won:
        return "over", known if match.status == "over" else None
    if state.over or struck:
        return "abandoned", known or stamp(match.started_at)
    if match.status != "over":
        return match.status, known
    goes_on = any(session.open for session in sessions_of_match(conn, match.id))
    return ("open", None) if goes_on else ("abandoned", known)


def _state_json(state: MatchState) -> str:
    """What a scoreboard shows; the verdicts stand with the plays."""
    shown: dict[str, Any] = asdict(state)
    del shown["verdicts"]
    return json.dumps(shown, separators=(",", ":"))


def _word(said: Said) -> Word:
    assert said.kind != "nobody"  # said of practice alone
    return Word(said.kind, said.side, said.shot_id, said.after, said.amount)
