"""What Stripe answers when it doesn't do what was asked."""

from dataclasses import dataclass
from typing import Any

DOC = "https://docs.stripe.com/error-codes"
WITHOUT_PAGE = frozenset({"sandbox_not_supported"})


@dataclass(slots=True)
class ApiError(Exception):
    """An answer of 4xx or 5xx. `should_retry` is Stripe's word on whether the same request may be sent again; with
    `keeps` what was done before it stays done, as a payment that was tried."""

    status: int
    kind: str
    message: str
    code: str | None = None
    param: str | None = None
    should_retry: bool | None = None
    retry_after_s: int | None = None
    decline_code: str | None = None
    keeps: bool = False

    def body(self, request: str = "") -> dict[str, Any]:
        """The JSON, with the fields in Stripe's order."""
        error: dict[str, Any] = {}
        if self.code is not None:
            error["code"] = self.code
            if self.decline_code is not None:
                error["decline_code"] = self.decline_code
            if self.code not in WITHOUT_PAGE:
                error["doc_url"] = f"{DOC}/{self.code.replace('_', '-')}"
        error["message"] = self.message
        if self.param is not None:
            error["param"] = self.param
        if request:
            error["request_log_url"] = f"https://dashboard.stripe.com/test/workbench/logs?object={request}"
        error["type"] = self.kind
        return {"error": error}


def invalid(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> ApiError:
    """A request that can't be done as it stands."""
    return ApiError(status, "invalid_request_error", message, code, param)


def lacking(param: str) -> ApiError:
    """A parameter that isn't there and has to be."""
    return invalid(f"Missing required param: {param}.", param, "parameter_missing")


def missing(what: str, ident: str, param: str = "id", status: int = 404) -> ApiError:
    """404 where the address names what isn't there, 400 where a parameter does."""
    return invalid(f"No such {what}: '{ident}'", param, "resource_missing", status)


def unsupported(param: str, what: str = "") -> ApiError:
    """Stripe knows it, the sandbox doesn't: said plainly rather than passed over."""
    return invalid(
        f"The sandbox does not do `{param}`{': ' + what if what else ''}. Stripe would.",
        param,
        "sandbox_not_supported",
    )


def declined(*, keeps: bool = False) -> ApiError:
    """402: the card was asked and said no."""
    return ApiError(
        402, "card_error", "Your card was declined.", "card_declined", decline_code="generic_decline", keeps=keeps
    )
