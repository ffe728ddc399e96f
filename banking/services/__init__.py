"""Every decision of the banking room that changes state."""

from banking.services.accounts import link_account, remove_account
from banking.services.defaults import choose_default
from banking.services.inbox import process, receive
from banking.services.notices import ask_to_be_told
from banking.services.presenting import present_again
from banking.services.transfers import refresh, request_cancel, request_load, request_redemption, submit
from banking.services.visits import begin_hosted_link, begin_relink, finish_hosted_link, link_token, relink_token, resume

__all__ = [
    "ask_to_be_told", "begin_hosted_link", "begin_relink", "choose_default", "finish_hosted_link", "link_account", "link_token",
    "present_again", "process", "receive", "refresh", "relink_token", "remove_account", "request_cancel", "request_load",
    "request_redemption", "resume", "submit",
]  # fmt: skip
