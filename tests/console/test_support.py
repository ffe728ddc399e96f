"""Tickets, appeals, disputes, the overview of all queues and the report, through real requests of staff."""

import csv
import io
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pypdf import PdfReader

from compliance.services import support
from console import report
from core.errors import ValidationError
from tests.conftest import Database
from tests.console.conftest import EMAIL, Desk, World
from tests.console.test_cases import listed, page
from tests.console.test_returns import REASON, act


@pytest.fixture
def asked(world: World, database: Database) -> dict[str, str]:
    """What Maya asked for: a ticket, an appeal against a freeze, and a report of a payment."""
    with database.role("web"):
        ticket = support.write_ticket(
            user_id=world.maya.id, subject="<b>Where</b> is it", message="Hello\n<script>x</script>"
        ).public_id
        dispute = support.report(user_id=world.maya.id, about=world.public, kind="unauthorized", message="Not me").public_id
        database.as_superuser("update wallets_wallet set frozen = 1, frozen_reason = 'x' where user_id = %s", [world.maya.id])
        appeal = support.appeal(user_id=world.maya.id, about="", message="Please look").public_id
    return {"ticket": ticket, "dispute": dispute, "personappeal": appeal}


def test_the_queues_and_what_is_done_there(
    world: World, asked: dict[str, str], desk: Desk, staff_site: Database, account: int
) -> None:
    overview = page(desk, "/admin/queues/")
    for said in ("Disputes", "Appeals against decisions", "Tickets", "Held payments", "Appeals about weekly rewards", "queue.js"):
        assert said in overview, said
    assert "late" in overview and "console-alarm" not in overview
    first = page(desk, "/admin/")
    assert "/admin/queues/" in first and "queue.js" in first  # where `q` leads there
    waiting = re.findall(r'<li><a class="console-link" href="[^"]*">([^<]*)</a> <b class="[^"]*">(\d+)</b>', first)
    for said in ("Disputes", "Appeals against decisions", "Tickets"):
        assert (said, "1") in waiting, said
    for said in ("Held payments", "Held loads and redemptions", "Documents", "Appeals about weekly rewards"):
        assert (said, "0") in waiting, said
    for model, key in asked.items():
        assert listed(desk, f"/admin/console/{model}/", key) and not listed(desk, f"/admin/console/{model}/", key, state="ended")
        url = f"/admin/console/{model}/{key}/"
        assert act(desk, url + "do/take/").status_code == 302
        assert listed(desk, f"/admin/console/{model}/", key, whose="mine")
        assert desk.post("/admin/find/", q=key).url.endswith(f"/{model}/{key}/change/")
    url = f"/admin/console/ticket/{asked['ticket']}/"
    shown = page(desk, url + "change/")
    assert "&lt;script&gt;x" in shown and "<script>x" not in shown
    assert act(desk, url + "do/answer/", message="Tomorrow.", solved="on").status_code == 302
    assert "Tomorrow." in page(desk, url + "change/")
    url = f"/admin/console/personappeal/{asked['personappeal']}/"
    assert "Not yours" in page(desk, url + "change/")
    assert act(desk, url + "do/answer/", outcome="changed", answer="You were right, it is lifted.").status_code == 302
    assert staff_site.as_superuser("select count(*) from compliance_letter where user_id = %s", [world.maya.id]) == [(2,)]


def test_a_dispute_with_its_clocks_and_a_second_of_us(
    world: World, asked: dict[str, str], desk: Desk, staff_site: Database
) -> None:
    url = f"/admin/console/dispute/{asked['dispute']}/"
    shown = page(desk, url + "change/")
    assert "20 business days: the account was new" in shown and "No identity was checked" in shown
    assert desk.post(url + "do/credit/", amount="99999", reason=REASON).status_code == 400
    assert act(desk, url + "do/credit/", amount="10").status_code == 302
    assert f"asked for by {EMAIL}" in page(desk, url + "change/")
    assert desk.get(url + "do/decide/").status_code == 302  # while it waits, nothing else
    assert "do/approve/" not in page(desk, url + "change/")  # whoever asked does not approve
    assert desk.get(url + "do/approve/").status_code == 302
    staff_site.as_superuser("update compliance_dispute set due_at = now() - interval '1 hour'")
    assert "console-alarm" in page(desk, "/admin/queues/")
    assert listed(desk, "/admin/console/dispute/", asked["dispute"], state="late")


def test_whoever_decided_is_not_offered_to_answer(
    world: World, asked: dict[str, str], desk: Desk, staff_site: Database, account: int
) -> None:
    sql = "insert into console_actionrecord (staff_id, action, subject, what, reason) values (%s, 'freeze.set', %s, 'x', 'x')"
    staff_site.as_superuser(sql, [account, world.maya_id])
    url = f"/admin/console/personappeal/{asked['personappeal']}/"
    assert "somebody else has to answer" in page(desk, url + "change/")
    assert desk.get(url + "do/answer/").status_code == 302


# ------------------------------------------------------------------------------------------------ the report
def today(database: Database) -> str:
    return str(database.as_superuser("select (now() at time zone 'UTC')::date")[0][0])


def test_the_figures_are_the_journals(world: World, asked: dict[str, str], desk: Desk, staff_site: Database) -> None:
    day = today(staff_site)
    answer = desk.get("/admin/report/", **{"from": day, "to": day, "format": "csv"})
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    found = {(row["section"], row["name"]): row["value"] for row in rows}
    # In an order that a reader knows: as the report on the page, a count before its sum, and no median of nothing.
    order = list(dict.fromkeys(row["section"] for row in rows))
    assert order[:6] == ["from", "to", "at_start", "at_end", "movements", "people"] and order[-1] == "heads"
    moved = [row["name"] for row in rows if row["section"] == "movements"]
    assert moved[:2] == [f"{moved[0].split()[0]} count", f"{moved[0].split()[0]} cents"]
    assert "" not in {row["value"] for row in rows if row["section"] == "cases"}
    journal = staff_site.as_superuser(
        "select k.name, count(*), sum(amount) from ledger_transfer t join ledger_transferkind k using (kind) group by 1"
    )
    assert {(kind, str(n), str(cents)) for kind, n, cents in journal} == {
        (name.split()[0], value, found["movements", name.replace("count", "cents")])
        for (section, name), value in found.items() if section == "movements" and name.endswith("count")
    }  # fmt: skip
    [(reserve, _, required, _)] = staff_site.as_superuser("select * from ledger_figures()")
    assert (found["at_end", "reserve"], found["at_end", "required"]) == (str(reserve), str(required))
    assert (found["at_start", "reserve"], found["at_end", "sum_of_all"]) == ("0", "0")
    assert (found["people", "new"], found["disputes", "reported"], found["disputes", "open_at_end"]) == ("2", "1", "1")
    assert found["heads", "trail_entry"] is not None and found["tickets", "written"] == "1"
    earlier = str(date.fromisoformat(day) - timedelta(days=1))
    before = report_of(staff_site, earlier, earlier)
    assert before["movements"] == [] and before["at_end"]["reserve"] == 0
    looked = staff_site.as_superuser("select kind, subject from console_personview where kind = 'report'")
    assert looked == [("report", f"{day}..{day} csv")]


def report_of(database: Database, since: str, until: str) -> dict[str, Any]:
    with database.role("auditor"):
        return report.figures(*report.days_of(since, until))


def test_as_a_page_and_as_a_pdf_that_names_nobody(world: World, asked: dict[str, str], desk: Desk, staff_site: Database) -> None:
    day = today(staff_site)
    shown = page(desk, "/admin/report/", **{"from": day, "to": day})
    for said in ("Movements", "Reg E", "Heads of the chains", "The books"):
        assert said in shown, said
    answer = desk.get("/admin/report/", **{"from": day, "to": day, "format": "pdf"})
    assert answer["Content-Type"] == "application/pdf" and f"{day}.pdf" in answer["Content-Disposition"]
    text = "\n".join(one.extract_text() for one in PdfReader(io.BytesIO(answer.content)).pages)
    assert "Compliance report" in text and "payment" in text and "page 1 of" in text
    for name in ("maya", "theo", "Maya", "pizza"):
        assert name not in text + answer.content.decode("latin-1")


def test_the_command_writes_the_same(world: World, database: Database, tmp_path: Any, capsys: Any) -> None:
    day = today(database)
    with database.role("auditor"):
        call_command("compliance_report", since=day, until=day, form="pdf", out=str(tmp_path / "r.pdf"))
        call_command("compliance_report", since=day, until=day)
        with pytest.raises(CommandError, match="--to: The last day is before"):
            call_command("compliance_report", since=day, until="2020-01-01")
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")
    assert "movements,payment count,2" in capsys.readouterr().out


def test_freezes_of_the_range_with_reason_state_and_how_long(
    world: World, desk: Desk, staff_site: Database, account: int
) -> None:
    rows = [
        ("staff", 1, "2026-02-20 00:00Z", "2026-03-02 00:00Z"), ("staff", 1, "2026-03-10 00:00Z", "2026-03-10 10:00Z"),
        ("command", 2, "2026-03-31 12:00Z", "2026-04-05 00:00Z"),
        ("staff", 1, "2026-01-01 00:00Z", "2026-02-01 00:00Z"), ("staff", 2, "2026-04-02 00:00Z", None),  # not of March
    ]  # fmt: skip
    for number, row in enumerate(rows):
        staff_site.as_superuser(
            "insert into compliance_freeze (public_id, user_id, kind, level, reason, at, ended_at, staff_id)"
            " values (%s, %s, %s, %s, 'x', %s, %s, %s)",
            [f"frz_{number}", world.maya.id, *row, account if row[0] == "staff" else None],
        )
    march = {"from": "2026-03-01", "to": "2026-03-31"}
    found = report_of(staff_site, *march.values())["freezes"]
    names = ("kind", "stopped", "set", "ended", "in_force_at_end", "hours_of_ended_median", "hours_longest")
    assert [tuple(row[name] for name in names) for row in found["by_kind"]] == [
        ("command", "no_sending_or_receiving", 1, 0, 1, None, 12.0), ("staff", "no_sending", 1, 2, 0, 125.0, 240.0),
    ]  # fmt: skip
    assert [(row["since"], row["state"], row["hours"]) for row in found["newest"]] == [
        ("2026-03-31 12:00", "in_force", 12.0), ("2026-03-10 00:00", "ended", 10.0), ("2026-02-20 00:00", "ended", 240.0),
    ]  # fmt: skip
    shown = page(desk, "/admin/report/", **march)
    assert "set by command" in shown and "no sending or receiving" in shown
    answer = desk.get("/admin/report/", **march, format="csv").content.decode()
    assert "freezes,by_kind staff no_sending ended,2" in answer
    pdf = desk.get("/admin/report/", **march, format="pdf")
    text = "\n".join(one.extract_text() for one in PdfReader(io.BytesIO(pdf.content)).pages)
    assert "set by staff" in text and "in force" in text and "maya" not in text


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [("2026-1-1", "2026-01-02", "from"), ("2026-01-02", "2026-01-01", "to"), ("2000-01-01", "2026-01-01", "from"),
     ("2026-01-01", "2999-01-01", "to"), ("", "x", "from"), ("2026-02-30", "2026-03-01", "from")],
)  # fmt: skip
def test_a_range_that_is_none(since: str, until: str, field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        report.days_of(since, until)
    assert field in refused.value.fields


def test_a_bad_range_and_a_role_that_may_not(world: World, desk: Desk, staff_site: Database, account: int) -> None:
    assert desk.get("/admin/report/", **{"from": "2026-13-01", "to": "2026-01-01"}).status_code == 400
    assert desk.get("/admin/report/", **{"from": "2026-01-01", "to": "2026-01-02", "format": "exe"}).status_code == 400
    staff_site.as_superuser("delete from console_staffrole where user_id = %s and role <> 'support'", [account])
    refused = desk.get("/admin/report/", **{"from": "2026-01-01", "to": "2026-01-02"})
    assert refused.status_code == 403 and "Movements" not in refused.content.decode()
    assert desk.get("/admin/report/").status_code == 403
    assert '"/admin/report/"' not in page(desk, "/admin/")  # nobody is led there
