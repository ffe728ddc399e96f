"""What staff see of reconciliation and do about it."""

import re
from typing import Any

import pytest

from banking.reconciliation import services, store
from tests.conftest import Database
from tests.console.conftest import EMAIL, Desk, account, desk, outside, quick_hashes, staff_site  # noqa: F401
from tests.reconciliation.conftest import Books, books  # noqa: F401
from tests.reconciliation.test_booking import of

REASON = "Support case 4711"


@pytest.fixture
def compared(books: Books) -> Books:  # noqa: F811
    """A custodian's day with breaks, something in transit, and a statement."""
    books.honest(amount=1200_00)
    books.honest("pending", load=False, amount=30_00)
    missing = books.transfer()
    books.say(of("fee", -25), of("credit", 77_00, text="WIRE FROM JANE DOE ACCT 123456789"), of("debit", -5_00))
    assert missing
    with books.database.role("worker"):
        services.reconcile(custodian="dwolla")
    return books


def shown(answer: Any) -> str:
    found = re.search(r'name="shown" value="(\w+)"', answer.content.decode())
    assert found, answer.content.decode()
    return found[1]


def do(desk: Desk, path: str, **form: str) -> Any:  # noqa: F811
    answer = desk.post(path, **form, reason=REASON)
    assert answer.status_code == 200, answer.content.decode()
    return desk.post(path, **form, reason=REASON, shown=shown(answer))


def break_of(database: Database, kind: str) -> str:
    return str(database.as_superuser("select public_id from banking_break where kind = %s", [kind])[0][0])


def state(database: Database, public_id: str) -> tuple[Any, ...]:
    sql = "select state, (select email from users_user u where u.id = assignee_id) from banking_break where public_id = %s"
    return database.as_superuser(sql, [public_id])[0]


def test_every_page_opens_and_says_what_each_side_says(compared: Books, desk: Desk, staff_site: Database):  # noqa: F811
    start = desk.get("/admin/").content.decode()
    assert "3 breaks" in start
    sql = staff_site.as_superuser
    for model, keys in {
        "reconciliation": "select id from banking_reconciliation", "break": "select public_id from banking_break",
        "statement": "select id from banking_statement", "statementline": "select id from banking_statementline",
    }.items():  # fmt: skip
        assert desk.get(f"/admin/console/{model}/").status_code == 200, model
        for (key,) in sql(keys):
            page = desk.get(f"/admin/console/{model}/{key}/change/")
            assert page.status_code == 200, model
            for link in re.findall(r'class="console-link" href="([^"]+)"', page.content.decode()):
                assert desk.client.get(link.replace("&amp;", "&")).status_code == 200, link
    lines = desk.get("/admin/console/statementline/").content.decode()
    assert "JANE DOE" in lines
    assert "123456789" not in lines  # an account's number is kept nowhere


@pytest.mark.parametrize(
    ("narrowed", "there"),
    [
        ("state__exact=open", 3), ("kind__exact=unknown_debit", 1), ("custodian__exact=stripe", 0), ("age=today", 3),
        ("age=older", 0), ("whose=nobody", 3), ("whose=me", 0), ("q=credit-1", 1),
    ],
)  # fmt: skip
def test_breaks_are_narrowed(compared: Books, desk: Desk, narrowed: str, there: int):  # noqa: F811
    page = desk.client.get(f"/admin/console/break/?{narrowed}").content.decode()
    assert len(set(re.findall(r"/admin/console/break/(brk_\w+)/change/", page))) == there


def test_assign_and_resolve_with_a_reason(compared: Books, desk: Desk, staff_site: Database):  # noqa: F811
    public_id = break_of(staff_site, "unknown_debit")
    path = f"/admin/console/break/{public_id}"
    assert do(desk, f"{path}/do/assign/", staff="nobody@staff.example").status_code == 400
    assert do(desk, f"{path}/do/assign/", staff=EMAIL).status_code == 302
    assert state(staff_site, public_id) == ("open", EMAIL)
    assert public_id[4:] in desk.client.get("/admin/console/break/?whose=me").content.decode()
    page = desk.get(f"{path}/do/resolve/")
    assert desk.post(f"{path}/do/resolve/", reason=REASON, shown=shown(page)).status_code == 302
    assert state(staff_site, public_id)[0] == "resolved"
    assert "do/resolve/" not in desk.get(f"{path}/change/").content.decode()
    records = staff_site.as_superuser("select action, subject, reason from console_actionrecord order by id")
    assert records == [("break.assign", public_id, REASON), ("break.resolve", public_id, REASON)]


def test_money_in_suspense_is_given_and_not_resolved_away(compared: Books, desk: Desk, staff_site: Database):  # noqa: F811
    public_id = break_of(staff_site, "unknown_credit")
    path = f"/admin/console/break/{public_id}"
    page = desk.get(f"{path}/change/").content.decode()
    assert "do/give/" in page
    assert "do/resolve/" not in page
    preview = desk.post(f"{path}/do/give/", username="@Maya", reason=REASON).content.decode()
    assert "$77.00 go from suspense to the wallet of @maya" in preview
    assert desk.post(f"{path}/do/give/", username="@nobody", reason=REASON).status_code == 400
    assert do(desk, f"{path}/do/give/", username="@Maya").status_code == 302
    assert state(staff_site, public_id)[0] == "open"  # until somebody else has approved it
    ((number, *asked),) = staff_site.as_superuser("select id, kind, amount, of_break from banking_correction")
    assert asked == ["suspense_found", 77_00, public_id]
    assert public_id in desk.get(f"/admin/console/correction/{number}/change/").content.decode()
    shown = desk.get(f"/admin/console/correction/{number}/change/").content.decode()
    assert "@maya" in shown and "do/approve/" not in shown  # whoever asked does not approve


def test_what_the_custodian_took_may_be_booked_as_a_cost(compared: Books, desk: Desk, staff_site: Database):  # noqa: F811
    public_id = break_of(staff_site, "unknown_debit")
    path = f"/admin/console/break/{public_id}"
    do(desk, f"{path}/do/resolve/")
    preview = desk.post(f"{path}/do/book/", reason=REASON).content.decode()
    assert "$5.00 go from the reserve of dwolla to rail costs" in preview
    assert do(desk, f"{path}/do/book/").status_code == 302
    assert staff_site.as_superuser("select kind, amount, of_break from banking_correction") == [("rail_cost", 5_00, public_id)]
    with staff_site.role("worker"):
        services.reconcile(custodian="dwolla")
    assert "Accepted, not booked" in desk.get("/admin/console/reconciliation/").content.decode()


def test_on_demand_the_worker_compares(compared: Books, desk: Desk, staff_site: Database, monkeypatch: pytest.MonkeyPatch):  # noqa: F811
    assert do(desk, "/admin/console/reconciliation/do/reconcile/", custodian="dwolla").status_code == 302
    assert staff_site.as_superuser("select count(*) from banking_reconciliationwish where done_at is null") == [(1,)]
    with staff_site.role("worker"):
        assert services.wished() == 1
        assert services.wished() == 0
    assert staff_site.as_superuser("select count(*) from banking_reconciliation") == [(2,)]
    assert store is not None
