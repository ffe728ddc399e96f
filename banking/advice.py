"""What a person can do about an error of Plaid's: never a raw code, always a next step.

The meaning of each code is from Plaid's documentation (`source`: the page below plaid.com/docs/errors/, read on
2026-11-21); the sentences and the next step are ours. `display_message` is not used: Plaid words it for its own Link, and
says that it is nothing to decide by.
"""

from dataclasses import dataclass
from typing import Literal

# relink: log in again, same account here    link: start the link afresh       other_account, other_bank: choose another
# bank: settle something at the bank first   wait: try later                   tell_us: nothing that a person could do
Next = Literal["relink", "link", "other_account", "other_bank", "bank", "wait", "tell_us"]


@dataclass(frozen=True)
class Advice:
    next: Next
    sentence: str
    source: str = ""


_RELINK = "Your bank wants you to log in again. Link it again, and everything else stays as it is."
_AFRESH = "That link to your bank has ended. Please link your bank again."
_OVER = "Your bank sent you back to a link that is over. Please start again."
_TYPO = "Your bank did not accept what you typed. Please start again and check it."
_BANK_DOWN = "Your bank is not answering right now. Please try again later; your other banks still work."
_OTHER_BANK = "This bank cannot be linked. Please choose another bank."
_OTHER_ACCOUNT = "That account cannot be used for transfers. Please choose a checking or savings account."
_TOO_FAST = "Too many people are linking banks right now. Please try again in a minute."
_OURS = "That did not work, and it is our fault. Please try again later; if it stays, write to support."

ADVICE: dict[str, Advice] = {
    # the login
    "ITEM_LOGIN_REQUIRED": Advice("relink", _RELINK, "item"),
    "ITEM_CONCURRENTLY_DELETED": Advice("link", _AFRESH, "item"),
    "ITEM_NOT_FOUND": Advice("link", _AFRESH, "item"),
    "USER_PERMISSION_REVOKED": Advice("link", "PaYa no longer has your permission for this bank. Please link it again.", "item"),
    "ACCESS_NOT_GRANTED": Advice(
        "relink", "Your bank was not allowed to share what transfers need. Link it again and allow account and routing numbers.",
        "item",
    ),
    "ITEM_LOCKED": Advice("bank", "Your bank has locked this login. Unlock it at your bank, then link it again.", "item"),
    "USER_SETUP_REQUIRED": Advice("bank", "Your bank has a question for you. Log in there first, then come back.", "item"),
    "USER_INPUT_TIMEOUT": Advice("link", "That took too long for your bank. Please start again.", "item"),
    "INVALID_CREDENTIALS": Advice("link", _TYPO, "item"),
    "INVALID_MFA": Advice("link", _TYPO, "item"),
    "INVALID_OTP": Advice("link", _TYPO, "item"),
    "INVALID_UPDATED_USERNAME": Advice("relink", "Please log in with the user name with which you linked this bank.", "item"),
    "INSUFFICIENT_CREDENTIALS": Advice("link", "You left before your bank was done. Please start again.", "item"),
    "INVALID_SEND_METHOD": Advice("link", _TYPO, "item"),
    "INVALID_PHONE_NUMBER": Advice("link", _TYPO, "item"),
    "MFA_NOT_SUPPORTED": Advice("other_bank", "This bank asks for a proof that linking does not know. " + _OTHER_BANK, "item"),
    "ITEM_NOT_SUPPORTED": Advice("other_bank", _OTHER_BANK, "item"),
    "PASSWORD_RESET_REQUIRED": Advice("bank", "Your bank wants a new password. Set it at your bank, then link it again.", "item"),
    "NO_ACCOUNTS": Advice("other_account", "That login has no account that could be linked. Please choose another bank.", "item"),
    "NO_AUTH_ACCOUNTS": Advice("other_account", _OTHER_ACCOUNT, "item"),
    "PRODUCTS_NOT_SUPPORTED": Advice("other_account", _OTHER_ACCOUNT, "item"),
    "INSTANT_MATCH_FAILED": Advice("other_account", _OTHER_ACCOUNT, "item"),
    "PRODUCT_NOT_READY": Advice("wait", "Your bank is still getting ready. Please try again in a minute.", "item"),
    "ITEM_NO_VERIFICATION": Advice("other_account", _OTHER_ACCOUNT, "item"),
    "INCORRECT_DEPOSIT_AMOUNTS": Advice("link", _TYPO, "item"),
    "TOO_MANY_VERIFICATION_ATTEMPTS": Advice("link", "That were too many tries. Please start again.", "item"),
    # the bank
    "INSTITUTION_DOWN": Advice("wait", _BANK_DOWN, "institution"),
    "INSTITUTION_NOT_RESPONDING": Advice("wait", _BANK_DOWN, "institution"),
    "INSTITUTION_NOT_AVAILABLE": Advice("wait", _BANK_DOWN, "institution"),
    "INSTITUTION_REGISTRATION_REQUIRED": Advice("other_bank", _OTHER_BANK, "institution"),
    "INSTITUTION_NO_LONGER_SUPPORTED": Advice("other_bank", _OTHER_BANK, "institution"),
    "UNSUPPORTED_RESPONSE": Advice("other_bank", _OTHER_BANK, "institution"),
    "UNAUTHORIZED_INSTITUTION": Advice("other_bank", _OTHER_BANK, "invalid-input"),
    "INVALID_INSTITUTION": Advice("other_bank", _OTHER_BANK, "invalid-input"),
    # what came back with the person
    "INVALID_PUBLIC_TOKEN": Advice("link", "That link is used up or too old. Please start again.", "invalid-input"),
    "INVALID_LINK_TOKEN": Advice("link", "That link is used up or too old. Please start again.", "invalid-input"),
    "INVALID_ACCESS_TOKEN": Advice("link", _AFRESH, "invalid-input"),
    "INVALID_ACCOUNT_ID": Advice("other_account", "That account is no longer there. Please choose another one.", "invalid-input"),
    "INCORRECT_OAUTH_NONCE": Advice("link", _OVER, "oauth"),
    "OAUTH_STATE_ID_ALREADY_PROCESSED": Advice("link", _OVER, "oauth"),
    "OAUTH_STATE_ID_NOT_FOUND": Advice("link", _OVER, "oauth"),
    "OAUTH_LOGIN_FAILED": Advice("link", "Your bank did not let you in. Please start again.", "oauth"),
    # too much
    "RATE_LIMIT": Advice("wait", _TOO_FAST, "rate-limit-exceeded"),
    "ADDITION_LIMIT": Advice("tell_us", _OURS, "rate-limit-exceeded"),
    "BALANCE_LIMIT": Advice("wait", _TOO_FAST, "rate-limit-exceeded"),
    "ITEM_GET_LIMIT": Advice("wait", _TOO_FAST, "rate-limit-exceeded"),
    "INSTITUTION_RATE_LIMIT": Advice("wait", _BANK_DOWN, "rate-limit-exceeded"),
    # our own mistakes
    "INVALID_API_KEYS": Advice("tell_us", _OURS, "invalid-input"),
    "UNAUTHORIZED_ENVIRONMENT": Advice("tell_us", _OURS, "invalid-input"),
    "INVALID_PRODUCT": Advice("tell_us", _OURS, "invalid-input"),
    "MISSING_FIELDS": Advice("tell_us", _OURS, "invalid-request"),
    "INVALID_FIELD": Advice("tell_us", _OURS, "invalid-request"),
    "INVALID_BODY": Advice("tell_us", _OURS, "invalid-request"),
    "UNKNOWN_FIELDS": Advice("tell_us", _OURS, "invalid-request"),
    "PRODUCT_NOT_ENABLED": Advice("tell_us", _OURS, "invalid-input"),
    "INVALID_STRIPE_ACCOUNT": Advice("tell_us", _OURS, "invalid-input"),
    # Plaid itself
    "INTERNAL_SERVER_ERROR": Advice("wait", "Linking banks does not work right now. Please try again later.", "api"),
    "PLANNED_MAINTENANCE": Advice("wait", "Linking banks is closed for repairs right now. Please try again later.", "api"),
    # ours: the bank gave no numbers (banking/plaid.py)
    "no_ach_numbers": Advice("other_account", _OTHER_ACCOUNT),
}  # fmt: skip

GENERAL = Advice("link", "That did not link a bank. Please start again.")


def advice(code: str) -> Advice:
    return ADVICE.get(code, GENERAL)


# ------------------------------------------------------------------------------------------------ what a code says of a login
# The login can be had back by its person, in update mode.
LOGIN_BROKEN = frozenset({
    "ITEM_LOGIN_REQUIRED", "INVALID_CREDENTIALS", "INVALID_MFA", "ITEM_LOCKED", "USER_SETUP_REQUIRED", "PASSWORD_RESET_REQUIRED",
    "INSUFFICIENT_CREDENTIALS", "INVALID_UPDATED_USERNAME", "INVALID_ACCESS_TOKEN", "ACCESS_NOT_GRANTED",
})  # fmt: skip
# Its person has withdrawn the permission, or Plaid has forgotten the login.
LOGIN_GONE = frozenset({"ITEM_NOT_FOUND", "USER_PERMISSION_REVOKED", "ITEM_CONCURRENTLY_DELETED"})
# Update mode cannot repair these: the bank is linked afresh.
LINK_AFRESH = LOGIN_GONE | {"INVALID_ACCESS_TOKEN"}
