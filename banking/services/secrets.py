"""The encrypted fields of this room, opened and closed in one place: table, column and public id as they are bound."""

from banking.models import BankAccount, BankItem, BankSource, IdentityCheck, LinkSession, RailCustomer
from core import keyring

_SOURCE = "banking_banksource.source"
_FUNDING_SOURCE = "banking_bankaccount.funding_source"
_CUSTOMER = "banking_railcustomer.customer"
_ACCESS = "banking_bankitem.access_token"
_LINK = "banking_linksession.link_token"
_PAGE = "banking_linksession.hosted_url"
_LEGAL_NAME = "banking_identitycheck.legal_name"

# What these are bound to, as key rotation has to know it.
keyring.register(
    keyring.Column("banking_banksource", "source", _SOURCE),
    keyring.Column("banking_bankaccount", "funding_source", _FUNDING_SOURCE),
    keyring.Column("banking_railcustomer", "customer", _CUSTOMER, public_id="rail || ':' || user_id"),
    keyring.Column("banking_bankitem", "access_token", _ACCESS),
    keyring.Column("banking_linksession", "link_token", _LINK, public_id="state"),
    keyring.Column("banking_linksession", "hosted_url", _PAGE, public_id="state"),
    keyring.Column("banking_identitycheck", "legal_name", _LEGAL_NAME),
)


def seal_source(source: BankSource, value: str) -> bytes:
    return keyring.encrypt_for(source.user_id, _SOURCE, source.public_id, value)


def source_id(source: BankSource) -> str:
    return keyring.decrypt_for(source.user_id, _SOURCE, source.public_id, source.source)


def earlier_source_id(account: BankAccount) -> str:
    """The account's id at Dwolla, where it has yet to become a BankSource."""
    if account.funding_source is None:
        raise keyring.DecryptionFailed("this account has no funding source of its own")
    return keyring.decrypt_for(account.user_id, _FUNDING_SOURCE, account.public_id, account.funding_source)


def source_index(rail: str, value: str) -> bytes:
    """Under which a bank account is found by its id at a rail."""
    return keyring.blind_index("bank_source", f"{rail}:{value}")


def numbers_index(numbers: str) -> bytes:
    """Under which a bank account ("routing:account") is found whoever links it."""
    return keyring.blind_index("bank_numbers", numbers)


def seal_customer(user_id: int, rail: str, value: str) -> bytes:
    return keyring.encrypt_for(user_id, _CUSTOMER, f"{rail}:{user_id}", value)


def customer_id(row: RailCustomer) -> str:
    return keyring.decrypt_for(row.user_id, _CUSTOMER, f"{row.rail}:{row.user_id}", row.customer)


def seal_access_token(item: BankItem, value: str) -> bytes:
    return keyring.encrypt_for(item.user_id, _ACCESS, item.public_id, value)


def access_token(item: BankItem) -> str:
    if item.access_token is None:
        raise keyring.DecryptionFailed("this item has no access token yet")
    return keyring.decrypt_for(item.user_id, _ACCESS, item.public_id, item.access_token)


def token_index(public_token: str) -> bytes:
    """Under which the item of a public token is found when the token comes again."""
    return keyring.blind_index("plaid_public_token", public_token)


def seal_link_token(user_id: int, state: str, value: str) -> bytes:
    return keyring.encrypt_for(user_id, _LINK, state, value)


def link_token_of(session: LinkSession) -> str:
    return keyring.decrypt_for(session.user_id, _LINK, session.state, session.link_token)


def seal_hosted_url(user_id: int, state: str, value: str) -> bytes:
    return keyring.encrypt_for(user_id, _PAGE, state, value)


def hosted_url_of(session: LinkSession) -> str:
    if session.hosted_url is None:
        raise keyring.DecryptionFailed("this visit has no page")
    return keyring.decrypt_for(session.user_id, _PAGE, session.state, session.hosted_url)


def seal_legal_name(check: IdentityCheck, value: str) -> bytes:
    return keyring.encrypt_for(check.user_id, _LEGAL_NAME, check.public_id, value)


def legal_name_of(check: IdentityCheck) -> str:
    return keyring.decrypt_for(check.user_id, _LEGAL_NAME, check.public_id, check.legal_name)


def legal_name_index(user_id: int, name: str) -> bytes:
    """Under which the same question of the same person is found; equal names of two people have nothing in common."""
    return keyring.blind_index("legal_name", f"{user_id}:{name.casefold()}")
