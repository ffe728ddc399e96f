"""How a transfer and a bank account are told: to the API as data, and in words that pages share."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from banking.models import BankAccount, BankTransfer, TransferMove
from core.clock import now
from core.money import format_usd

Status = BankTransfer.Status

_TITLES = {
    "load": {
        Status.REQUESTED: "You asked for it",
        Status.QUEUED: "Waiting for the bank network",
        Status.SUBMITTED: "Sent to the bank network",
        Status.UNKNOWN: "Waiting for an answer",
        Status.PENDING: "Your bank is sending it",
        Status.SETTLED: "In your wallet",
        Status.FAILED: "Your bank did not send it",
        Status.CANCELLED: "Cancelled",
        Status.RETURNED: "Your bank took it back",
    },
    "redemption": {
        Status.REQUESTED: "You asked for it",
        Status.QUEUED: "Waiting for the bank network",
        Status.SUBMITTED: "Sent to the bank network",
        Status.UNKNOWN: "Waiting for an answer",
        Status.PENDING: "On its way to your bank",
        Status.SETTLED: "At your bank",
        Status.FAILED: "Your bank did not take it",
        Status.CANCELLED: "Cancelled",
        Status.RETURNED: "Your bank sent it back",
    },
}
_TEXTS = {
    Status.QUEUED: "It could not go out yet. We keep trying, and it goes out once.",
    Status.UNKNOWN: "The bank network has not answered. Nothing is lost and nothing is sent twice: we keep asking.",
}
_AFTER = {  # what became of the money where it did not arrive
    ("load", Status.FAILED): "Nothing was added to your wallet.",
    ("load", Status.CANCELLED): "Nothing was taken from your bank.",
    ("load", Status.RETURNED): "It was taken out of your wallet again.",
    ("redemption", Status.FAILED): "It is back in your wallet.",
    ("redemption", Status.CANCELLED): "It is back in your wallet.",
    ("redemption", Status.RETURNED): "It is back in your wallet.",
}
# The return codes that a person can do something about (RAILS, section 1); others are told without a reason.
_REASONS = {
    "balance": "Your bank says that there is less than that in the account, so it was not asked.",
    "revoked": "You have taken back PaYa's permission for this bank, so it was not asked.",
    "relink": "Your bank wants you to log in again, so it was not asked. Link it again under Banks, then start a new load.",
    "R01": "Your bank says that the balance did not cover it.",
    "R02": "Your bank says that the account is closed.",
    "R03": "Your bank could not find the account.",
    "R04": "Your bank could not find the account.",
    "R05": "Your bank says that it was not authorized.",
    "R07": "Your bank says that it was not authorized.",
    "R08": "The payment was stopped at your bank.",
    "R09": "Your bank says that the balance did not cover it yet.",
    "R10": "Your bank says that it was not authorized.",
    "R11": "Your bank says that it was not authorized.",
    "R16": "Your bank says that the account is frozen.",
    "R20": "Your bank says that this account does not take such transfers.",
    "R23": "The account holder refused it.",
    "R29": "Your bank says that it was not authorized.",
}


_CANCEL = {
    "asked": ("You asked to cancel it", ""),
    "refused": ("Too late to cancel", "It had left already, and goes on as usual."),
}


_REVIEW = {
    "waiting": ("We are looking at it", "We look at some transfers before they go out. We usually decide within a day."),
    "released": ("We have looked at it", "It goes out now."),
    "refused": ("We did not let it go out", ""),
}


def title(kind: str, status: str, evidence: Mapping[str, Any] | None = None) -> str:
    known = evidence or {}
    if "cancel" in known:
        return _CANCEL[known["cancel"]][0]
    if "review" in known:
        return _REVIEW[known["review"]][0]
    if known.get("repaid"):
        return "Arrived"
    return _TITLES[kind][Status(status)]


def text(transfer: BankTransfer, status: str, evidence: Mapping[str, Any] | None = None) -> str:
    """One or two sentences about a step; may be empty. `evidence` is the step's own, which knows of debts."""
    if evidence and "cancel" in evidence:
        return _CANCEL[evidence["cancel"]][1]
    if evidence and "review" in evidence:
        return _REVIEW[evidence["review"]][1]
    after = _debt(transfer, evidence or {}) or _AFTER.get((transfer.kind, Status(status)), "")
    reason = _REASONS.get(transfer.failure_code, "") if status in (Status.FAILED, Status.RETURNED) else ""
    return " ".join(part for part in (reason, after) if part) or _TEXTS.get(Status(status), "")


def _debt(transfer: BankTransfer, evidence: Mapping[str, Any]) -> str:
    """What became of the money where it left a debt, or repaid one."""
    owed, repaid = int(evidence.get("owed", 0)), int(evidence.get("repaid", 0))
    if owed:
        rest = transfer.amount - owed
        taken = f"{format_usd(rest)} of it was taken" if rest else "None of it could be taken"
        debt = f"the {format_usd(owed)} that you no longer had you owe now. Your next loads repay it first."
        return f"{taken} out of your wallet again; {debt}"
    if repaid:
        rest = transfer.amount - repaid
        return f"{format_usd(repaid)} of it repaid what you owed. " + (f"{format_usd(rest)} is yours to spend." if rest else "")
    return ""


def named(account: BankAccount) -> str:
    """A bank account as its person recognises it, in a sentence."""
    return f"{account.item.institution} ··\N{NO-BREAK SPACE}{account.mask}"


def account_body(account: BankAccount) -> dict[str, Any]:
    return {
        "id": account.public_id,
        "institution": account.item.institution,
        "name": account.name,
        "mask": account.mask,
        "status": account.status,
        "default": account.is_default,
    }


def relink_by(account: BankAccount) -> date | None:
    """The day on which a bank that still works will want a new log-in; None where none is known of, or it is over."""
    watch = getattr(account.item, "watch", None)
    if account.status != BankAccount.Status.ACTIVE or watch is None or watch.relink_by is None:
        return None
    day: date = watch.relink_by
    return day if day >= now().date() else None


def transfer_body(transfer: BankTransfer, moves: Sequence[TransferMove]) -> dict[str, Any]:
    """A transfer as the API answers it; needs its bank account and its moves in order."""
    return {
        "id": transfer.public_id,
        "amount": transfer.amount,
        "currency": "USD",
        "status": transfer.status,
        "expected_on": transfer.expected_on.isoformat(),
        "cancel": transfer.cancel,
        "bank_account": transfer.bank_account.public_id,
        "created_at": stamp_of(transfer.created_at),
        "timeline": [
            {
                "status": move.status,
                "at": stamp_of(move.at),
                "text": sentence(transfer, move),
            }
            for move in moves
        ],
    }


def sentence(transfer: BankTransfer, move: TransferMove) -> str:
    """A step in one breath."""
    said = (title(transfer.kind, move.status, move.evidence) + ".", text(transfer, move.status, move.evidence))
    return " ".join(part for part in said if part).strip()


def stamp_of(moment: Any) -> str:
    """A moment as the API writes it."""
    stamp: str = moment.isoformat().replace("+00:00", "Z")
    return stamp
