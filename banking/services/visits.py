"""A person's visits to Plaid's hosted page: out, perhaps by way of their bank's own site, and back.

What came of a visit is asked of Plaid and never taken from the address with which the person comes back. That address
names the visit (`state`), which must be theirs; coming back twice ends in the same banks.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings

from banking import plaid
from banking.advice import LINK_AFRESH
from banking.errors import BankUnavailable, LinkFailed, LinkOver
from banking.models import BankAccount, BankItem, LinkSession
from banking.services import accounts, upkeep
from banking.services import secrets as sealed
from banking.services.vendors import in_words, refusal
from core.actor import actor
from core.clock import now
from core.errors import NotFound
from core.resilience import ProviderRejected

_LATE = "That took too long. Please start again."


@dataclass(frozen=True)
class Begun:
    """Where the person goes now, and the visit's name."""

    url: str
    state: str


@dataclass(frozen=True)
class Finished:
    """What a visit came to: the accounts that were linked, or the one whose login works again. Neither: it was left."""

    accounts: Sequence[BankAccount] = field(default_factory=list)
    repaired: BankAccount | None = None


# ------------------------------------------------------------------------------------------------ out
def link_token(*, user_public_id: str) -> plaid.LinkToken:
    """A token with which a client opens Plaid's Link. Raises BankUnavailable."""
    with in_words():
        return plaid.create_link_token(user_public_id=user_public_id)


def begin_hosted_link(*, user_id: int, user_public_id: str) -> Begun:
    """To Plaid's hosted page, to link a bank. Raises AccountFrozen, BankTransfersStopped, BankUnavailable."""
    with actor(user_id):
        accounts.check_may_link(user_id)
    return _begin(user_id, user_public_id)


def relink_token(*, user_id: int, user_public_id: str, bank_account: str) -> plaid.LinkToken:
    """A token with which a client opens Link to repair a bank's login; it lives 30 minutes.

    Raises NotFound, LinkOver (Plaid no longer knows the login: link the bank again), LinkFailed, BankUnavailable.
    """
    account, access_token = _broken(user_id, bank_account)
    with in_words(), _over():
        token = plaid.create_link_token(user_public_id=user_public_id, access_token=access_token)
    # Kept so that the worker can see how the visit ended: nobody comes back to us from this one.
    _keep(user_id, secrets.token_urlsafe(24), token, repairs=account.public_id)
    upkeep.expect_relink(account.item)
    return token


def begin_relink(*, user_id: int, user_public_id: str, bank_account: str) -> Begun:
    """To Plaid's hosted page, to repair a bank's login; where it cannot be repaired, to link the bank afresh.

    Raises NotFound, LinkFailed, BankUnavailable.
    """
    try:
        account, access_token = _broken(user_id, bank_account)
        begun = _begin(user_id, user_public_id, access_token=access_token, repairs=account.public_id)
    except LinkOver:
        return _begin(user_id, user_public_id)
    upkeep.expect_relink(account.item)
    return begun


def _broken(user_id: int, bank_account: str) -> tuple[BankAccount, str]:
    with actor(user_id):
        rows = BankAccount.objects.select_related("item").filter(user_id=user_id, public_id=bank_account)
        account = rows.exclude(status=BankAccount.Status.REMOVED).first()
        if account is None:
            raise NotFound
        if account.item.status == BankItem.Status.REMOVED or upkeep.wrong_number(account):
            raise LinkOver
        return account, sealed.access_token(account.item)


@contextmanager
def _over() -> Iterator[None]:
    """A login that Plaid no longer knows cannot be repaired."""
    try:
        yield
    except ProviderRejected as error:
        if error.code in LINK_AFRESH:
            raise LinkOver from error
        raise


def _begin(user_id: int, user_public_id: str, *, access_token: str | None = None, repairs: str | None = None) -> Begun:
    state = secrets.token_urlsafe(24)
    with in_words(), _over():
        token = plaid.create_link_token(
            user_public_id=user_public_id,
            return_to=f"{settings.PUBLIC_URL}/banks/linked?state={state}",
            access_token=access_token,
        )
    if not token.hosted_url:
        raise BankUnavailable
    _keep(user_id, state, token, repairs=repairs)
    return Begun(token.hosted_url, state)


def _keep(user_id: int, state: str, token: plaid.LinkToken, *, repairs: str | None) -> None:
    with actor(user_id):
        LinkSession.objects.create(
            user_id=user_id,
            state=state,
            link_token=sealed.seal_link_token(user_id, state, token.token),
            hosted_url=sealed.seal_hosted_url(user_id, state, token.hosted_url) if token.hosted_url else None,
            repairs=repairs,
            expires_at=token.expires_at,
        )


# ------------------------------------------------------------------------------------------------ on, and back
def resume(*, user_id: int, state: str, oauth_state: str) -> str | None:
    """Where a person goes on who comes back from their bank's own site; None when the visit has come to its end.

    Raises NotFound for a visit that is not theirs, LinkFailed for one that is over, BankUnavailable.
    """
    session, token = _session(user_id, state)
    with in_words():
        visit = plaid.visit(token)
    if visit.succeeded or visit.error or session.done_at or session.hosted_url is None:
        return None
    if session.expires_at < now():
        raise LinkFailed(_LATE)
    with actor(user_id):
        address = sealed.hosted_url_of(session)
    return f"{address}{'&' if '?' in address else '?'}oauth_state_id={oauth_state}" if oauth_state else address


def finish_hosted_link(*, user_id: int, state: str) -> Finished:
    """What a visit came to; the same one may be finished again.

    Raises NotFound for a visit that is not this person's, LinkFailed, BankUnavailable.
    """
    session, token = _session(user_id, state)
    if session.repairs is not None:
        return _finish_relink(user_id, session, token)
    with in_words():
        visit = plaid.visit(token)
    if visit.public_token is None:
        if visit.error:
            raise refusal(visit.error)
        if session.expires_at < now():
            raise LinkFailed(_LATE)
        return Finished()
    linked = accounts.link(user_id=user_id, public_token=visit.public_token, account_ids=visit.account_ids or None)
    _done(user_id, session)
    return Finished(accounts=linked)


def _finish_relink(user_id: int, session: LinkSession, token: str) -> Finished:
    """A visit that came to a good end; whether the login works now is asked of the login itself."""
    with actor(user_id):
        rows = BankAccount.objects.select_related("item").filter(user_id=user_id, public_id=session.repairs)
        account = rows.exclude(status=BankAccount.Status.REMOVED).first()
        if account is None:
            return Finished()
    with in_words():
        visit = plaid.visit(token)
        if visit.succeeded:
            upkeep.look_at(account.item, acting=user_id, repaired=True)
    if not visit.succeeded and visit.error:
        raise refusal(visit.error)
    with actor(user_id):
        account = BankAccount.objects.select_related("item").get(pk=account.pk)
    if not visit.succeeded or account.status != BankAccount.Status.ACTIVE:
        return Finished()
    _done(user_id, session)
    return Finished(repaired=account)


def _session(user_id: int, state: str) -> tuple[LinkSession, str]:
    """A visit of this person's, and its link token: opened here, for the person's key is a row of theirs."""
    with actor(user_id):
        session = LinkSession.objects.filter(user_id=user_id, state=state).first()
        if session is None:
            raise NotFound
        return session, sealed.link_token_of(session)


def _done(user_id: int, session: LinkSession) -> None:
    with actor(user_id):
        LinkSession.objects.filter(pk=session.pk, done_at=None).update(done_at=now())
