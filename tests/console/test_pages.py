"""Every page opens, says money as money, leads to the next thing, and changes nothing."""

import re
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from console.site import site
from core.actor import actor
from tests.conftest import Database
from tests.console.conftest import EMAIL, Desk, World

MODELS = [
    "person", "wallet", "payment", "banktransfer", "transfer", "inboxevent", "outboxrow", "stafflook", "staffaction", "nachafile",
    "nachabatch", "nachaentry", "nachareceiver", "nachaincoming", "nachaline", "nachachange", "railchoice", "return",
    "correction", "reconciliation", "break", "statement", "statementline", "vendor",
    "rewardrun", "reward", "ineligible", "appeal", "rewardsetting", "attestation", "proofcomplaint",
    "case", "flag", "flagrule", "hit", "listrun", "freeze", "withdrawal",
    "trailentry", "personview", "member", "ceiling",
    "closing", "dispute", "document", "legalhold", "limitshown", "personappeal",
    "retention", "scoring", "ticket", "tiermove",
]  # fmt: skip


def keys(world: World, database: Database) -> dict[str, str]:
    (event,) = database.as_superuser("select id from banking_inboxevent")
    (row,) = database.as_superuser("select max(id) from core_outbox")
    return {
        "person": world.maya_id, "wallet": world.wallet, "payment": world.public, "banktransfer": world.load,
        "transfer": world.transfer, "inboxevent": str(event[0]), "outboxrow": str(row[0]),
    }  # fmt: skip


def test_every_model_is_looked_at_here(desk: Desk):
    import console.admin  # noqa: F401

    assert sorted(model._meta.model_name for model in site._registry) == sorted(MODELS)


def test_every_list_and_page_opens(world: World, desk: Desk, staff_site: Database):
    index = desk.get("/admin/")
    assert "Reserve" in index.content.decode()
    assert desk.get("/admin/console/").status_code == 200
    for model in MODELS:
        assert desk.get(f"/admin/console/{model}/").status_code == 200, model
    for model, key in keys(world, staff_site).items():
        assert desk.get(f"/admin/console/{model}/{key}/change/").status_code == 200, model


def test_nobody_outside_opens_any(world: World, outside: Desk, staff_site: Database):
    for model, key in keys(world, staff_site).items():
        base = f"/admin/console/{model}/"
        for path in (base, f"{base}{key}/change/", f"{base}{key}/history/"):
            answer = outside.get(path)
            assert answer.status_code == 302, path
            assert answer["Location"].startswith("/admin/login/"), path
    for path in ("/admin/find/", f"/admin/console/payment/{world.private}/look/", "/admin/console/person/"):
        assert outside.post(path, q="maya", reason="because I want to").status_code == 302, path
    assert staff_site.as_superuser("select count(*) from payments_staffview") == [(0,)]


def test_nothing_can_be_added_changed_or_deleted(world: World, desk: Desk, staff_site: Database):
    for model, key in keys(world, staff_site).items():
        base = f"/admin/console/{model}"
        for path in (f"{base}/add/", f"{base}/{key}/change/", f"{base}/{key}/delete/"):
            assert desk.post(path, amount="1", available="1", post="yes").status_code == 403, path
        acted = desk.post(f"{base}/", action="delete_selected", _selected_action=key, post="yes")
        assert acted.status_code == 302, base
        assert desk.get(f"{base}/{key}/change/").status_code == 200
        page = desk.get(f"{base}/{key}/change/").content.decode()
        assert 'name="_save"' not in page
        for admin in site._registry.values():
            assert not admin.list_editable
            assert not admin.get_inline_instances(None)


def test_the_role_itself_writes_nothing_of_money(world: World, account: int, staff_site: Database):
    writes = [
        "update {t} set {c} = {c}", "delete from {t}", "truncate {t}",
    ]  # fmt: skip
    tables = {
        "ledger_account": "balance", "ledger_transfer": "amount", "wallets_wallet": "pending_in", "payments_payment": "amount",
        "banking_banktransfer": "amount", "core_outbox": "position", "banking_inboxevent": "outcome",
        "banking_nachafile": "status", "banking_nachaentry": "status",
        "banking_nachaquarantine": "resolved_at", "users_user": "email",
        "payments_staffview": "reason", "banking_transfermove": "cause", "console_actionrecord": "what",
        "console_trail": "what", "console_personview": "kind", "console_staffrole": "role", "console_permission": "role",
    }  # fmt: skip
    for table, column in tables.items():
        for write in writes:
            with pytest.raises(DatabaseError, match="permission denied"), actor(account), connection.cursor() as cursor:
                cursor.execute(write.format(t=table, c=column))
    functions = staff_site.as_superuser(
        "select p.proname from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosecdef"
        " and has_function_privilege('paya_staff', p.oid, 'execute') and p.prorettype <> 'trigger'::regtype"
        " and p.prosrc !~ '(PERFORM|:=) console_acted\\('"  # those change something, and write down who and why
    )
    assert {name for (name,) in functions} <= {
        "console_staff", "console_invited", "console_is_staff", "console_person_by_phone", "console_account_name",
        "console_account_wallet",
        "ledger_figures", "ledger_trial_balance", "payments_view_as_staff", "core_outbox_drained", "banking_last_reconciliation",
        "console_email", "banking_nacha_unanswered", "banking_nacha_reversible", "core_outbox_lag", "rewards_setting_for",
        "transparency_chain", "transparency_keys", "console_may", "console_allowed", "console_viewed", "compliance_tier_of",
        "console_limits_of", "console_timeline", "console_people_by_mask", "compliance_waiting", "compliance_deciders",
        "compliance_thing", "console_legal_name", "console_legal_names", "console_open_document", "compliance_opened_document",
        "compliance_business_days",
        "console_version_effect", "console_ceiling_use", "console_report", "console_people_of_tier",
    }  # fmt: skip


def test_the_role_sees_nothing_of_anybody_without_an_actor(world: World, account: int, staff_site: Database):
    for view in ("person", "wallet", "transfer", "payment", "banktransfer", "inboxevent", "stafflook", "staffaction"):
        with pytest.raises(DatabaseError, match="no actor"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"select * from console_{view}")
    with actor(world.maya.id), connection.cursor() as cursor:  # a person is no member of staff
        cursor.execute("select count(*) from console_transfer")
        assert cursor.fetchone() == (0,)


def test_money_is_written_as_money_and_phones_are_not(world: World, desk: Desk):
    page = desk.get(f"/admin/console/payment/{world.public}/change/").content.decode()
    assert "$1,234.50" in page
    assert "pizza friday" in page
    person = desk.get(f"/admin/console/person/{world.maya_id}/change/").content.decode()
    assert f"•••• {world.maya.phone[-4:]}" in person
    assert world.maya.phone[2:] not in person
    assert "Tartan Bank Checking ••4772" in person


def test_a_bank_transfer_shows_its_timeline_and_evidence(world: World, desk: Desk):
    page = desk.get(f"/admin/console/banktransfer/{world.load}/change/").content.decode()
    timeline = page[page.index('<ol class="console-timeline">') :].partition("</ol>")[0]
    words = re.findall(r"requested|submitted|person|worker|tr-4711", timeline)
    assert words == ["requested", "person", "submitted", "worker", "tr-4711"]


def test_an_event_shows_nothing_of_what_it_said(world: World, desk: Desk, staff_site: Database):
    key = keys(world, staff_site)["inboxevent"]
    assert "customer_transfer_created" in desk.get(f"/admin/console/inboxevent/{key}/change/").content.decode()
    assert "secret body" not in desk.get(f"/admin/console/inboxevent/{key}/change/").content.decode()


# ----------------------------------------------------------------------------------------------------- finding
@pytest.mark.parametrize("model", ["person", "wallet", "payment", "banktransfer", "transfer"])
@pytest.mark.parametrize("by", ["username", "at", "id", "phone", "typed phone"])
def test_search_by_username_id_and_phone(world: World, desk: Desk, model: str, by: str):
    terms = {
        "username": "maya", "at": "@Maya", "id": world.maya_id, "phone": world.maya.phone,
        "typed phone": f"(212) {world.maya.phone[5:8]}-{world.maya.phone[8:]}",
    }  # fmt: skip
    answer = desk.post(f"/admin/console/{model}/", q=terms[by])
    assert answer.status_code == 302
    assert world.maya.phone[-7:] not in answer["Location"]
    page = desk.client.get(answer["Location"]).content.decode()
    assert "@maya" in page
    assert desk.post(f"/admin/console/{model}/", q="@nobody").status_code == 302
    nobody = desk.client.get(desk.post(f"/admin/console/{model}/", q="usr_nobody")["Location"]).content.decode()
    assert "Nothing fits" in nobody


def test_a_phone_in_an_address_is_thrown_away(world: World, desk: Desk):
    answer = desk.get("/admin/console/person/", q=world.maya.phone)
    assert answer["Location"] == "/admin/console/person/"


@pytest.mark.parametrize("model", ["person", "wallet", "transfer", "payment", "banktransfer", "outboxrow"])
def test_a_list_narrowed_by_a_control_character_is_none(desk: Desk, model: str):
    for name in ("q", "of", "account", "person", "status__exact", "a\x00b"):
        assert desk.get(f"/admin/console/{model}/", **{name: "a\x00b"}).status_code == 404, name


@pytest.mark.parametrize("asked", ["created_at__year=99999", "id__regex=(((", "username__iregex=[", "created_at__week_day=x"])
def test_the_database_is_asked_nothing_odd(desk: Desk, asked: str):
    name, _, value = asked.partition("=")
    assert desk.get("/admin/console/person/", **{name: value}).status_code == 400


def test_whoever_is_shown_a_list_of_people_is_written_down(world: World, desk: Desk, staff_site: Database):
    """Whose list it was, and never what was searched for, which may be a name."""

    def looked() -> list[tuple[str, str]]:
        return staff_site.as_superuser("select kind, subject from console_personview order by id")  # type: ignore[no-any-return]

    for model in ("person", "wallet", "payment", "transfer", "banktransfer", "hit", "freeze", "closing", "case", "ticket"):
        before = len(looked())
        desk.get(f"/admin/console/{model}/", q="maya")
        desk.get(f"/admin/console/{model}/", of=world.maya_id)
        assert looked()[before:] == [(f"{model}_list", "everybody"), (f"{model}_list", world.maya_id)], model
    before = len(looked())
    desk.get(f"/admin/console/transfer/{world.transfer}/change/")
    assert looked()[before:] == [("transfer", world.transfer)]
    for model in ("limitshown", "scoring", "flagrule", "reconciliation"):
        desk.get(f"/admin/console/{model}/")
    assert len(looked()) == before + 1


def test_find_goes_straight_to_the_thing(world: World, desk: Desk):
    expected = {
        "@maya": f"person/{world.maya_id}", world.maya.phone: f"person/{world.maya_id}", world.maya_id: f"person/{world.maya_id}",
        world.wallet: f"wallet/{world.wallet}", world.public: f"payment/{world.public}", world.load: f"banktransfer/{world.load}",
        world.transfer: f"transfer/{world.transfer}",
    }  # fmt: skip
    for term, where in expected.items():
        assert desk.post("/admin/find/", q=term)["Location"] == f"/admin/console/{where}/change/", term
    # The last four digits of a bank account may be several people's.
    assert desk.post("/admin/find/", q=" 4772 ")["Location"] == "/admin/console/person/?q=4772"
    for nothing in ("", "9999", "pay_nothing", "+12125559999", str(uuid4()), "\x00", "a" * 300):
        assert desk.post("/admin/find/", q=nothing)["Location"] == "/admin/", nothing


def test_each_entry_of_the_menu_says_what_it_is_and_leads_where_one_may(desk: Desk, staff_site: Database, account: int):
    def menu() -> dict[str, list[str]]:
        html = desk.get("/admin/").content.decode()
        entries = re.findall(r'<a href="([^"]+)"[^>]*>\s*(?:<span[^>]*>[^<]*</span>\s*)?(?:<span[^>]*>)?\s*([^<>]+?)\s*<', html)
        found: dict[str, list[str]] = {}
        for href, words in entries:
            found.setdefault(words, []).append(href)
        return found

    shown = menu()
    assert {"Appeals against decisions", "Appeals about rewards", "Rules of flags", "Rules of rewards"} <= shown.keys()
    assert not {"Appeals", "Rules"} & shown.keys()
    assert all(len(set(links)) == 1 for links in shown.values()), shown  # nothing is called as something else is
    assert shown["Who looked at what"] == ["/admin/console/personview/"]
    staff_site.as_superuser("delete from console_staffrole where user_id = %s and role <> 'support'", [account])
    shown = menu()
    assert not {"Report", "Trail", "Views of personal data"} & shown.keys()
    assert shown["Who looked at what"] == ["/admin/console/stafflook/"]
    for links in shown.values():
        for link in set(links):
            assert desk.get(link).status_code == 200, link


def test_the_page_of_an_action_is_ready_to_write_on_and_a_row_has_no_second_close(world: World, desk: Desk):
    url = f"/admin/console/person/{world.maya_id}/do/freeze/"
    assert re.search(r'<select name="level"[^>]* autofocus', desk.get(url).content.decode())
    wrong = desk.post(url, level="1", told="", reason="because of case 4711").content.decode()
    assert re.search(r'<textarea name="told"[^>]* autofocus', wrong) and wrong.count(" autofocus") == 1
    told = "We are looking into payments that came to you."
    shown = desk.post(url, level="1", told=told, reason="because of case 4711").content.decode()
    assert re.search(r'class="console-will"[^>]* autofocus', shown)  # what it will do is read first
    note = desk.get(f"/admin/console/person/{world.maya_id}/do/note/").content.decode()
    assert re.search(r'<textarea name="reason"[^>]* autofocus', note) and note.count(" autofocus") == 1
    row = desk.get(f"/admin/console/payment/{world.public}/change/").content.decode()
    assert "Back to the list" in row and not re.search(r">\s*Close\s*<", row)


def test_each_thing_links_to_the_next(world: World, desk: Desk):
    """From a person all the way round: every link of every page along the way opens."""
    seen: set[str] = set()
    todo = [f"/admin/console/person/{world.maya_id}/change/", "/admin/"]
    kinds: set[str] = set()
    while todo and len(seen) < 120:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = desk.client.get(path)
        assert answer.status_code == 200, path
        page = answer.content.decode()
        todo += re.findall(r'href="(/admin/console/\w+/[^/"]+/change/)', page)
        for link in re.findall(r'class="console-link" href="([^"]+)"', page):
            assert link.startswith(("/", "?")), link
            todo.append(link.replace("&amp;", "&") if link.startswith("/") else path.split("?")[0] + link)
        kinds |= set(re.findall(r"/admin/console/(\w+)/[^/]+/change/", path))
    assert {"person", "wallet", "payment", "banktransfer", "transfer"} <= kinds


def test_lists_of_one_person_and_one_account(world: World, desk: Desk):
    journal = desk.get("/admin/console/transfer/", of=world.maya_id).content.decode()
    assert "reserve:dwolla" in journal
    capital = desk.get("/admin/console/transfer/", account="capital").content.decode()
    assert "Nothing fits what you asked for." in capital
    assert desk.get("/admin/console/transfer/", account="reserve:dwolla").content.decode().count("@maya") >= 1
    assert desk.get("/admin/console/transfer/", of="usr_nobody").status_code == 200


# ---------------------------------------------------------------------------------------------- private payments
def test_a_private_payment_shows_who_and_when_and_no_more(world: World, desk: Desk, staff_site: Database):
    pages = [
        "/admin/console/payment/", f"/admin/console/payment/{world.private}/change/", "/admin/console/transfer/",
        f"/admin/console/transfer/{world.private_transfer}/change/", f"/admin/console/transfer/?of={world.maya_id}",
    ]  # fmt: skip
    for path in pages:
        page = desk.client.get(path).content.decode()
        assert ">private<" in page, path
        assert "$7.77" not in page, path
        assert "a secret gift" not in page, path
    assert staff_site.as_superuser("select count(*) from payments_staffview") == [(0,)]


def test_a_look_at_it_needs_a_reason_and_is_recorded(world: World, desk: Desk, staff_site: Database, account: int):
    path = f"/admin/console/payment/{world.private}/look/"
    for reason in ("", "   ", "short", "x" * 501):
        page = desk.post(path, reason=reason).content.decode()
        assert "Please say why" in page
        assert "a secret gift" not in page
    assert desk.get(path).status_code == 403
    assert staff_site.as_superuser("select count(*) from payments_staffview") == [(0,)]

    page = desk.post(path, reason="Support case 4711").content.decode()
    assert "$7.77" in page
    assert "a secret gift" in page
    rows = staff_site.as_superuser("select staff_id, payment, reason from payments_staffview")
    assert rows == [(account, world.private, "Support case 4711")]
    looks = desk.get("/admin/console/stafflook/").content.decode()
    assert EMAIL in looks
    assert "Support case 4711" in looks
    again = desk.get(f"/admin/console/payment/{world.private}/change/").content.decode()
    assert "a secret gift" not in again
    assert desk.post("/admin/console/payment/pay_nothing/look/", reason="Support case 4711").status_code == 404


def test_the_role_cannot_read_past_the_view(world: World, account: int, staff_site: Database):
    for table in ("payments_payment", "ledger_transfer", "ledger_entry"):
        with pytest.raises(DatabaseError, match="permission denied"), actor(account), connection.cursor() as cursor:
            cursor.execute(f"select * from {table}")
    with pytest.raises(DatabaseError, match="permission denied"), actor(account), connection.cursor() as cursor:
        cursor.execute("select password from users_user")
    with pytest.raises(DatabaseError, match="only staff may look"), actor(world.maya.id), connection.cursor() as cursor:
        cursor.execute("select * from payments_view_as_staff(%s, %s, 'because')", [world.maya.id, world.private])


def test_pages_come_with_a_policy_and_are_not_kept(desk: Desk):
    answer = desk.get("/admin/")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Frame-Options"] == "DENY"
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.content.decode())
