"""What staff may do: only with a reason, only what was shown, only staff, and never without a record."""

import re
from typing import Any

import pytest
from django import forms
from django.db import DatabaseError, connection

from console.admin.actions import Action, Form
from console.admin.people import PersonAdmin
from console.models import StaffAction
from core import staff
from core.actor import actor
from core.errors import Conflict, Forbidden, NotFound, ValidationError
from tests.conftest import Database
from tests.console.conftest import EMAIL, Desk, World

# A room's function for staff, as console/admin/actions.py describes it.
FUNCTION = """
    create function banking_greet(p_who text, p_word text, p_reason text) returns text language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
    begin
        perform console_acted('greet', p_who, format('Said %s to %s.', p_word, p_who), p_reason);
        if p_word = 'nobody' then raise exception 'nobody' using errcode = 'PY123';
        elsif p_word = 'never' then raise exception 'Nobody is greeted on Sundays.' using errcode = 'PY124'; end if;
        return p_word;
    end $$;
    alter function banking_greet(text, text, text) owner to paya_engine;
    revoke execute on function banking_greet(text, text, text) from public;
    grant execute on function banking_greet(text, text, text) to paya_staff;
    select console_permit('greet', 'support');
"""
REASON = "Support case 4711"


class Greet(Action):
    name, title = "greet", "Greet"
    acts = "greet"
    mood = "kindly"

    class form(Form):
        word = forms.CharField(label="Word")

    def offered(self, row: Any) -> bool:
        return self.mood != "grumpy"

    def preview(self, row: Any, given: Any) -> list[str]:
        return [f"Says {given['word']} to {row} {self.mood}."]

    def do(self, row: Any, given: Any, *, staff_id: int, reason: str) -> str:
        said = staff.call("banking_greet", [row.pk, given["word"], reason], staff_id=staff_id)
        return f"Said {said}."


class Wave(Greet):
    name, title, form = "wave", "Wave", Form

    def preview(self, row: Any, given: Any) -> list[str]:
        return [f"Waves {self.mood}."]

    def do(self, row: Any, given: Any, *, staff_id: int, reason: str) -> str:
        return super().do(row, {"word": "hi"}, staff_id=staff_id, reason=reason)


@pytest.fixture
def page(world: World, desk: Desk, staff_site: Database, monkeypatch: pytest.MonkeyPatch) -> str:
    """A person's page that has both actions; its address."""
    staff_site.as_superuser(FUNCTION)
    monkeypatch.setattr(PersonAdmin, "staff_actions", (Greet, Wave))
    monkeypatch.setattr(Greet, "mood", "kindly")
    return f"/admin/console/person/{world.maya_id}/"


def records(database: Database) -> list[tuple[Any, ...]]:
    return database.as_superuser("select staff_id, action, subject, what, reason from console_actionrecord order by id")


def shown(answer: Any) -> str:
    """The digest that the form carries."""
    found = re.search(r'name="shown" value="(\w+)"', answer.content.decode())
    assert found, answer.content.decode()
    return found[1]


def test_it_shows_what_it_will_do_then_does_it_and_keeps_who_and_why(
    page: str, desk: Desk, world: World, account: int, staff_site: Database
):
    assert f'href="{page}do/greet/"' in desk.get(f"{page}change/").content.decode()
    assert 'name="shown"' not in desk.get(f"{page}do/greet/").content.decode()
    preview = desk.post(f"{page}do/greet/", word="hello", reason=REASON)
    assert "Says hello to @maya kindly." in preview.content.decode()
    assert records(staff_site) == []
    done = desk.post(f"{page}do/greet/", word="hello", reason=REASON, shown=shown(preview))
    assert done.status_code == 302
    assert records(staff_site) == [(account, "greet", world.maya_id, f"Said hello to {world.maya_id}.", REASON)]
    after = desk.get(f"{page}change/").content.decode()
    for words in ("Said hello.", EMAIL, REASON):
        assert words in after
    log = desk.get("/admin/console/staffaction/").content.decode()
    assert f"Said hello to {world.maya_id}." in log
    key = staff_site.as_superuser("select id from console_actionrecord")[0][0]
    assert desk.get(f"/admin/console/staffaction/{key}/change/").status_code == 200


def test_one_that_needs_to_know_nothing_shows_it_at_once(page: str, desk: Desk, staff_site: Database):
    first = desk.get(f"{page}do/wave/")
    assert "Waves kindly." in first.content.decode()
    assert desk.post(f"{page}do/wave/", reason=REASON, shown=shown(first)).status_code == 302
    assert len(records(staff_site)) == 1


@pytest.mark.parametrize("reason", ["", "too short", "  x       y ", "x" * 501, "a bell \x07 rings here"])
def test_nothing_happens_without_a_reason(page: str, desk: Desk, staff_site: Database, reason: str):
    digest = shown(desk.get(f"{page}do/wave/"))
    refused = desk.post(f"{page}do/wave/", reason=reason, shown=digest)
    assert refused.status_code == 400
    assert "Please say why" in refused.content.decode()
    assert records(staff_site) == []


def test_what_has_changed_meanwhile_is_shown_anew_and_not_done(page: str, desk: Desk, staff_site: Database, monkeypatch: Any):
    digest = shown(desk.get(f"{page}do/wave/"))
    monkeypatch.setattr(Greet, "mood", "sadly")
    again = desk.post(f"{page}do/wave/", reason=REASON, shown=digest)
    assert again.status_code == 400
    assert "Waves sadly." in again.content.decode()
    assert records(staff_site) == []
    assert desk.post(f"{page}do/greet/", word="bye", reason=REASON, shown=digest).status_code == 400
    assert records(staff_site) == []


def test_what_is_not_offered_is_not_done(page: str, desk: Desk, staff_site: Database, monkeypatch: Any):
    digest = shown(desk.get(f"{page}do/wave/"))
    monkeypatch.setattr(Greet, "mood", "grumpy")
    assert "do/wave/" not in desk.get(f"{page}change/").content.decode()
    assert desk.post(f"{page}do/wave/", reason=REASON, shown=digest).status_code == 302
    for missing in (f"{page}do/nothing/", "/admin/console/person/usr_nobody/do/wave/", "/admin/console/person/do/wave/"):
        assert desk.post(missing, reason=REASON, shown=digest).status_code == 404, missing
    assert records(staff_site) == []


def test_a_refusal_of_the_database_is_said_and_leaves_nothing(page: str, desk: Desk, staff_site: Database):
    def do(word: str) -> Any:
        digest = shown(desk.post(f"{page}do/greet/", word=word, reason=REASON))
        return desk.post(f"{page}do/greet/", word=word, reason=REASON, shown=digest)

    refused = do("never")
    assert refused.status_code == 400
    assert "Nobody is greeted on Sundays." in refused.content.decode()
    assert do("nobody").status_code == 400
    assert records(staff_site) == []


def test_nobody_outside_does_any(page: str, staff_site: Database):
    for path in (f"{page}do/wave/", f"{page}do/greet/"):
        answer = Desk().post(path, reason=REASON)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")


def test_the_database_itself_refuses_everybody_else(page: str, world: World, account: int, staff_site: Database):
    with pytest.raises(Forbidden):
        staff.call("banking_greet", [world.maya_id, "hi", REASON], staff_id=world.maya.id)
    with pytest.raises(ValidationError) as refusal:
        staff.call("banking_greet", [world.maya_id, "hi", "   short   "], staff_id=account)
    assert "reason" in refusal.value.fields
    for word, error in (("nobody", NotFound), ("never", Conflict)):
        with pytest.raises(error):
            staff.call("banking_greet", [world.maya_id, word, REASON], staff_id=account)
    assert records(staff_site) == []
    # Nobody writes a record without doing something, and nobody takes one back.
    for sql in ("select console_acted('a', 'b', 'c', 'a good reason')", "delete from console_actionrecord"):
        with pytest.raises(DatabaseError, match="permission denied"), actor(account), connection.cursor() as cursor:
            cursor.execute(sql)
    staff.call("banking_greet", [world.maya_id, "hi", REASON], staff_id=account)
    with pytest.raises(Exception, match="history|refused|append"):
        staff_site.as_superuser("update console_actionrecord set what = 'nothing'")
    with actor(world.maya.id):
        assert not StaffAction.objects.exists()
