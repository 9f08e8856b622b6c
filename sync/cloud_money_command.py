"""What of `ladder cloud` is about money: the key of Stripe, what a subscription costs, tokens for programs."""

from datetime import UTC, datetime
from typing import Any

import click

from edge.cli import Failure
from sync.cloud_place import Where, database


@click.command("stripe")
@click.option("--sandbox", metavar="URL", help="The address of `ladder cloud sandbox`, in place of Stripe's own.")
@click.option("--forget", is_flag=True, help="Forget the key: months are closed, and nothing is paid.")
@click.pass_obj
def stripe(where: Where, sandbox: str | None, forget: bool) -> None:
    """Let this cloud pay through Stripe: asks for the key and for the secret of the webhooks.

    A key of Stripe's test mode (sk_test_…) moves no money. A live key is asked for twice. Tell Stripe to send
    webhooks to ADDRESS/api/stripe/webhook. The cloud is to be started again after.

    \b
    Examples:
      ladder cloud stripe
      ladder cloud stripe --sandbox http://localhost:8095
    """
    from sync.cloud.stripe_config import FILE, StripeConfig, StripeConfigError, is_live, save_config  # noqa: PLC0415

    if forget:
        (where.data / FILE).unlink(missing_ok=True)
        click.echo("The key is forgotten: nothing is paid.")
        return
    key = click.prompt("Secret key (sk_test_…)", hide_input=True).strip()
    live = is_live(key)
    if live:
        click.echo("This key moves real money: winners get real discounts on real subscriptions.", err=True)
        if click.prompt("The same key once more, to be sure", hide_input=True).strip() != key:
            raise Failure("the two are not the same: nothing was kept")
        click.confirm("Is this cloud to give real discounts from its next start on?", abort=True)
    webhook = click.prompt(
        "Secret of the webhooks (whsec_…), empty for none", default="", show_default=False, hide_input=True
    ).strip()
    try:
        config = StripeConfig(key, webhook, sandbox.rstrip("/") if sandbox else None, live)
        path = save_config(where.data, config)
    except (StripeConfigError, OSError) as error:
        raise Failure(str(error)) from error
    click.echo(f"Kept in {path}, which only its user reads. Start ladder cloud again.")


@click.command("plan")
@click.argument("price")
@click.option("--hall", help="The hall's name.  [default: all that have no price of their own]")
@click.option("--name", default="Membership", show_default=True, help="How players know the plan.")
@click.pass_obj
def plan(where: Where, price: str, hall: str | None, name: str) -> None:
    """What a subscription costs: PRICE is a recurring price at Stripe (price_…).

    \b
    Example:
      ladder cloud plan price_1Qx… --hall "Chalk City"
    """
    from edge.clock import stamp  # noqa: PLC0415
    from sync.cloud import halls, plans  # noqa: PLC0415
    from sync.cloud.plans import PlanError, plan_from  # noqa: PLC0415
    from sync.cloud.stripe_gateway import GatewayError  # noqa: PLC0415

    try:
        made = plan_from(_gateway(where).price(price), name)
    except (PlanError, GatewayError) as error:
        raise Failure(str(error)) from error
    with database(where) as db, db.write() as conn:
        found = None if hall is None else halls.find(conn, hall)
        if hall is not None and found is None:
            raise Failure(f"there is no hall {hall}: ladder cloud halls lists them")
        plans.keep(conn, plans.ALL_HALLS if found is None else found.id, made, stamp(datetime.now(UTC)))
    every = "month" if made.months == 1 else f"{made.months} months"
    click.echo(
        f"{hall or 'All halls'}: {made.name}, {made.cents / 100:.2f} {made.currency.upper()} every {every}."
    )


@click.command("link")
@click.argument("hall")
@click.argument("player")
@click.argument("subscription")
@click.pass_obj
def link(where: Where, hall: str, player: str, subscription: str) -> None:
    """Whose subscription it is that was started at Stripe by hand: SUBSCRIPTION (sub_…) is PLAYER's, by the id
    that the owner's CSV has.

    \b
    Example:
      ladder cloud link "Chalk City" 0199a1b2-0000-7000-8000-000000000000 sub_1Qx…
    """
    from edge.facts import is_uuid  # noqa: PLC0415
    from sync.cloud import codes, halls, members  # noqa: PLC0415
    from sync.cloud.payouts import wake  # noqa: PLC0415
    from sync.cloud.stripe_gateway import GatewayError, by_hand  # noqa: PLC0415

    if not is_uuid(player):
        raise Failure(f"{player[:80]} is no player's id: the CSV of the hall's page has them")
    try:
        sub = _gateway(where).subscription(subscription)
    except GatewayError as error:
        raise Failure(str(error)) from error
    now = datetime.now(UTC)
    with database(where) as db, db.write() as conn:
        found = halls.find(conn, hall)
        if found is None:
            raise Failure(f"there is no hall {hall}: ladder cloud halls lists them")
        member = members.take_in(conn, by_hand(sub, found.id, player, now), sub, now)
        if member.subscription_id != sub.id:
            raise Failure(f"this customer has another subscription, {member.subscription_id}, that has not ended")
        wake(conn, member, now)
    click.echo(f"Linked: {sub.id}, {member.status}. The member code is {codes.shown_code(member.code)}.")


@click.command("token")
@click.argument("email")
@click.pass_obj
def token(where: Where, email: str) -> None:
    """A token by which an owner's program may ask for boards and run months; the one before holds no more.

    \b
    Example:
      ladder cloud token dana@example.com
    """
    from sync.cloud import owners  # noqa: PLC0415
    from sync.cloud.owners import OwnerError  # noqa: PLC0415

    try:
        with database(where) as db, db.write() as conn:
            made = owners.new_token(conn, email, datetime.now(UTC))
    except OwnerError as error:
        raise Failure(str(error)) from error
    click.echo(f"Shown this once: {made}")


def _gateway(where: Where) -> Any:
    from sync.cloud.stripe_config import StripeConfigError, load_config  # noqa: PLC0415
    from sync.cloud.stripe_gateway import Gateway  # noqa: PLC0415

    try:
        config = load_config(where.data)
    except StripeConfigError as error:
        raise Failure(str(error)) from error
    if config is None:
        raise Failure("this cloud has no key of Stripe's: ladder cloud stripe asks for it")
    try:
        return Gateway(config.key, config.address)
    except ImportError as error:
        raise Failure('paying needs stripe: pip install "action-ladder[cloud]"') from error
