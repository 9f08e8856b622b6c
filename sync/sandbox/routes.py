"""Which address is asked for what, with which parameters."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sync.sandbox import catalog, changes, checkout, coupons, customers, invoices, others, subscriptions
from sync.sandbox.store import Body
from sync.sandbox.turn import Turn


@dataclass(frozen=True, slots=True)
class Route:
    """`params` is the TypedDict of `stripe.params` that says what may be sent."""

    method: str
    pattern: re.Pattern[str]
    params: str
    do: Callable[..., Body]


def _get(kind: str, noun: str = "", param: str = "id") -> Callable[[Turn, Body, str], Body]:
    return lambda turn, _given, ident: turn.find(kind, ident, noun=noun, param=param)


def _route(line: tuple[str, str, Callable[..., Body]]) -> Route:
    address, params, do = line
    method, path = address.split(" ")
    return Route(method, re.compile("/v1/" + path.replace("*", "([^/]+)")), params, do)


CLOCK = "test_helpers.test_clock"
ROUTES = [
    _route(line)
    for line in (
        ("POST coupons", "CouponCreateParams", coupons.create),
        ("GET coupons", "CouponListParams", coupons.find_all),
        ("GET coupons/*", "CouponRetrieveParams", _get("coupon")),
        ("POST coupons/*", "CouponUpdateParams", coupons.update),
        ("DELETE coupons/*", "CouponDeleteParams", coupons.delete),
        ("POST products", "ProductCreateParams", catalog.create_product),
        ("GET products", "ProductListParams", catalog.find_products),
        ("GET products/*", "ProductRetrieveParams", _get("product")),
        ("POST products/*", "ProductUpdateParams", catalog.update_product),
        ("POST prices", "PriceCreateParams", catalog.create_price),
        ("GET prices", "PriceListParams", catalog.find_prices),
        ("GET prices/*", "PriceRetrieveParams", _get("price", param="price")),
        ("POST prices/*", "PriceUpdateParams", catalog.update_price),
        ("POST customers", "CustomerCreateParams", customers.create),
        ("GET customers", "CustomerListParams", customers.find_all),
        ("GET customers/*", "CustomerRetrieveParams", _get("customer")),
        ("POST customers/*", "CustomerUpdateParams", customers.update),
        ("DELETE customers/*", "CustomerDeleteParams", others.delete_customer),
        ("GET payment_methods", "PaymentMethodListParams", customers.find_cards),
        ("GET payment_methods/*", "PaymentMethodRetrieveParams", _get("payment_method", "PaymentMethod")),
        ("POST payment_methods/*/attach", "PaymentMethodAttachParams", customers.attach),
        ("POST subscriptions", "SubscriptionCreateParams", subscriptions.create),
        ("GET subscriptions", "SubscriptionListParams", subscriptions.find_all),
        ("GET subscriptions/*", "SubscriptionRetrieveParams", _get("subscription")),
        ("POST subscriptions/*", "SubscriptionUpdateParams", changes.update),
        ("DELETE subscriptions/*", "SubscriptionCancelParams", subscriptions.cancel),
        ("POST subscriptions/*/pause", "SubscriptionPauseParams", changes.pause),
        ("POST subscriptions/*/resume", "SubscriptionResumeParams", changes.resume),
        ("GET subscription_items", "SubscriptionItemListParams", others.find_items),
        ("GET subscription_items/*", "SubscriptionItemRetrieveParams", changes.find_item),
        ("POST subscription_items/*", "SubscriptionItemUpdateParams", changes.update_item),
        ("POST subscription_schedules", "SubscriptionScheduleCreateParams", others.create_schedule),
        ("GET subscription_schedules/*", "SubscriptionScheduleRetrieveParams", _get("subscription_schedule")),
        ("POST subscription_schedules/*/release", "SubscriptionScheduleReleaseParams", others.release_schedule),
        ("POST invoices/create_preview", "InvoiceCreatePreviewParams", invoices.create_preview),
        ("GET invoices", "InvoiceListParams", invoices.find_all),
        ("GET invoices/*", "InvoiceRetrieveParams", _get("invoice", param="invoice")),
        ("POST invoices/*", "InvoiceUpdateParams", invoices.update),
        ("DELETE invoices/*", "InvoiceDeleteParams", invoices.delete),
        ("GET invoices/*/lines", "InvoiceLineItemListParams", invoices.find_lines),
        ("POST invoices/*/finalize", "InvoiceFinalizeInvoiceParams", invoices.finalize),
        ("POST invoices/*/pay", "InvoicePayParams", invoices.pay),
        ("POST invoices/*/void", "InvoiceVoidInvoiceParams", invoices.void),
        ("POST invoices/*/mark_uncollectible", "InvoiceMarkUncollectibleParams", invoices.mark_uncollectible),
        ("POST checkout/sessions", "checkout.SessionCreateParams", checkout.create),
        ("GET checkout/sessions", "checkout.SessionListParams", checkout.find_all),
        ("GET checkout/sessions/*", "checkout.SessionRetrieveParams", _get("checkout.session")),
        ("POST checkout/sessions/*", "checkout.SessionUpdateParams", checkout.update),
        ("GET checkout/sessions/*/line_items", "checkout.SessionLineItemListParams", checkout.find_lines),
        ("POST checkout/sessions/*/expire", "checkout.SessionExpireParams", checkout.expire),
        ("POST billing_portal/sessions", "billing_portal.SessionCreateParams", others.create_portal),
        ("GET events", "EventListParams", others.find_events),
        ("GET events/*", "EventRetrieveParams", _get("event")),
        ("POST webhook_endpoints", "WebhookEndpointCreateParams", others.create_endpoint),
        ("GET webhook_endpoints", "WebhookEndpointListParams", others.find_endpoints),
        ("GET webhook_endpoints/*", "WebhookEndpointRetrieveParams", _get("webhook_endpoint")),
        ("POST webhook_endpoints/*", "WebhookEndpointUpdateParams", others.update_endpoint),
        ("DELETE webhook_endpoints/*", "WebhookEndpointDeleteParams", others.delete_endpoint),
        ("POST test_helpers/test_clocks", "test_helpers.TestClockCreateParams", others.create_clock),
        ("GET test_helpers/test_clocks", "test_helpers.TestClockListParams", others.find_clocks),
        ("GET test_helpers/test_clocks/*", "test_helpers.TestClockRetrieveParams", _get(CLOCK, "test clock")),
        ("POST test_helpers/test_clocks/*/advance", "test_helpers.TestClockAdvanceParams", others.advance_clock),
        ("DELETE test_helpers/test_clocks/*", "test_helpers.TestClockDeleteParams", others.delete_clock),
    )
]


def find(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The route, and the ids in the address."""
    for route in ROUTES:
        if route.method == method and (found := route.pattern.fullmatch(path)) is not None:
            return route, found.groups()
    return None
