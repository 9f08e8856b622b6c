"""A hall's page: its training leaderboard by month, how it improves, its feed, its subscriptions."""

from collections import Counter

from flask import Blueprint
from flask.typing import ResponseReturnValue

from sync.cloud import deeds, members, periods, plans, reward_api, rewards, rules, standings
from sync.cloud.api import cloud, hall_asked_for
from sync.cloud.db import Conn
from sync.cloud.halls import Hall
from sync.cloud.owner import feed, guard
from sync.cloud.owner.progress import progress_of

MONTHS = 24  # that can be chosen

blueprint = Blueprint("training", __name__)


@blueprint.get("/halls/<hall_id>")
@guard.owners_only
def hall(hall_id: str) -> ResponseReturnValue:
    here, now = cloud(), cloud().now()
    with here.db.read() as conn:
        found = hall_asked_for(conn, hall_id)
        this_month = periods.month_of(now, found.zone_info)
        month = guard.month_asked(this_month)
        booked = rewards.of_halls(conn, [found.id], month)[found.id]
        statuses = Counter(one.status for one in members.of_hall(conn, found.id).values())
        return guard.page(
            "hall.html",
            hall=found,
            month=month,
            ends=periods.end_of(month, found.zone_info),
            months=_months(conn, found, month, this_month),
            period=periods.get(conn, found.id, month),
            places=standings.board(conn, found.id, month),
            winners=feed.with_names(conn, found.id, [one for one in booked if one.state != "reverted"]),
            booked={one.player_id: one for one in booked},
            progress=progress_of(conn, found.id, month),
            posts=feed.posts_of(conn, found.id),
            plan=plans.plan_of(conn, found.id),
            statuses=statuses.most_common(),
            members=statuses.total(),
            has_own_rules=rules.has_own(conn, found.id),
            deeds=deeds.of_hall(conn, found.id, [month, ""]),
        )


@blueprint.get("/halls/<hall_id>/training.csv")
@guard.owners_only
def board_csv(hall_id: str) -> ResponseReturnValue:
    """The leaderboard of a month for a spreadsheet."""
    with cloud().db.read() as conn:
        found = hall_asked_for(conn, hall_id)
        month = guard.month_asked("")
        text = reward_api.board_csv(conn, found, month)
    answer = guard.private(text)
    answer.content_type = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="training-{month}.csv"'
    return answer


def _months(conn: Conn, found: Hall, *asked: str) -> list[str]:
    """The months that can be chosen, the latest first."""
    told = [one.period for one in periods.of_hall(conn, found.id, MONTHS)]
    return sorted({*told, *asked}, reverse=True)
