"""The other side of the rails campaign: what the sandbox's own books hold, and what of it must agree with ours."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import defaultdict
from typing import Any

import requests

from bench.campaigns.crash import Yard
from tests.stack import Site

CAPITAL = 400_000_00
ENDS = {"processed": "settled", "succeeded": "settled", "posted": "settled", "returned": "failed", "canceled": "cancelled",
        "requires_payment_method": "failed", "failed": "failed", "cancelled": "cancelled"}  # fmt: skip
RAILS = ("dwolla", "stripe", "odfi")


def _books(yard: Yard) -> Any:
    path = f"file:{yard.running.data}/sandbox/sandbox.sqlite3?mode=ro"
    return contextlib.closing(sqlite3.connect(path, uri=True, timeout=20))


def at_the_rails(yard: Yard) -> dict[str, list[tuple[int, str]]]:
    """What the sandbox's Dwolla, Stripe and bank of the files have under each of our keys: cents, and how it ended."""
    found = defaultdict(list)
    with _books(yard) as bank:
        for key, cents, status in bank.execute("select correlation_id, cents, status from sandbox_transfer"):
            found[key].append((cents, ENDS.get(status, status)))
        intents = "select metadata, cents, status, dispute_uid from sandbox_stripeintent"
        payments = "select metadata, cents, status, '' from sandbox_stripeoutbound"
        for query in (intents, payments):
            for metadata, cents, status, dispute in bank.execute(query):
                end = "failed" if dispute else ENDS.get(status, status)
                found[json.loads(metadata).get("paya_key", "")].append((cents, end))
        filed = bank.execute("select trace, cents, status from sandbox_odfientry").fetchall()
    # A file names a transfer by its trace alone, and a trace that we never gave is nobody's.
    keys = dict(yard.sql("select trace, key::text from banking_nachaentry where trace is not null"))
    for trace, cents, status in filed:
        found[keys.get(trace, f"trace {trace}")].append((cents, "failed" if status == "returned" else ENDS.get(status, status)))
    return found


def held(yard: Yard) -> dict[str, int]:
    """What each custodian holds for us in the sandbox, without the operators' capital and Stripe's own fees.

    What it has set aside for redemptions under way is ours until they settle.
    """
    with _books(yard) as bank:
        balance = "select balance from sandbox_fundingsource where kind = 'balance' and customer_id is null"
        [dwolla] = bank.execute(balance).fetchone()
        [capital] = bank.execute(
            "select coalesce(sum(cents), 0) from sandbox_transfer where correlation_id = '' and status = 'processed'"
        ).fetchone()
        [cash] = bank.execute("select cash from sandbox_stripevault").fetchone()
        [payments, fees] = bank.execute(
            "select coalesce(sum(cents - fee), 0), coalesce(sum(fee - case when kind = 'stripe_fee' then cents else 0 end), 0)"
            " from sandbox_stripeentry"
        ).fetchone()
        [aside] = bank.execute(
            "select coalesce(sum(cents), 0) from sandbox_transfer t join sandbox_fundingsource s on s.id = t.source_id"
            " where t.status = 'pending' and t.correlation_id <> '' and s.kind = 'balance' and s.customer_id is null"
        ).fetchone()
        outbound = "select coalesce(sum(cents), 0) from sandbox_stripeoutbound where status = 'processing'"
        [leaving] = bank.execute(outbound).fetchone()
        [files] = bank.execute("select coalesce(sum(cents), 0) from sandbox_odfiposting").fetchone()
    return {"dwolla": dwolla - capital + aside, "stripe": cash + payments + fees + leaving, "odfi": files}


def apart(yard: Yard) -> dict[str, int]:
    """By how many cents the ledger and each custodian differ."""
    ours = reserves(yard)
    return {name: ours.get(name, 0) - cents for name, cents in held(yard).items()}


def reserves(yard: Yard) -> dict[str, int]:
    """What the ledger says that each custodian holds, with what rails cost put back."""
    rows = yard.sql("""
        select substr(s.name, 9),
            -sum(a.balance) + coalesce((select sum(t.amount) from ledger_transfer t where t.kind = 16
                                        and ledger_logical(t.credit_account) = s.id), 0)
        from ledger_systemaccount s join ledger_account a on ledger_logical(a.id) = s.id
        where s.name = any(%s) group by s.id, s.name
    """, [[f"reserve:{rail}" for rail in RAILS]])  # fmt: skip
    return {name: int(cents) for name, cents in rows}


def public_token(site: Site, name: str) -> str:
    """Of a new account of that name, with more than anybody asks for."""
    account = {"subtype": "checking", "starting_balance": 1_000_000, "meta": {"name": name}}
    options = {"override_username": "user_custom", "override_password": json.dumps({"override_accounts": [account]})}
    body = {"client_id": "sandbox", "secret": "sandbox", "institution_id": "ins_109508", "initial_products": ["auth"]}
    answer = requests.post(f"{site.sandbox_url}/plaid/sandbox/public_token/create", json=body | {"options": options}, timeout=20)
    answer.raise_for_status()
    return str(answer.json()["public_token"])


def put_capital(yard: Yard) -> None:
    """Dollars of the operators at both vendors, so that a redemption finds some whichever way it goes."""
    env, base = yard.running.environment("worker"), yard.site.sandbox_url
    stripe = {"Authorization": f"Bearer {env['STRIPE_SECRET_KEY']}"}
    vaults = requests.get(f"{base}/stripe/v1/treasury/financial_accounts", headers=stripe, timeout=20).json()["data"]
    credit = {"amount": CAPITAL, "currency": "usd", "financial_account": vaults[0]["id"], "network": "ach"}
    path = "/stripe/v1/test_helpers/treasury/received_credits"
    requests.post(base + path, data=credit, headers=stripe, timeout=20).raise_for_status()
    form = {"grant_type": "client_credentials", "client_id": env["DWOLLA_KEY"], "client_secret": env["DWOLLA_SECRET"]}
    token = requests.post(f"{base}/dwolla/token", data=form, timeout=20).json()["access_token"]
    hal = "application/vnd.dwolla.v1.hal+json"
    headers = {"Authorization": f"Bearer {token}", "Accept": hal, "Content-Type": hal}
    account = requests.get(f"{base}/dwolla/", headers=headers, timeout=20).json()["_links"]["account"]["href"]
    sources = requests.get(f"{account}/funding-sources", headers=headers, timeout=20).json()["_embedded"]["funding-sources"]
    at = {row["type"]: {"href": row["_links"]["self"]["href"]} for row in sources}
    amount = {"value": f"{CAPITAL // 100}.00", "currency": "USD"}
    body = {"_links": {"source": at["bank"], "destination": at["balance"]}, "amount": amount}
    requests.post(f"{base}/dwolla/transfers", json=body, headers=headers, timeout=20).raise_for_status()
