"""A stateful stand-in for Stripe's API, as strict as Stripe: for tests, and for a demo on a laptop. No money
moves.

It knows nothing of the cloud that speaks to it. What it promises is what stripe-python's client meets: parameters
are checked against the types that the package ships, idempotency keys replay, discounts and invoices go by the
clock of the sandbox, webhooks are signed. `faults` breaks it on purpose.
"""
