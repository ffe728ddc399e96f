"""Identity documents: handed in, kept sealed, looked at by staff, and what becomes of the tier."""

import io
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from compliance.documents import contents, sealed
from compliance.documents import store as stored
from compliance.models import Document
from compliance.services import documents, tiers
from console.services import ROLES, create_staff
from core import staff
from core.actor import SYSTEM, actor
from core.errors import Conflict, LimitExceeded, NotFound, ServiceUnavailable, ValidationError
from core.keyring import DecryptionFailed, forget_cached_keys
from core.resilience import ProviderDown
from tests.conftest import Database, MakePerson, PersonForTest
from tests.helpers import at_once
from tests.payments.people import browser
from tests.tiers.files import archive, picture

PICTURE = picture()
WHY = "Support case 4711"


@pytest.fixture
def ada(make_person: MakePerson) -> PersonForTest:
    return make_person("ada")


def handed_in(person: PersonForTest, data: bytes = PICTURE) -> Document:
    return documents.upload(user_id=person.id, kind="passport", data=data)


def letters_of(database: Database, person: PersonForTest) -> list[tuple[str, str]]:
    return database.as_superuser("select title, body from compliance_letter where user_id = %s order by id", [person.id])


def opened(database: Database, document: Document) -> bytes:
    """What staff would see."""
    [[key]] = database.as_superuser("select content_key from compliance_document where public_id = %s", [document.public_id])
    with actor(document.user_id):
        return documents.opened(user_id=document.user_id, document=document.public_id, content_key=key)


# ------------------------------------------------------------------------------------------------------ handing in
def test_it_waits_for_staff_and_lies_sealed(ada: PersonForTest, database: Database, folder: Path) -> None:
    document = handed_in(ada)
    assert document.status == "waiting"
    [file] = folder.iterdir()
    assert file.name == document.public_id
    assert (file.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert b"JFIF" not in file.read_bytes()
    assert opened(database, document).startswith(b"\xff\xd8\xff")
    assert database.as_superuser("select kind, about, status, detail from compliance_case") == [
        ("document", document.public_id, "open", {"document": "passport"})
    ]
    assert tiers.tier_of(user_id=ada.id) == 1


def test_the_same_file_is_the_same_document(ada: PersonForTest, database: Database, make_person: MakePerson) -> None:
    def click(_: int) -> str:
        try:
            return handed_in(ada).public_id
        finally:
            connection.close()

    assert len(set(at_once(3, click))) == 1
    assert database.as_superuser("select count(*) from compliance_case") == [(1,)]
    assert handed_in(make_person("eve")).public_id != handed_in(ada).public_id


@pytest.mark.parametrize("broken", [ProviderDown("down"), OSError("crash")])
def test_one_that_was_not_kept_goes_on_when_it_is_sent_again(
    ada: PersonForTest, database: Database, monkeypatch: pytest.MonkeyPatch, broken: Exception
) -> None:
    """A store that is down, and a process that dies in the middle of it."""

    def put(*args: object) -> None:
        raise broken

    monkeypatch.setattr(stored.Folder, "put", put)
    with pytest.raises((ServiceUnavailable, OSError)):
        handed_in(ada)
    assert database.as_superuser("select status from compliance_document") == [("storing",)]
    assert database.as_superuser("select count(*) from compliance_case") == [(0,)]
    assert documents.documents_of(user_id=ada.id) == []
    monkeypatch.undo()
    document = handed_in(ada)
    assert document.status == "waiting"
    assert opened(database, document)
    assert database.as_superuser("select status from compliance_document") == [("waiting",)]


def test_five_a_day(ada: PersonForTest) -> None:
    for side in range(documents.PER_DAY):
        handed_in(ada, picture(size=(320 + side, 320)))
    with pytest.raises(LimitExceeded) as refusal:
        handed_in(ada, picture(size=(400, 320)))
    assert refusal.value.data["limit"] == "documents_per_day"
    assert handed_in(ada, picture(size=(320, 320))).status == "waiting"


def several_at_once(ada: PersonForTest) -> list[str]:
    """Four different files at once, where there is room for two: what became of each."""

    def click(side: int) -> str:
        try:
            return str(handed_in(ada, picture(size=(400 + side, 320))).status)
        except LimitExceeded:
            return "refused"
        finally:
            connection.close()

    for side in range(documents.PER_DAY - 2):
        handed_in(ada, picture(size=(320 + side, 320)))
    return sorted(at_once(4, click))


def test_many_at_once_do_not_pass_the_five(ada: PersonForTest) -> None:
    assert several_at_once(ada) == ["refused", "refused", "waiting", "waiting"]


def test_without_the_guard_they_would(ada: PersonForTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: all of them count before any of them has written."""
    counted, count = threading.Barrier(4), documents._room_for_one_more

    def count_together(user_id: int) -> None:
        count(user_id)
        counted.wait()

    for side in range(documents.PER_DAY - 2):
        handed_in(ada, picture(size=(320 + side, 320)))  # the same again, below, is counted no more
    monkeypatch.setattr("compliance.services.documents.wallets.guard", lambda **_: None)
    monkeypatch.setattr("compliance.services.documents._room_for_one_more", count_together)
    assert several_at_once(ada) == ["waiting"] * 4


def test_what_is_refused_leaves_nothing(ada: PersonForTest, database: Database, folder: Path) -> None:
    for kind, data in (("passport", archive()), ("selfie", PICTURE), ("passport", b"")):
        with pytest.raises(ValidationError):
            documents.upload(user_id=ada.id, kind=kind, data=data)
    assert database.as_superuser("select count(*) from compliance_document") == [(0,)]
    assert not folder.exists()


# ------------------------------------------------------------------------------------------------------ deciding
def look_at(document: Document, staff_id: int) -> None:
    """What the page of its file asks the database, as this member of staff."""
    with actor(staff_id), connection.cursor() as cursor:
        cursor.execute("select media_type from console_open_document(%s)", [document.public_id])
        assert cursor.fetchone() == ("image/jpeg",)


def test_only_who_has_opened_its_file_accepts_it(ada: PersonForTest, database: Database, staff_member: int) -> None:
    """Its page alone is no look at it, nor is another file, nor somebody else's look."""
    document, other = handed_in(ada), handed_in(ada, picture(size=(600, 480)))
    with database.role("worker"):
        bo = create_staff(email="bo@staff.example", roles=ROLES).email
    [[bo_id]] = database.as_superuser("select id from users_user where email = %s", [bo])
    with database.role("staff"):
        look_at(document, bo_id)
        look_at(other, staff_member)
        with actor(staff_member):
            staff.viewed("document", document.public_id)
        with pytest.raises(Conflict, match="you have not looked at it"):
            documents.accept(document=document.public_id, staff_id=staff_member, reason=WHY)
        documents.accept(document=document.public_id, staff_id=bo_id, reason=WHY)
    assert tiers.tier_of(user_id=ada.id) == 3


def test_accepted_it_raises_the_tier(ada: PersonForTest, database: Database, staff_member: int) -> None:
    document = handed_in(ada)
    with database.role("staff"):
        look_at(document, staff_member)
        documents.accept(document=document.public_id, staff_id=staff_member, reason=WHY)
        with pytest.raises(Conflict):
            documents.refuse(document=document.public_id, words="It is blurred, sorry.", staff_id=staff_member, reason=WHY)
    assert tiers.tier_of(user_id=ada.id) == 3
    [change] = tiers.changes_of(user_id=ada.id)
    assert (change.before, change.after, change.cause, change.evidence) == (
        1, 3, "document", {"document": document.public_id, "kind": "passport"},
    )  # fmt: skip
    assert [title for title, _ in letters_of(database, ada)] == ["Your document was accepted"]
    [[status, outcome]] = database.as_superuser("select status, outcome from compliance_case")
    assert (status, outcome) == ("closed", "confirmed")
    records = database.as_superuser("select action, subject from console_actionrecord")
    assert records == [("document.accept", document.public_id)]


def test_not_accepted_it_says_why_and_another_may_be_sent(ada: PersonForTest, database: Database, staff_member: int) -> None:
    document = handed_in(ada)
    with database.role("staff"):
        with pytest.raises(ValidationError):
            documents.refuse(document=document.public_id, words="no", staff_id=staff_member, reason=WHY)
        documents.refuse(document=document.public_id, words="The picture is blurred.", staff_id=staff_member, reason=WHY)
        with pytest.raises(NotFound):
            documents.accept(document="doc_nothing", staff_id=staff_member, reason=WHY)
    assert tiers.tier_of(user_id=ada.id) == 1
    [(title, body)] = letters_of(database, ada)
    assert title == "Your document was not accepted"
    assert body.startswith("The picture is blurred. You can send another one")
    again = handed_in(ada)
    assert (again.public_id != document.public_id, again.status) == (True, "waiting")


def test_staff_raise_and_lower_with_a_reason(ada: PersonForTest, database: Database, staff_member: int) -> None:
    [[person]] = database.as_superuser("select public_id from users_user where id = %s", [ada.id])
    told = "The bank that knew you is not linked any more."
    with database.role("staff"):
        tiers.set_tier(person=person, tier=3, staff_id=staff_member, reason=WHY)
        for words in ("", "too short"):
            with pytest.raises(Conflict, match="told why"):
                tiers.set_tier(person=person, tier=1, told=words, staff_id=staff_member, reason=WHY)
        with pytest.raises(Conflict, match="told why"):  # as the release before this one asks
            staff.call("compliance_set_tier", [person, 1, WHY], staff_id=staff_member)
        tiers.set_tier(person=person, tier=1, told=told, staff_id=staff_member, reason=WHY)
        for wrong, error in (({"tier": 1}, Conflict), ({"tier": 4}, Conflict), ({"person": "usr_x"}, NotFound)):
            with pytest.raises(error):
                tiers.set_tier(**({"person": person, "tier": 2} | wrong), staff_id=staff_member, reason=WHY)
        with pytest.raises(ValidationError):
            tiers.set_tier(person=person, tier=2, staff_id=staff_member, reason="short")
    assert [(one.before, one.after, one.reason) for one in tiers.changes_of(user_id=ada.id)] == [(3, 1, WHY), (1, 3, WHY)]
    (higher, _), (lower, body) = letters_of(database, ada)
    assert (higher, lower) == ("Your limits are higher now", "Your limits are lower now")
    assert body.startswith(f"{told}\n\nYour money stays yours")
    trail = database.as_superuser("select string_agg(what || coalesce(after::text, ''), '') from console_trail")
    assert told not in trail[0][0]  # it goes with the letter when they are erased
    with pytest.raises(Exception, match="refused"):
        database.as_superuser("update compliance_tierchange set after = 3")


# ------------------------------------------------------------------------------------------------- whose it is
def test_what_is_somebody_elses_does_not_exist(
    ada: PersonForTest, make_person: MakePerson, database: Database, api: Any
) -> None:
    document, eve = handed_in(ada), make_person("eve")
    assert api.get(f"/v1/documents/{document.public_id}", person=eve).status_code == 404
    assert api.get("/v1/documents", person=eve).json() == {"data": [], "next_cursor": None}
    with actor(eve.id), connection.cursor() as cursor:
        cursor.execute("select count(*) from compliance_document")
        assert cursor.fetchone() == (0,)
        cursor.execute("select compliance_document_stored(%s)", [document.public_id])
        assert cursor.fetchone() == (None,)
    raw = database.connect("web")
    with raw.cursor() as cursor:
        cursor.execute("select set_config('paya.actor', %s, false)", [str(ada.id)])
        decide = "select compliance_decide_document('x', true, '', 'x')"
        for statement in ("update compliance_document set status = 'accepted'", decide):
            with pytest.raises(Exception, match="permission denied"):
                cursor.execute(statement)
    raw.close()


def test_with_the_persons_key_the_document_is_gone(ada: PersonForTest, database: Database) -> None:
    document = handed_in(ada)
    database.as_superuser("delete from core_datakey where user_id = %s", [ada.id])
    forget_cached_keys()
    with pytest.raises(DecryptionFailed):
        opened(database, document)


def test_one_that_was_moved_or_changed_does_not_open(ada: PersonForTest, database: Database, folder: Path) -> None:
    one, other = handed_in(ada), handed_in(ada, picture(size=(320, 320)))
    (folder / other.public_id).write_bytes((folder / one.public_id).read_bytes())
    with pytest.raises(DecryptionFailed):
        opened(database, other)
    changed = bytearray((folder / one.public_id).read_bytes())
    changed[100] ^= 1
    (folder / one.public_id).write_bytes(changed)
    with pytest.raises(DecryptionFailed):
        opened(database, one)


# -------------------------------------------------------------------------------------------------------- upkeep
def test_what_need_not_be_kept_is_removed(
    ada: PersonForTest, database: Database, staff_member: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, refused = handed_in(ada), handed_in(ada, picture(size=(320, 320)))
    with database.role("staff"):
        documents.refuse(document=refused.public_id, words="The picture is blurred.", staff_id=staff_member, reason=WHY)
    monkeypatch.setattr(stored.Folder, "put", _down)
    with pytest.raises(ServiceUnavailable):
        handed_in(ada, picture(size=(330, 330)))
    with database.role("worker"):
        assert documents.sweep() == 0
    database.as_superuser("alter table compliance_document disable trigger user")
    database.as_superuser("update compliance_document set created_at = created_at - interval '40 days'")
    aged = "set decided_at = decided_at - interval '40 days' where decided_at is not null"
    database.as_superuser(f"update compliance_document {aged}")
    database.as_superuser("alter table compliance_document enable trigger user")
    with database.role("worker"):
        assert documents.sweep() == 2
        assert documents.sweep() == 0
    assert [file.name for file in folder.iterdir()] == [kept.public_id]
    with pytest.raises(NotFound):
        opened(database, refused)
    with database.role("worker"):
        documents.forget(user_id=ada.id)
    assert list(folder.iterdir()) == []
    with database.role("worker"), actor(SYSTEM):
        assert Document.objects.filter(removed_at=None).count() == 0


def _down(*args: object) -> None:
    raise ProviderDown("down")


# ---------------------------------------------------------------------------------------------- over HTTP
def send(person: PersonForTest, data: bytes | None, kind: str = "passport", **more: Any) -> Any:
    fields: dict[str, Any] = {"kind": kind} | more
    if data is not None:
        fields["file"] = SimpleUploadedFile("../../etc/passwd.svg", data, content_type="text/html")
    return Client().post("/v1/documents", fields, headers=person.headers)


def test_over_the_api(ada: PersonForTest, api: Any) -> None:
    made = send(ada, PICTURE)
    assert made.status_code == 201
    assert set(made.json()) == {"id", "kind", "status", "reason", "created_at", "decided_at"}
    assert send(ada, PICTURE).json() == made.json()
    assert api.get(f"/v1/documents/{made.json()['id']}", person=ada).json() == made.json()
    assert api.get("/v1/documents", person=ada).json()["data"] == [made.json()]


def test_bad_bodies_are_typed_errors(ada: PersonForTest, database: Database) -> None:
    def refused(answer: Any) -> tuple[int, str]:
        assert answer["Content-Type"] == "application/problem+json"
        return answer.status_code, answer.json()["code"]

    assert refused(send(ada, None)) == (400, "validation_error")
    assert refused(send(ada, archive())) == (400, "validation_error")
    assert refused(send(ada, PICTURE, kind="selfie")) == (400, "validation_error")
    assert refused(send(ada, bytes(contents.MAX_BYTES + 1))) == (413, "body_too_large")
    assert refused(send(ada, bytes(3 * contents.MAX_BYTES))) == (413, "body_too_large")
    two = {"kind": "passport", "file": SimpleUploadedFile("a", PICTURE), "more": SimpleUploadedFile("b", PICTURE)}
    assert refused(Client().post("/v1/documents", two, headers=ada.headers)) == (400, "validation_error")
    assert refused(send(ada, PICTURE, filler="x" * 300_000))[0] in (400, 413)

    def raw(body: bytes, content_type: str) -> Any:
        return Client().generic("POST", "/v1/documents", body, content_type=content_type, headers=ada.headers)

    cut_off = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
    for body in (b"", b"--x\r\n", cut_off, b"\x00" * 900):
        assert refused(raw(body, "multipart/form-data; boundary=x"))[0] == 400, body
    assert refused(raw(b"x", "multipart/form-data"))[0] == 400
    assert refused(raw(b"x", "multipart/form-data; boundary=" + "y" * 5000))[0] == 415
    assert refused(raw(b"{}", "application/json"))[0] == 415
    assert raw(b"{}", "application/json").json()["detail"] == "Send multipart/form-data."
    assert database.as_superuser("select count(*) from compliance_document") == [(0,)]


def test_without_the_cap_everything_would_be_read(ada: PersonForTest, settings: Any) -> None:
    """The control: with Django's own handlers the whole file is taken in, and lies on the disk meanwhile."""
    settings.FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
    answer = send(ada, bytes(contents.MAX_BYTES + 1))
    assert answer.json()["errors"]["file"].startswith("The file is larger")


def test_on_the_page(ada: PersonForTest, database: Database, staff_member: int) -> None:
    page = browser(ada)
    first = page.get("/identity/documents").content.decode()
    assert 'enctype="multipart/form-data"' in first
    assert "What you have sent" not in first
    bad = page.post("/identity/documents", {"kind": "passport", "file": SimpleUploadedFile("a.jpg", archive())})
    assert bad.status_code == 400
    assert "Send a JPEG or PNG picture" in bad.content.decode()
    large = page.post("/identity/documents", {"kind": "passport", "file": SimpleUploadedFile("a.jpg", bytes(11 * 2**20))})
    assert large.status_code == 413
    assert "10 MB at most" in large.content.decode()
    assert page.post("/identity/documents", {"kind": "passport"}).status_code == 400
    sent = page.post("/identity/documents", {"kind": "passport", "file": io.BytesIO(PICTURE)})
    assert sent["Location"] == "/identity/documents"
    assert "Our staff have yet to look at it" in page.get("/identity/documents").content.decode()
    [[document]] = database.as_superuser("select public_id from compliance_document")
    with database.role("staff"):
        documents.refuse(document=document, words="It is <b>blurred</b>, sorry.", staff_id=staff_member, reason=WHY)
    shown = page.get("/identity/documents").content.decode()
    assert "It is &lt;b&gt;blurred&lt;/b&gt;, sorry." in shown
    assert sealed.digest(PICTURE).hex() not in shown
