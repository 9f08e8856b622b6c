"""Headers of every answer: nothing runs, loads or frames but what the box itself serves."""

from flask import Flask, Response, request

# No inline script or style anywhere; htmx is told not to use eval nor to write style sheets.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
}

STATIC_CACHE = "public, max-age=31536000, immutable"  # the address holds the content's hash


def protect(app: Flask) -> None:
    """Adds the headers to every answer of the app."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.endpoint == "static" and response.status_code in (200, 304):
            response.headers["Cache-Control"] = STATIC_CACHE
        else:
            response.headers.setdefault("Cache-Control", "no-store")
        return response
