"""What a subscription costs in a hall: the price at Stripe that an owner has set for it, or for all halls."""

from dataclasses import dataclass

from sync.cloud.db import Conn, Row
from sync.cloud.steps import Steps
from sync.cloud.stripe_gateway import SAVED_FOR, Price

ALL_HALLS = ""

steps = Steps(
    "plans",
    (
        (
            """
            CREATE TABLE hall_plans (
                hall_id TEXT PRIMARY KEY,
                name TEXT NOT NULL,
                price_id TEXT NOT NULL,
                cents {int} NOT NULL,
                currency TEXT NOT NULL,
                months {int} NOT NULL,
                set_at TEXT NOT NULL
            ) {strict}
            """,
        ),
    ),
)


class PlanError(ValueError):
    """That can be no plan; the text says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan: `cents` every so many `months`."""

    name: str
    price_id: str
    cents: int
    currency: str
    months: int


def plan_from(price: Price, name: str) -> Plan:
    """A plan of that price. Raises PlanError."""
    if not price.active:
        raise PlanError(f"the price {price.id} is not active at Stripe")
    if price.interval not in SAVED_FOR:
        raise PlanError(f"the price {price.id} is not by the month or the year")
    if price.cents <= 0:
        raise PlanError(f"the price {price.id} costs nothing, or is not a plain amount")
    return Plan(name, price.id, price.cents, price.currency, SAVED_FOR[price.interval] * price.count)


def keep(conn: Conn, hall_id: str, plan: Plan, now: str) -> None:
    """This is the plan of a hall from now on, or with `ALL_HALLS` of all that have none of their own."""
    conn.run("DELETE FROM hall_plans WHERE hall_id = ?", [hall_id])
    conn.run(
        "INSERT INTO hall_plans (hall_id, name, price_id, cents, currency, months, set_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [hall_id, plan.name, plan.price_id, plan.cents, plan.currency, plan.months, now],
    )


def plan_of(conn: Conn, hall_id: str) -> Plan | None:
    """The plan of a hall, or None where none can be had."""
    rows = conn.rows(
        "SELECT * FROM hall_plans WHERE hall_id IN (?, ?) ORDER BY hall_id DESC", [hall_id, ALL_HALLS]
    )
    return _plan(rows[0]) if rows else None


def _plan(row: Row) -> Plan:
    return Plan(row["name"], row["price_id"], row["cents"], row["currency"], row["months"])
