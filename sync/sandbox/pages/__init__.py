"""The sandbox's pages: Checkout, the customer's portal, and what the sandbox holds. Each says that it is a
sandbox."""
