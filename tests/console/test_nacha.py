"""Direct NACHA files in front of staff: seen without account numbers, opened with a reason, resolved with one."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from banking import rails
from banking.nacha.model import Direction
from banking.services.nacha import entries, files, incoming, sending
from tests.conftest import Database
from tests.console.conftest import EMAIL, Desk, World

NUMBER = "6655443322"
REASON = "Support case 4711"


@dataclass
class Files:
    file: str
    name: str
    entry: str
    incoming: str
    line: str
    text: bytes


@pytest.fixture
def filed(world: World, database: Database, settings: Any, tmp_path: Path) -> Files:
    """A load of Maya's in a file that was sent, and a line of the bank's that nobody understood."""
    settings.ODFI_DROP = str(tmp_path / "odfi")
    with database.role("worker"):
        bank = rails.rail("odfi").add_bank(customer=world.maya_id, credential=f"222222226:{NUMBER}", kind="checking", name="")
        entry = entries.hand_over(key=uuid4(), bank=bank, amount=12_34, direction=Direction.DEBIT)
        (file,) = files.write_due()
        sending.send_written()
        incoming.keep("odd\r\n.txt", f"account {NUMBER} is odd\n".encode())
        incoming.process_kept()
    ((came, line),) = database.as_superuser(
        "select i.public_id, q.id::text from banking_nachaincoming i join banking_nachaquarantine q on q.incoming_id = i.id"
    )
    text = (tmp_path / "odfi" / "outgoing" / file.name).read_bytes()
    return Files(file.public_id, file.name, entry.public_id, came, line, text)


def done(database: Database) -> list[Any]:
    return database.as_superuser(
        "select r.action, r.subject, r.reason, u.email from console_actionrecord r join users_user u on u.id = r.staff_id"
        " order by r.id"
    )


def test_lists_and_pages_show_no_account_number(filed: Files, desk: Desk) -> None:
    batch = re.search(r"/nachabatch/(\d+)/change/", desk.get(f"/admin/console/nachafile/{filed.file}/change/").content.decode())
    assert batch
    keys = {
        "nachafile": filed.file, "nachaentry": filed.entry, "nachaincoming": filed.incoming, "nachaline": filed.line,
        "nachabatch": batch[1],
    }  # fmt: skip
    for model, key in keys.items():
        for path in (f"/admin/console/{model}/", f"/admin/console/{model}/?q={key}", f"/admin/console/{model}/{key}/change/"):
            answer = desk.get(path)
            assert answer.status_code == 200, path
            assert NUMBER not in answer.content.decode()
    assert "$12.34" in desk.get(f"/admin/console/nachaentry/{filed.entry}/change/").content.decode()
    assert desk.get("/admin/console/nachachange/").status_code == 200


def test_what_a_transfer_costs_stands_above_the_files(filed: Files, desk: Desk) -> None:
    page = desk.get("/admin/console/nachafile/").content.decode()
    # A file, a batch and an entry, and on some days of the week what the same day costs on top.
    assert re.search(r"1 transfers left in 1 file, for <strong>8(12|72)\.0 cents each", page)
    assert re.search(r"would have cost 8(12|72)\.0 cents", page)


@pytest.mark.parametrize("which", ["file", "incoming"])
def test_a_file_is_opened_with_a_reason_and_that_is_kept(filed: Files, desk: Desk, database: Database, which: str) -> None:
    model, key = f"nacha{which}", getattr(filed, which)
    url = f"/admin/console/{model}/{key}/open/"
    assert desk.get(url).status_code == 403
    refused = desk.post(url, reason="no")
    assert "Please say why" in refused.content.decode()
    assert done(database) == []
    answer = desk.post(url, reason=REASON)
    assert answer.content == (filed.text if which == "file" else f"account {NUMBER} is odd\n".encode())
    assert answer["Content-Disposition"].startswith("attachment")
    assert "\n" not in answer["Content-Disposition"]
    assert done(database) == [("nacha.open", key, REASON, EMAIL)]


def test_what_is_not_there_is_not_opened(filed: Files, desk: Desk, database: Database) -> None:
    assert desk.post("/admin/console/nachafile/nf_none/open/", reason=REASON).status_code == 404
    assert done(database) == []


def test_nobody_outside_opens_a_file(filed: Files, outside: Desk, database: Database) -> None:
    assert outside.post(f"/admin/console/nachafile/{filed.file}/open/", reason=REASON).status_code == 302
    assert done(database) == []


def act(desk: Desk, path: str) -> Any:
    """Ask, and do what was shown."""
    page = desk.get(path).content.decode()
    digest = re.search(r'name="shown" value="([0-9a-f]+)"', page)
    return desk.post(path, reason=REASON, shown=digest[1] if digest else "")


def test_a_line_is_resolved_once_and_with_a_reason(filed: Files, desk: Desk, database: Database) -> None:
    assert "nachaline/?resolved_at__isempty=1" in desk.get("/admin/").content.decode()
    answer = act(desk, f"/admin/console/nachaline/{filed.line}/do/resolve/")
    assert answer.status_code == 302
    assert done(database) == [("nacha.resolve", filed.line, REASON, EMAIL)]
    assert database.as_superuser("select count(*) from banking_nachaquarantine where resolved_at is null") == [(0,)]
    act(desk, f"/admin/console/nachaline/{filed.line}/do/resolve/")
    assert len(done(database)) == 1


@pytest.mark.parametrize(
    ("action", "status", "moved"), [("again", "queued", "wait for the next file"), ("give-up", "refused", "failed")]
)
def test_after_a_rejection(filed: Files, desk: Desk, database: Database, action: str, status: str, moved: str) -> None:
    url = f"/admin/console/nachafile/{filed.file}/do/{action}/"
    assert desk.get(url).status_code == 302  # the bank has not rejected it
    database.as_superuser("update banking_nachafile set status = 'rejected', answered_at = now(), reason = 'company unknown'")
    assert act(desk, url).status_code == 302
    page = desk.get(f"/admin/console/nachafile/{filed.file}/change/").content.decode()
    assert "company unknown" in page
    assert f"1 transfers {moved}" in page or f"1 transfers have {moved}" in page
    assert database.as_superuser("select status from banking_nachaentry") == [(status,)]
    assert desk.get(url).status_code == 302  # nothing is left to do


def test_a_file_that_was_sent_cannot_be_sent_again_or_changed_by_anybody(filed: Files, database: Database) -> None:
    for change in ("status = 'written', sent_at = null", "sent_at = now()", "sha256 = 'x'", "name = 'x'", "status = 'written'"):
        with pytest.raises(Exception, match="stays as it was written|cannot follow"):
            database.as_superuser(f"update banking_nachafile set {change}")
    again = "batch_id = null, trace = null, status = 'queued'"
    for change in (again, "trace = '1'", "amount = 1", "status = 'cancelled'", "key = gen_random_uuid()"):
        with pytest.raises(Exception, match="was not rejected|keeps its file|does not change|cannot follow"):
            database.as_superuser(f"update banking_nachaentry set {change}")
    with pytest.raises(Exception, match="handed out once"):
        database.as_superuser("update banking_nachacounter set trace = 0")
    for table in ("entry", "file", "batch", "counter", "incoming", "quarantine", "receiver"):
        with pytest.raises(Exception, match="history"):
            database.as_superuser(f"delete from banking_nacha{table}")


def orders(database: Database) -> list[Any]:
    return database.as_superuser("select kind, direction, due_at is not null, refused from banking_nachaorder order by id")


def test_an_entry_that_was_a_mistake_is_reversed_once_and_with_a_reason(filed: Files, desk: Desk, database: Database) -> None:
    page = f"/admin/console/nachaentry/{filed.entry}/"
    assert desk.get(f"{page}do/reverse/").status_code == 302  # the bank has not taken it yet
    database.as_superuser("update banking_nachaentry set status = 'acknowledged'")
    shown = desk.get(f"{page}do/reverse/").content.decode()
    assert "$12.34 go back to the bank account" in shown
    assert "out of the wallet as far as it reaches" in shown
    assert orders(database) == []
    assert act(desk, f"{page}do/reverse/").status_code == 302
    assert orders(database) == [("reversal", "credit", True, "")]
    assert done(database) == [("nacha.reverse", filed.entry, REASON, EMAIL)]
    assert "asked for" in desk.get(f"{page}change/").content.decode()
    act(desk, f"{page}do/reverse/")
    assert desk.get(f"{page}do/reverse/").status_code == 302  # not offered while it is asked for
    assert len(orders(database)) == 1
    database.as_superuser("update banking_nachaorder set due_at = null, refused = 'Too late.'")
    act(desk, f"{page}do/reverse/")
    assert [refused for *_, refused in orders(database)] == ["Too late.", ""]


def test_a_reversal_is_not_offered_after_five_banking_days(
    filed: Files, desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.as_superuser("update banking_nachaentry set status = 'acknowledged'")
    url = f"/admin/console/nachaentry/{filed.entry}/do/reverse/"
    assert desk.get(url).status_code == 200
    monkeypatch.setattr("banking.services.nacha.orders.now", lambda: datetime.now(UTC) + timedelta(days=20))
    assert desk.get(url).status_code == 302


def test_an_account_is_asked_about_with_a_prenote(filed: Files, desk: Desk, database: Database) -> None:
    ((account,),) = database.as_superuser("select public_id from banking_nachareceiver")
    assert account in desk.get(f"/admin/console/nachaentry/{filed.entry}/change/").content.decode()
    page = f"/admin/console/nachareceiver/{account}/"
    assert NUMBER not in desk.get(f"{page}change/").content.decode()
    asked = desk.post(f"{page}do/prenote/", reason=REASON, direction="credit").content.decode()
    assert "A credit of $0.00" in asked
    digest = re.search(r'name="shown" value="([0-9a-f]+)"', asked)
    assert digest
    assert desk.post(f"{page}do/prenote/", reason=REASON, direction="credit", shown=digest[1]).status_code == 302
    assert orders(database) == [("prenote", "credit", True, "")]
    assert done(database) == [("nacha.prenote", account, REASON, EMAIL)]
    assert desk.get(f"{page}do/prenote/").status_code == 302  # one is on its way
    assert filed.entry in desk.get(f"/admin/console/nachaentry/?q={account}").content.decode()


def test_what_staff_asked_for_stays(filed: Files, desk: Desk, database: Database) -> None:
    database.as_superuser("update banking_nachaentry set status = 'acknowledged'")
    act(desk, f"/admin/console/nachaentry/{filed.entry}/do/reverse/")
    with pytest.raises(Exception, match="stays as it was asked for"):
        database.as_superuser("update banking_nachaorder set direction = 'debit'")
    database.as_superuser("update banking_nachaorder set due_at = null, refused = 'no'")
    with pytest.raises(Exception, match="stays as it was asked for"):
        database.as_superuser("update banking_nachaorder set due_at = now()")
    with pytest.raises(Exception, match="history"):
        database.as_superuser("delete from banking_nachaorder")
