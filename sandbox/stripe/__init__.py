"""Stripe's API, below `/stripe`: form-encoded, as the real `stripe` package speaks it.

Money comes in by a PaymentIntent with a `us_bank_account` and goes out by a Treasury OutboundPayment. That was chosen
because it is the one way without an account at Stripe for every person: `v1/payouts` pays only to a bank of our own or
of a connected account, so that each redeeming person would have to become a custom account with an identity check by
Stripe. (Stripe calls the v1 OutboundPayment legacy beside `v2/money_management/outbound_payments`, which is open to
fewer accounts and speaks JSON with thin events.)

A person's bank comes over as at Plaid's partners: `/processor/stripe/bank_account_token/create` gives a one-time
`btok_`, which makes a verified `bank_account` of a customer; that serves as PaymentMethod (Stripe: "Migrate existing
bank accounts"). Bare numbers make an unverified PaymentMethod and a PaymentIntent that waits for micro-deposits of 32
and 45 cents; Stripe's test numbers fail as they do there (banks.py).

Where it differs from the real one:
- Stripe settles a debit within four business days; here on the bank's third, as everything in this sandbox. A debit can
  be canceled until the bank's calendar has moved, for Stripe's cut-off of the same evening.
- What a charge brings is paid out into the FinancialAccount at once (Stripe: automatic payouts, daily). Fees are
  Stripe's list prices: 0.8 % of a debit, at most $5; $4 for a failed one; $15 for a disputed one.
- An OutboundPayment that its bank refuses at once is `failed`; one that comes back later is `returned`.
- Search, refunds, SetupIntents, Financial Connections, Connect and v2 are missing. Unknown parameters are refused on
  the top level only; a few known ones (statement descriptors, options) are taken and change nothing.
"""
