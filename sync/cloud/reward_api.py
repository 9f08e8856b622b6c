"""Training boards and the month's rewards for programs, and the address where Stripe tells what has happened.

An owner's program shows a token (`ladder cloud token`). Months are first looked at, with `dry_run`; what was
looked at is named by a hash, and only that can be confirmed.
"""

import csv
import io
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from edge.clock import stamp
from edge.facts import canonical, content_hash
from sync.cloud import closing, codes, halls, names, owners, periods, rewards, standings, webhooks
from sync.cloud.api import asked, cloud, hall_asked_for
from sync.cloud.closing import Preview
from sync.cloud.db import Conn
from sync.cloud.deciding import Award
from sync.cloud.halls import Hall
from sync.cloud.owner import guard
from sync.cloud.owners import Owner
from sync.cloud.standings import Place
from sync.cloud.stripe_gateway import GatewayError
from sync.protocol import ProblemError

log = logging.getLogger(__name__)

MOST_HALLS = 500  # in one run; `after` goes on

blueprint = Blueprint("reward_api", __name__)


@blueprint.get("/api/hall/<hall_id>/training-leaderboard")
def training_leaderboard(hall_id: str) -> Response:
    """The top ten of a hall's month."""
    here = cloud()
    _owner()
    month = request.args.get("month", "")
    with here.db.read() as conn:
        hall = hall_asked_for(conn, hall_id)
        month = month or periods.month_of(here.now(), hall.zone_info)
        if not standings.is_period(month):
            raise ProblemError(400, "malformed", "A month is written like 2026-10.")
        found = board_json(conn, hall, month)
    return jsonify(found)


@blueprint.post("/api/rewards/run-monthly")
def run_monthly() -> Response:
    """Looks at, or confirms, the winners of a month that is over."""
    here, owner, now = cloud(), _owner(), cloud().now()
    said = asked()
    month, dry = said.get("month"), said.get("dry_run", True)
    if not isinstance(month, str) or not standings.is_period(month) or not isinstance(dry, bool):
        raise ProblemError(400, "malformed", 'Ask like {"month": "2026-10", "dry_run": true}.')
    with here.db.read() if dry else here.db.write() as conn:
        found = _halls_asked_for(conn, said)
        after = found[-1].id if len(found) == MOST_HALLS else None
        frozen, shown = _look(conn, found, month, now)
        own = content_hash(canonical({"month": month, "halls": shown}))
        if dry:
            return jsonify({"month": month, "dry_run": True, "confirm": own, "halls": shown, "after": after})
        if said.get("confirm") != own:
            raise ProblemError(
                409, "not-looked-at", "What would be decided is not what was looked at: look again, with dry_run."
            )
        decided = [hall_id for hall_id in frozen if closing.confirm(conn, hall_id, month, now)]
    log.info("%s confirmed %s in %d halls", owner.email, month, len(decided))
    here.kick()
    return jsonify({"month": month, "dry_run": False, "decided": decided, "after": after})


def _look(conn: Conn, found: Sequence[Hall], month: str, now: datetime) -> tuple[list[str], list[dict[str, Any]]]:
    """Of the halls in which the month is over: the ids of those that can be decided, and each as it is shown.

    Raises ProblemError.
    """
    ended = [hall for hall in found if periods.has_ended(month, hall.zone_info, now)]
    if not ended:
        raise ProblemError(
            409, "month-not-over", f"{month} is not over in any of these halls: nothing is decided."
        )
    previews = closing.previews(conn, [hall.id for hall in ended], month, now)
    frozen = [hall_id for hall_id, one in previews.items() if one.period.state == "frozen"]
    return frozen, [preview_json(conn, hall, previews[hall.id]) for hall in ended]


@blueprint.post("/api/stripe/webhook")
@blueprint.post("/api/stripe/reward-apply")
def stripe_webhook() -> Response:
    """Stripe tells that something has changed: it is noted, and looked into after."""
    here, now = cloud(), cloud().now()
    secret = "" if here.money is None else here.money.webhook
    event = webhooks.read_event(request.get_data(), dict(request.headers), secret, now)
    with here.db.write() as conn:
        new = webhooks.note(conn, event, now)
    if new:
        here.kick()
    return jsonify({"received": True})


@blueprint.get("/subscribed")
def subscribed() -> ResponseReturnValue:
    """Where a phone comes after Stripe's checkout."""
    here, checkout_id = cloud(), request.args.get("checkout", "")
    member = None
    if here.money is not None and checkout_id.startswith("cs_") and len(checkout_id) < 200:
        try:
            member = here.money.treasurer.take_checkout(checkout_id)
        except GatewayError as error:  # the webhook will tell
            log.warning("%s", error)
    code = None if member is None else codes.shown_code(member.code)
    return _page("subscribed.html", code=code)


@blueprint.get("/not-subscribed")
def not_subscribed() -> ResponseReturnValue:
    return _page("not_subscribed.html")


@blueprint.get("/back-to-the-hall")
def back_to_the_hall() -> ResponseReturnValue:
    return _page("back_to_the_hall.html")


def board_json(conn: Conn, hall: Hall, month: str) -> dict[str, Any]:
    """A hall's leaderboard for programs."""
    given = {one.player_id: one for one in rewards.of_halls(conn, [hall.id], month)[hall.id]}
    return {
        "hall": hall.id,
        "name": hall.name,
        "month": month,
        "rows": [_place_json(one, given) for one in standings.board(conn, hall.id, month)],
    }


def board_csv(conn: Conn, hall: Hall, month: str) -> str:
    """The same for a spreadsheet; what begins like a formula is text."""
    found = board_json(conn, hall, month)
    out = io.StringIO()
    columns = (
        "rank", "name", "ladder", "hours", "coach_avg", "win_rate", "total", "sessions", "reward", "state",
        "player",
    )  # fmt: skip
    write = csv.writer(out)
    write.writerow(columns)
    for row in found["rows"]:
        write.writerow([_safe(row[name]) for name in columns])
    return out.getvalue()


def preview_json(conn: Conn, hall: Hall, found: Preview) -> dict[str, Any]:
    """What would be decided, or was."""
    period = found.period
    if period.state == "decided":
        booked = rewards.of_halls(conn, [hall.id], period.period)[hall.id]
        named = names.names_of(conn, hall.id, [one.player_id for one in booked])
        winners: list[dict[str, Any]] = [
            {"player": one.player_id, "name": named.get(one.player_id), "kind": one.kind, "total": one.total,
             "hours": one.hours, "why": one.why, "ladder": one.ladder_name or None, "state": one.state}
            for one in booked
        ]  # fmt: skip
        nobody = period.nobody
    else:
        winners = [_award_json(one, found.names) for one in found.decision.awards]
        nobody = found.decision.nobody
    return {
        "hall": hall.id,
        "name": hall.name,
        "state": period.state,
        "hash": period.hash,
        "players": period.players,
        "winners": winners,
        "nobody": nobody,
        "near": [
            {"player": one.score.player, "name": found.names.get(one.score.player), "behind": one.behind,
             "missing": one.missing}
            for some in found.decision.near.values()
            for one in some
        ],
        "passed_over": found.passed_over,
        "decides_at": None if found.decides_at is None else stamp(found.decides_at),
    }  # fmt: skip


def _award_json(one: Award, named: dict[str, str]) -> dict[str, Any]:
    return {
        "player": one.score.player,
        "name": named.get(one.score.player),
        "kind": one.kind,
        "total": one.score.total,
        "hours": one.score.hours,
        "why": one.why,
        "ladder": one.score.ladder_name or None,
        "state": "would be decided",
    }


def _place_json(one: Place, given: dict[str, rewards.Reward]) -> dict[str, Any]:
    score, reward = one.score, given.get(one.score.player)
    return {
        "rank": one.rank,
        "player": score.player,
        "name": score.name,
        "ladder": score.ladder_name or None,
        "hours": score.hours,
        "coach_avg": score.coach_avg,
        "win_rate": score.win_rate,
        "total": score.total,
        "sessions": score.sessions,
        "reward": None if reward is None else reward.kind,
        "state": None if reward is None else reward.state,
    }


def _halls_asked_for(conn: Conn, said: dict[str, Any]) -> list[Hall]:
    if "hall" in said:
        return [hall_asked_for(conn, str(said["hall"]))]
    return halls.after(conn, str(said.get("after") or "").replace("\0", ""), MOST_HALLS)


def _owner() -> Owner:
    """The owner whose program asks. Raises ProblemError."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    owner = owners.who_by_token(cloud().db, token.strip()) if scheme.lower() == "bearer" and token else None
    if owner is None:
        raise ProblemError(401, "no-token", "Show an owner's token: ladder cloud token makes one.")
    return owner


def _safe(value: object) -> object:
    text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in "=+-@\t\r" else text


def _page(template: str, **more: Any) -> ResponseReturnValue:
    return guard.private(render_template(template, **more))
