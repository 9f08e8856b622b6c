"""The reward run, looked at and confirmed, and each reward's own page."""

import logging
from collections.abc import Mapping
from typing import Any, get_args

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as AnyResponse

from edge.clock import month_before
from sync.cloud import closing, codes, members, periods, rewards, standings
from sync.cloud.api import cloud, hall_asked_for
from sync.cloud.db import Conn
from sync.cloud.halls import Hall
from sync.cloud.halls import get as get_hall
from sync.cloud.names import names_of
from sync.cloud.owner import guard, run, words
from sync.cloud.payouts import Payer, ReverseError
from sync.cloud.periods import Period
from sync.cloud.rewards import Reward
from sync.cloud.stripe_gateway import GatewayError, LaterError, UnsureError
from sync.protocol import ProblemError

log = logging.getLogger(__name__)

MOST_TO_LOOK_AT = 20
LIST_AT_ONCE = 50
MOST_REASON, LEAST_REASON = 200, 3
OVER = (*rewards.SETTLED, "expired")
NO_STRIPE = "This cloud is not set up with Stripe yet: ladder cloud stripe does that."

blueprint = Blueprint("rewards", __name__)


@blueprint.get("/rewards")
@guard.owners_only
def month_run() -> ResponseReturnValue:
    here, now = cloud(), cloud().now()
    month = guard.month_asked(month_before(now.strftime("%Y-%m")))
    place = _place(request.args)
    with here.db.read() as conn:
        found = run.look(conn, month, now, place)
        about = hall_asked_for(conn, request.args["about"]) if request.args.get("about") else None
        to_look_at = run.to_look_at(conn, MOST_TO_LOOK_AT + 1)
        drifting = run.drifting_members(conn, MOST_TO_LOOK_AT)
    return guard.page(
        "rewards.html",
        run=found,
        place=found.place,
        about=about,
        to_look_at=to_look_at,
        drifting=drifting,
        most=MOST_TO_LOOK_AT,
        shows=run.SHOWS,
        most_why=MOST_REASON,
    )


@blueprint.get("/rewards/list")
@guard.owners_only
def in_state() -> ResponseReturnValue:
    """A month's rewards in one state."""
    month, state, page = guard.month_asked(""), request.args.get("state", ""), guard.page_asked()
    if state not in get_args(rewards.State):
        raise ProblemError(400, "no-state", "No reward is ever in that state.")
    with cloud().db.read() as conn:
        found = run.in_state(conn, month, state, LIST_AT_ONCE + 1, LIST_AT_ONCE * (page - 1))
    return guard.page(
        "reward_list.html",
        month=month,
        state=state,
        page=page,
        found=found[:LIST_AT_ONCE],
        more=len(found) > LIST_AT_ONCE,
    )


# What is done with a hall's month before it is decided.


@blueprint.post("/rewards/confirm")
@guard.deed
def confirm() -> ResponseReturnValue:
    """What was looked at is decided; anything else is shown again first."""
    here, now = cloud(), cloud().now()
    with here.db.write() as conn:
        hall, month = _hall_and_month(conn)
        period = _held(conn, hall, month)
        if period is None or period.state in ("open", "grace"):
            raise ProblemError(
                409, "not-frozen", "The scores of that month may still change: nothing is decided yet."
            )
        if period.state == "decided":
            return _back_to_run(hall, month, "decided-already")
        fresh = run.card(conn, hall, month, now)
        same = request.form.get("looked", "") == fresh.looked
        if same and closing.confirm(conn, hall.id, month, now):
            guard.write_down(conn, "confirm", hall.id, month, said=period.hash[:12])
    if not same:
        return guard.page("look_again.html", 409, card=fresh, place=_place(request.form), most_why=MOST_REASON)
    log.info("%s confirmed %s of %s", guard.owner().email, month, hall.id)
    cloud().kick()
    return _back_to_run(hall, month, "confirmed")


@blueprint.post("/rewards/hold")
@guard.deed
def hold() -> ResponseReturnValue:
    """A month waits for a person, or goes by itself again."""
    held = request.form.get("held") == "1"
    with cloud().db.write() as conn:
        hall, month = _hall_and_month(conn)
        period = _undecided(conn, hall, month)
        if period.held != held:
            periods.hold(conn, period, held)
            guard.write_down(conn, "hold" if held else "let-run", hall.id, month)
    return _back_to_run(hall, month, "held" if held else "runs")


@blueprint.post("/rewards/pass-over")
@guard.deed
def pass_over() -> ResponseReturnValue:
    """A player can't win that month, for a reason that is kept."""
    why, player, now = _reason(), request.form.get("player", "")[:100], cloud().now()
    with cloud().db.write() as conn:
        hall, month = _hall_and_month(conn)
        period = _undecided(conn, hall, month)
        if not _trained(conn, hall, month, player):
            raise ProblemError(404, "unknown-player", "No such player trained in that hall in that month.")
        if player not in periods.passed_over(conn, [hall.id], month).get(hall.id, {}):
            periods.pass_over(conn, period, player, why=why, by=guard.owner().email, now=now)
            guard.write_down(conn, "pass-over", hall.id, month, subject=player, said=why)
    return _back_to_run(hall, month, "passed-over")


@blueprint.post("/rewards/pass-over/take-back")
@guard.deed
def take_back_passing_over() -> ResponseReturnValue:
    player = request.form.get("player", "")[:100]
    with cloud().db.write() as conn:
        hall, month = _hall_and_month(conn)
        period = _undecided(conn, hall, month)
        if player in periods.passed_over(conn, [hall.id], month).get(hall.id, {}):
            periods.take_back_passing_over(conn, period, player)
            guard.write_down(conn, "pass-over-back", hall.id, month, subject=player)
    return _back_to_run(hall, month, "can-win")


# One reward.


@blueprint.get("/rewards/<reward_id>")
@guard.owners_only
def reward(reward_id: str) -> ResponseReturnValue:
    with cloud().db.read() as conn:
        return _reward_page(conn, _reward(conn, reward_id))


@blueprint.post("/rewards/<reward_id>/try-again")
@guard.deed
def try_again(reward_id: str) -> ResponseReturnValue:
    here, payer = cloud(), _payer()
    with here.db.read() as conn:
        found = _reward(conn, reward_id)
    try:
        payer.try_again(found.id, who=guard.owner().email)
    except ReverseError:
        with here.db.read() as conn:
            trouble = "It is not where it could be tried again: here is how it stands now."
            return _reward_page(conn, _reward(conn, reward_id), trouble, 409)
    with here.db.write() as conn:
        guard.write_down(conn, "try-again", found.hall_id, found.period, subject=found.id)
    cloud().kick()
    return redirect(url_for("rewards.reward", reward_id=found.id, done="tried"), 303)


@blueprint.get("/rewards/<reward_id>/take-back")
@guard.owners_only
def taking_back(reward_id: str) -> ResponseReturnValue:
    """What would happen, before it does."""
    with cloud().db.read() as conn:
        return _take_back_page(conn, _reward(conn, reward_id))


@blueprint.post("/rewards/<reward_id>/take-back")
@guard.deed
def take_back(reward_id: str) -> ResponseReturnValue:
    here, payer, who = cloud(), _payer(), guard.owner().email
    why = guard.typed("why", MOST_REASON)
    with here.db.read() as conn:
        found = _reward(conn, reward_id)
        if len(why) < LEAST_REASON:
            return _take_back_page(conn, found, "Say why: it stands in the reward's history.", why, 400)
    trouble, status = "", 409
    try:
        payer.reverse(found.id, who=who, why=why)
    except ReverseError as error:
        trouble = f"It can't be taken back: {error}."
    except (UnsureError, LaterError) as error:
        log.warning("%s", error)
        trouble, status = "Stripe does not answer just now. Nothing is lost: try again in a few minutes.", 503
    except GatewayError as error:
        log.warning("%s", error)
        trouble, status = f"Stripe refuses: {error}", 502
    if trouble:
        with here.db.read() as conn:
            return _take_back_page(conn, _reward(conn, reward_id), trouble, why, status)
    with here.db.write() as conn:
        guard.write_down(conn, "take-back", found.hall_id, found.period, subject=found.id, said=why)
    log.info("%s took back reward %s", who, found.id)
    return redirect(url_for("rewards.reward", reward_id=found.id, done="taken-back"), 303)


@blueprint.post("/rewards/<reward_id>/seen")
@guard.deed
def seen(reward_id: str) -> ResponseReturnValue:
    """A person has looked at the drift of a reward for which nothing more is done by itself."""
    here, now = cloud(), cloud().now()
    with here.db.write() as conn:
        found = rewards.get(conn, _reward(conn, reward_id).id, lock=True)
        assert found is not None
        if _can_be_seen(found):
            said = f"looked at: {found.drift}"
            rewards.move(
                conn, found, found.state, now, who=guard.owner().email, said=said, reason=found.reason, drift=""
            )
            guard.write_down(conn, "seen", found.hall_id, found.period, subject=found.id)
    return redirect(url_for("rewards.reward", reward_id=found.id, done="seen"), 303)


def _reward(conn: Conn, reward_id: str) -> Reward:
    found = rewards.get(conn, reward_id)
    if found is None:
        raise ProblemError(404, "unknown-reward", "There is no such reward.")
    return found


def _page_of(conn: Conn, found: Reward, template: str, status: int, **more: Any) -> Response:
    return guard.page(
        template,
        status,
        reward=found,
        hall=get_hall(conn, found.hall_id),
        name=names_of(conn, found.hall_id, [found.player_id]).get(found.player_id),
        can_back=found.state not in rewards.SETTLED,
        **more,
    )


def _reward_page(conn: Conn, found: Reward, trouble: str = "", status: int = 200) -> Response:
    member = None if found.member_id is None else members.get(conn, found.member_id)
    member = members.of_player(conn, found.hall_id, found.player_id) or member
    return _page_of(
        conn,
        found,
        "reward.html",
        status,
        history=rewards.history(conn, found.id),
        member=member,
        plays=[] if member is None else run.players_of(conn, member.id),
        code="" if member is None else codes.shown_code(member.code),
        can_again=found.state in rewards.CAN_TRY_AGAIN,
        can_see=_can_be_seen(found),
        is_due=found.state in rewards.TO_DO,
        trouble=trouble,
    )


def _take_back_page(conn: Conn, found: Reward, trouble: str = "", why: str = "", status: int = 200) -> Response:
    return _page_of(
        conn,
        found,
        "take_back.html",
        status,
        trouble=trouble,
        why=why,
        most=MOST_REASON,
        why_not=NO_STRIPE if words.no_stripe() else "",
    )


def _can_be_seen(found: Reward) -> bool:
    """Whether it has a drift, and nothing more is done for it by itself."""
    return bool(found.drift) and found.state in OVER


def _hall_and_month(conn: Conn) -> tuple[Hall, str]:
    return hall_asked_for(conn, request.form.get("hall", "")), guard.month_asked("")


def _held(conn: Conn, hall: Hall, month: str) -> Period | None:
    """The hall's month, held for this transaction; None where none was told, and none is made."""
    return None if periods.get(conn, hall.id, month) is None else periods.lock(conn, hall.id, month)


def _undecided(conn: Conn, hall: Hall, month: str) -> Period:
    """The same, where it can still be changed. Raises ProblemError."""
    period = _held(conn, hall, month)
    if period is None:
        raise ProblemError(404, "nothing-told", "That hall has told nothing of that month.")
    if period.state == "decided":
        raise ProblemError(409, "decided", "That month is decided already: it never changes again.")
    return period


def _trained(conn: Conn, hall: Hall, month: str, player: str) -> bool:
    return any(one.player == player for one in standings.scores_of(conn, [hall.id], month)[hall.id])


def _reason() -> str:
    why = guard.typed("why", MOST_REASON)
    if len(why) < LEAST_REASON:
        raise ProblemError(400, "no-reason", "Say why: go back and write the reason, it is kept.")
    return why


def _back_to_run(hall: Hall, month: str, done: str) -> AnyResponse:
    """To where the owner was in the run."""
    where: dict[str, Any] = {**_place(request.form).as_args()}
    return redirect(url_for("rewards.month_run", month=month, about=hall.id, done=done, **where), 303)


def _place(given: Mapping[str, str]) -> run.Place:
    show, page = given.get("show", ""), given.get("page", "1")
    find = " ".join(given.get("find", "").split())[:80].replace("\0", "")
    return run.Place(
        show if show in run.SHOWS else "",
        guard.page_number(page),
        find,
        given.get("only", "")[:100].replace("\0", ""),
    )


def _payer() -> Payer:
    """Raises ProblemError."""
    money = cloud().money
    if money is None or money.treasurer.payer is None:
        raise ProblemError(409, "no-stripe", NO_STRIPE)
    return money.treasurer.payer
