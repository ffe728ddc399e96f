"""Banks with a site of their own: out, back with the bank's state, on to the end; and every way in which that goes wrong."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from banking import services
from banking.errors import LinkFailed
from banking.models import BankAccount, LinkSession
from core.actor import actor
from core.errors import NotFound
from tests.banking.hosted import Browser, local, visit
from tests.banking.sandbox import Bank
from tests.conftest import Database, MakePerson

pytestmark = pytest.mark.usefixtures("cold_keys")
OAUTH, CLOSED = "ins_127287", "ins_900002"


def to_the_bank(address: str) -> tuple[Browser, str]:
    """From the hosted page to the bank's own site."""
    browser = Browser()
    answer = browser.send(address, institution=OAUTH, action="confirm")
    assert answer.status_code == 303, answer.text
    assert "/plaid/bank-login/" in answer.headers["Location"]
    return browser, answer.headers["Location"]


def share(browser: Browser, address: str) -> str:
    """Back on the hosted page, where the person was: the accounts, and the way home."""
    answer = browser.send(address, institution=OAUTH, account="0", action="confirm")
    assert answer.status_code == 303, answer.text
    return local(answer.headers["Location"])


def accounts_of(user_id: int) -> int:
    with actor(user_id):
        return BankAccount.objects.count()


def test_out_to_the_bank_and_back(make_person: MakePerson, bank: Bank, browse: Callable[[int], Client], settings: Any) -> None:
    ada = make_person("ada")
    client = browse(ada.id)
    out = client.post("/banks/link")["Location"]
    with actor(ada.id):
        token = services.visits.sealed.link_token_of(LinkSession.objects.get())
    keys = {"client_id": "sandbox", "secret": "sandbox"}
    named = bank.post("/plaid/link/token/get", {**keys, "link_token": token})["metadata"]["redirect_uri"]
    assert named == settings.PLAID_REDIRECT_URI == settings.PUBLIC_URL + "/banks/oauth"
    browser, login = to_the_bank(out)
    back = browser.send(login, action="allow").headers["Location"]
    assert back.startswith(settings.PUBLIC_URL + "/banks/oauth?oauth_state_id=")
    onward = client.get(local(back))
    assert onward.status_code == 302
    assert onward["Location"].startswith(out + "?oauth_state_id=")
    home = share(browser, onward["Location"])
    assert client.get(home).status_code == 302
    assert "is linked." in client.get("/banks").content.decode()
    assert accounts_of(ada.id) == 1
    # A second visit to either address ends in the same bank.
    again = client.get(local(back))
    assert (again.status_code, again["Location"]) == (302, home)
    assert client.get(home).status_code == 302
    assert accounts_of(ada.id) == 1


def test_plaids_own_redirect_needs_nothing_of_us(make_person: MakePerson, bank: Bank, settings: Any) -> None:
    settings.PLAID_REDIRECT_URI = "https://hosted.plaid.com/oauth/redirect"
    ada = make_person("ada")
    begun = services.begin_hosted_link(user_id=ada.id, user_public_id="usr_ada")
    browser, login = to_the_bank(begun.url)
    back = browser.send(login, action="allow").headers["Location"]
    assert back.startswith(begun.url + "?oauth_state_id=")
    assert share(browser, back) == f"/banks/linked?state={begun.state}"
    assert len(services.finish_hosted_link(user_id=ada.id, state=begun.state).accounts) == 1


def test_saying_no_at_the_bank_leads_back_to_the_choice(make_person: MakePerson, bank: Bank) -> None:
    ada = make_person("ada")
    begun = services.begin_hosted_link(user_id=ada.id, user_public_id="usr_ada")
    browser, login = to_the_bank(begun.url)
    state = browser.send(login, action="deny").headers["Location"].rpartition("=")[2]
    onward = services.resume(user_id=ada.id, state=begun.state, oauth_state=state)
    assert onward is not None
    assert "Choose your bank" in browser.session.get(onward, timeout=10).text


def test_somebody_elses_way_and_one_that_was_not_begun_here(
    make_person: MakePerson, bank: Bank, browse: Callable[[int], Client]
) -> None:
    ada, eve = make_person("ada"), make_person("eve")
    begun = services.begin_hosted_link(user_id=ada.id, user_public_id="usr_ada")
    with pytest.raises(NotFound):
        services.resume(user_id=eve.id, state=begun.state, oauth_state="x")
    client = browse(eve.id)
    page = client.get("/banks/oauth?oauth_state_id=made-up")
    assert page.status_code == 400
    assert "was not begun here" in page.content.decode()
    session = client.session
    session["bank_visit"] = begun.state
    session.save()
    page = client.get("/banks/oauth?oauth_state_id=made-up")
    assert (page.status_code, "Location" in page) == (400, False)


def test_what_the_bank_hands_back_cannot_lead_elsewhere(
    make_person: MakePerson, bank: Bank, browse: Callable[[int], Client]
) -> None:
    client = browse(make_person("ada").id)
    out = client.post("/banks/link")["Location"]
    onward = client.get("/banks/oauth", {"oauth_state_id": "a&state=b#c\r\nSet-Cookie: d=e"})
    assert onward.status_code == 302
    assert onward["Location"] == out + "?oauth_state_id=a%26state%3Db%23c%0D%0ASet-Cookie%3A%20d%3De"


def test_too_late(make_person: MakePerson, bank: Bank, browse: Callable[[int], Client], database: Database) -> None:
    ada = make_person("ada")
    client = browse(ada.id)
    client.post("/banks/link")
    database.as_superuser("update banking_linksession set expires_at = now() - interval '1 second'")
    with actor(ada.id):
        state = LinkSession.objects.get().state
    for address in ("/banks/oauth?oauth_state_id=x", f"/banks/linked?state={state}"):
        page = client.get(address)
        assert page.status_code == 400
        assert "That took too long" in page.content.decode()


def test_in_time_at_the_bank_and_late_here(make_person: MakePerson, bank: Bank, database: Database) -> None:
    """What the person has done counts, however long their way home was."""
    ada = make_person("ada")
    begun = services.begin_hosted_link(user_id=ada.id, user_public_id="usr_ada")
    visit(begun.url, institution="ins_109508", account="0", action="confirm")
    database.as_superuser("update banking_linksession set expires_at = now() - interval '1 second'")
    assert len(services.finish_hosted_link(user_id=ada.id, state=begun.state).accounts) == 1


@pytest.mark.parametrize(("code", "words"), [
    ("ITEM_LOCKED", "has locked this login"), ("NO_AUTH_ACCOUNTS", "checking or savings"),
    ("INSTITUTION_NO_LONGER_SUPPORTED", "choose another bank"),
])  # fmt: skip
def test_what_went_wrong_at_the_bank_is_told_as_a_next_step(
    make_person: MakePerson, bank: Bank, code: str, words: str
) -> None:
    ada = make_person("ada")
    begun = services.begin_hosted_link(user_id=ada.id, user_public_id="usr_ada")
    visit(begun.url, institution=CLOSED, reason=code, action="confirm")
    with pytest.raises(LinkFailed, match=words):
        services.finish_hosted_link(user_id=ada.id, state=begun.state)
    assert services.resume(user_id=ada.id, state=begun.state, oauth_state="x") is None


def test_a_redirect_with_a_query_would_be_refused_by_plaid(make_person: MakePerson, bank: Bank, settings: Any) -> None:
    settings.PLAID_REDIRECT_URI = settings.PUBLIC_URL + "/banks/oauth?state=1"
    with pytest.raises(LinkFailed):
        services.begin_hosted_link(user_id=make_person("ada").id, user_public_id="usr_ada")
