"""Letters: what a person is told stays told, is theirs alone, and is read when they say so."""

import re

import psycopg2
import pytest
from django.db import DatabaseError, connection

from compliance.models import Letter
from compliance.queries import words_for
from compliance.services.letters import mark_read, tell
from core.actor import SYSTEM, actor
from core.errors import NotFound
from tests.conftest import Database, PersonForTest
from tests.helpers import Api
from tests.payments.people import browser, person


def told(database: Database, one: PersonForTest, *titles: str) -> list[str]:
    with database.role("worker"), actor(SYSTEM):
        for title in titles:
            tell(user_id=one.id, kind="other", title=title, body=f"{title}.\n\nWhy: <b>because</b>.", about="")
        return list(Letter.objects.filter(user_id=one.id).order_by("id").values_list("public_id", flat=True))


def test_a_person_reads_their_letters_page_by_page(database: Database, api: Api) -> None:
    maya = person(database)
    ids = told(database, maya, "First", "Second", "Third")
    first = api.get("/v1/messages?limit=2", person=maya).json()
    assert [row["title"] for row in first["data"]] == ["Third", "Second"]
    assert first["unread"] == 3
    assert first["data"][0] | {"created_at": ""} == {
        "id": ids[2], "kind": "other", "title": "Third", "body": "Third.\n\nWhy: <b>because</b>.", "about": "", "created_at": "",
        "read_at": None,
    }  # fmt: skip
    rest = api.get(f"/v1/messages?limit=2&cursor={first['next_cursor']}", person=maya).json()
    assert [row["title"] for row in rest["data"]] == ["First"]
    assert rest["next_cursor"] is None


def test_reading_is_said_once_and_by_its_owner(database: Database, api: Api) -> None:
    maya, theo = person(database), person(database)
    [letter] = told(database, maya, "Yours alone")
    for path in (f"/v1/messages/{letter}", f"/v1/messages/{letter}/read"):
        method = "POST" if path.endswith("read") else "GET"
        assert api.request(method, path, person=theo).status_code == 404
    assert api.get(f"/v1/messages/{letter}", person=maya).json()["read_at"] is None
    read = api.post(f"/v1/messages/{letter}/read", person=maya).json()["read_at"]
    assert read is not None
    assert api.post(f"/v1/messages/{letter}/read", person=maya).json()["read_at"] == read
    assert api.get("/v1/messages", person=maya).json()["unread"] == 0
    with pytest.raises(NotFound):
        mark_read(user_id=theo.id, letter=letter)


def test_what_came_after_the_page_stays_unread(database: Database) -> None:
    maya = person(database)
    ids = told(database, maya, "On the page")
    told(database, maya, "Came later")
    pages = browser(maya)
    assert "2 new messages" in pages.get("/").content.decode()
    assert pages.post("/messages/read", {"newest": ids[0]}).status_code == 302
    assert "1 new message<" in pages.get("/").content.decode()
    assert pages.post("/messages/read", {"newest": "let_nobody"}).status_code == 404


def test_words_are_words_and_no_markup(database: Database) -> None:
    maya = person(database)
    [letter] = told(database, maya, "A <i>title</i>")
    shown = browser(maya).get(f"/messages/{letter}").content.decode()
    assert "<b>because</b>" not in shown
    assert "&lt;b&gt;because&lt;/b&gt;" in shown
    assert "A &lt;i&gt;title&lt;/i&gt;" in shown


@pytest.mark.parametrize(
    ("kind", "about", "body", "leads_to"),
    [
        ("ticket", "tkt_1", "You can write back under Help: /help/tkt_1", ["/help/tkt_1", "/help/tkt_1"]),
        ("dispute", "dsp_1", "If this is wrong, appeal: /appeal?about=dsp_1", ["/appeal?about=dsp_1", "/disputes/dsp_1"]),
        ("frozen", "frz_1", "Until this is lifted.", ["/appeal", "/withdraw"]),
        ("payment_denied", "pay_1", "Back in your balance.", ["/payments/pay_1", "/appeal?about=pay_1"]),
        ("tier", "", "Our staff lowered them. If you think that this is wrong, appeal.", ["/limits", "/appeal?about={letter}"]),
        ("tier", "", "Your bank confirmed who you are.", ["/limits"]),
        ("document", "doc_1", "Thank you.", ["/identity/documents"]),
        ("adjustment", "", "We took it out.", ["/appeal?about={letter}"]),
        ("payment_released", "pay_1", "It has arrived.", ["/payments/pay_1"]),
        ("appeal", "app_1", "It stands.", ["/help"]),
    ],
)
def test_a_letter_leads_to_what_it_speaks_of(database: Database, kind: str, about: str, body: str, leads_to: list[str]) -> None:
    maya = person(database)
    with database.role("worker"), actor(SYSTEM):
        tell(user_id=maya.id, kind=kind, title="Something", body=body, about=about)
        letter = Letter.objects.get(user_id=maya.id).public_id
    shown = browser(maya).get(f"/messages/{letter}").content.decode().split("<main")[1].split("</main>")[0]
    links = [link for link in re.findall(r'href="([^"]+)"', shown) if link != "/messages"]
    assert links == [link.format(letter=letter) for link in leads_to]


def test_the_open_page_hears_of_it(database: Database) -> None:
    maya, theo = person(database), person(database)
    [letter] = told(database, maya, "Hear this")
    with actor(maya.id):
        assert words_for(maya.id, "letter", letter) == {"text": "Hear this", "url": f"/messages/{letter}"}
    with actor(theo.id):
        assert words_for(theo.id, "letter", letter) is None
    [(payload,)] = database.as_superuser(
        "select payload from core_outbox where topic = 'wallet.changed' and payload ->> 'ref' = %s", [letter]
    )
    assert payload == {"user": maya.id, "kind": "letter", "ref": letter}


def test_nobody_rewrites_or_forges_a_letter(database: Database) -> None:
    maya = person(database)
    [letter] = told(database, maya, "As it was sent")
    for statement in (
        "update compliance_letter set body = 'something else' where public_id = %s",
        "delete from compliance_letter where public_id = %s",
        "select compliance_tell(user_id, 'other', 'Forged', 'Forged', '') from compliance_letter where public_id = %s",
    ):
        with pytest.raises(DatabaseError, match="permission denied"), actor(maya.id), connection.cursor() as cursor:
            cursor.execute(statement, [letter])
    with pytest.raises(psycopg2.Error, match="stays as it is"):
        database.as_superuser("update compliance_letter set title = 'x' where public_id = %s", [letter])
