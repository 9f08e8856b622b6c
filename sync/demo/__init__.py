"""The demo: Chalk City with its months really run, a cloud that paid for them at a sandbox of Stripe, and eleven
other halls.

It has a folder of its own, made whole or not at all; nothing here opens another cloud's database, and nothing
speaks to Stripe itself.
"""
