"""How this room refuses."""

from core.errors import Conflict, RateLimited


class NeedsBank(Conflict):
    code, title = "bank_needed", "Where should the money go"
    detail = (
        "There is money in your wallet and no bank that it could go to. Link a bank first, or pay it to somebody; then close"
        " your account."
    )


class TooLateToStay(Conflict):
    code, title = "too_late_to_cancel", "That cannot be taken back any more"
    detail = "Your money is on its way to your bank already, so the account closes."


class EnoughCopies(RateLimited):
    title = "That was enough for today"
    detail = "You have asked for a copy three times within a day. The last one is still there, or you can ask again tomorrow."
