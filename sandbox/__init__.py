"""Stand-ins for the vendors (Plaid, Dwolla, Stripe, Twilio) and the bank behind them, on a port of their own.

A small Django project that shares nothing with the product but HTTP: the product's adapters are pointed here
by their base URLs alone. It refuses to start unless PAYA_SANDBOX=1 (see settings.py).
"""
