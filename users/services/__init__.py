"""The use cases of this room, one keyword-only function each."""

from users.services.accounts import on_signup, sign_up
from users.services.codes import Asked, Purpose, check_code, confirm_code, request_code, request_own_code, resend_code
from users.services.delivery import send_code, sweep_codes
from users.services.profiles import check_username, update_profile, welcome
from users.services.pruning import prune
from users.services.sessions import (
    Opened,
    Pair,
    access,
    close_account,
    log_out_device,
    log_out_everywhere,
    logout,
    refresh,
    revoke_device,
)
from users.services.terms import accept_terms, acceptances, outstanding_terms
from users.services.texting import text_person

__all__ = [
    "Asked",
    "Opened",
    "Pair",
    "Purpose",
    "accept_terms",
    "acceptances",
    "access",
    "check_code",
    "check_username",
    "close_account",
    "confirm_code",
    "log_out_device",
    "log_out_everywhere",
    "logout",
    "on_signup",
    "outstanding_terms",
    "prune",
    "refresh",
    "request_code",
    "request_own_code",
    "resend_code",
    "revoke_device",
    "send_code",
    "sign_up",
    "sweep_codes",
    "text_person",
    "update_profile",
    "welcome",
]
