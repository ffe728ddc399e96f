"""Every decision of the banking room that changes state."""

from banking.services.accounts import begin_hosted_link, finish_hosted_link, link_account, link_token, remove_account
from banking.services.inbox import process, receive
from banking.services.transfers import refresh, request_load, request_redemption, submit

__all__ = [
    "begin_hosted_link", "finish_hosted_link", "link_account", "link_token", "process", "receive", "refresh",
    "remove_account", "request_load", "request_redemption", "submit",
]  # fmt: skip
