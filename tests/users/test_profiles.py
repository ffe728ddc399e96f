"""Names: once, unique without regard to case, not ours; and what people find of each other."""

import pytest

from tests.conftest import Database
from tests.helpers import at_once
from tests.users.conftest import new_phone
from users import queries, services
from users.usernames import RESERVED


def test_oneself(api, log_in):
    person = log_in()
    me = api.get("/me", person.access)
    assert me.status == 200
    assert set(me.body) == {"id", "username", "display_name", "default_visibility", "created_at"}
    assert me.body == person.user
    assert me.body["default_visibility"] is None
    assert me.body["created_at"].endswith("Z")


def test_choosing_everything_at_once(api, log_in):
    person = log_in()
    wish = {"username": "ann_b", "display_name": "Ann Bé 🌱", "default_visibility": "private"}
    changed = api.patch("/me", wish, person.access)
    assert changed.status == 200
    assert {name: changed.body[name] for name in wish} == wish
    assert api.get("/me", person.access).body == changed.body


def test_a_username_is_set_once(api, log_in):
    person = log_in(username="only_once")
    assert api.patch("/me", {"username": "only_once"}, person.access).status == 200
    assert api.patch("/me", {"username": "@Only_Once"}, person.access).status == 200
    refused = api.patch("/me", {"username": "another_one"}, person.access)
    assert (refused.status, refused.body["code"]) == (409, "username_already_set")
    assert api.get("/me", person.access).body["username"] == "only_once"


def test_a_username_is_unique_without_regard_to_case(api, log_in):
    log_in(username="TakenName")
    refused = api.patch("/me", {"username": "takenNAME"}, log_in().access)
    assert (refused.status, refused.body["code"]) == (409, "username_taken")
    assert "username" in refused.body["errors"]


def test_of_many_who_want_one_name_one_gets_it(api, log_in):
    people = [log_in() for _ in range(8)]
    answers = at_once(8, lambda n: api.patch("/me", {"username": "wanted"}, people[n].access).status)
    assert sorted(answers) == [200] + [409] * 7


def test_a_double_click_on_welcome_is_fine(api, log_in):
    person = log_in()
    wish = {"username": "dbl_click", "display_name": "D", "default_visibility": "public"}
    answers = at_once(6, lambda _: api.patch("/me", wish, person.access).status)
    assert answers == [200] * 6


@pytest.mark.parametrize(
    "username",
    ["ab", "a" * 21, "with space", "dash-ed", "dot.ted", "ünï", "аdmin1", "", "a\nb", "@", "ab$c", "１２３４", "😀😀😀"],
)
def test_what_no_username_can_be(api, log_in, username):
    refused = api.patch("/me", {"username": username}, log_in().access)
    assert (refused.status, refused.body["code"]) == (400, "validation_error")
    assert "username" in refused.body["errors"]


@pytest.mark.parametrize(
    "username",
    ["admin", "PaYa", "support", "api", "_support_", "sup_port", "root", "p4ya", "paya1", "supp0rt", "he1p", "fraud_team"],
)
def test_names_that_would_lend_our_voice_are_reserved(api, log_in, username):
    refused = api.patch("/me", {"username": username}, log_in().access)
    assert refused.status == 400
    assert "reserved" in refused.body["errors"]["username"]


@pytest.mark.parametrize(
    "name",
    ["p4ya", "Sυpport", "Sυρροrt", "PɑYɑ", "ᏢaYa", "✅ Verified", "He1p", "PaYa", "paya support"]
    + ["PaYa-Team", "Support", "S u p p o r t", "Рауа", "Pàya", "Supp0rt", "Customer Service", "ＰａＹａ"],
)
def test_nobody_goes_by_a_name_that_could_be_ours(api, log_in, name):
    person = log_in(username=f"voice_{new_phone()[-6:]}")
    refused = api.patch("/me", {"display_name": name}, person.access)
    assert refused.status == 400
    assert "PaYa's own" in refused.body["errors"]["display_name"]


@pytest.mark.parametrize("name", ["@maya", "\u3164", "\u2800\u2800", "\u115f\u1160"])
def test_names_that_are_no_names(api, log_in, name):
    person = log_in(username=f"blank_{new_phone()[-6:]}")
    refused = api.patch("/me", {"display_name": name}, person.access)
    assert (refused.status, list(refused.body["errors"])) == (400, ["display_name"])


@pytest.mark.parametrize("name", ["Payal", "Maya Payan", "Dev", "Amy Supportson", "Stafford", "Papaya Lee"])
def test_names_of_people_are_theirs(api, log_in, name):
    person = log_in(username=f"named_{new_phone()[-6:]}")
    assert api.patch("/me", {"display_name": name}, person.access).body["display_name"] == name


def test_reserved_words_could_all_be_typed():
    assert all(word == word.lower() and word.isalnum() for word in RESERVED)


@pytest.mark.parametrize(
    "body",
    [
        {"username": 5},
        {"username": None},
        {"display_name": ""},
        {"display_name": "x" * 51},
        {"display_name": "   "},
        {"display_name": "a\u0000b"},
        {"display_name": "a\u202eb"},
        {"display_name": ["Ann"]},
        {"default_visibility": "friends"},
        {"default_visibility": True},
        {"default_visibility": None},
        [],
        "{",
    ],
)
def test_the_wrong_shape_changes_nothing(api, log_in, body):
    person = log_in(username=f"shape_{new_phone()[-6:]}")
    refused = api.patch("/me", body, person.access)
    assert (refused.status, refused.body["code"]) == (400, "validation_error")
    assert api.get("/me", person.access).body == person.user


def test_one_bad_field_leaves_the_others_unchanged(api, log_in):
    person = log_in()
    refused = api.patch("/me", {"username": "fine_name", "display_name": "x" * 60}, person.access)
    assert refused.status == 400
    assert set(refused.body["errors"]) == {"display_name"}
    assert api.get("/me", person.access).body["username"] is None


def test_only_what_may_be_written_is_written(api, log_in, database: Database):
    person = log_in(username="no_more")
    api.patch(
        "/me", {"id": "usr_x", "kind": "staff", "is_superuser": True, "is_active": False, "created_at": "2020"}, person.access
    )
    row = database.as_superuser("select kind, is_superuser, is_active from users_user where public_id = %s", [person.user["id"]])
    assert row == [("person", False, True)]


def test_a_name_needs_a_username_first(api, log_in):
    refused = api.patch("/me", {"display_name": "Ann"}, log_in().access)
    assert refused.status == 400
    assert "username" in refused.body["errors"]


def test_settings_change_name_and_visibility(api, log_in):
    person = log_in(username="changer")
    changed = api.patch("/me", {"display_name": " New Name ", "default_visibility": "public"}, person.access).body
    assert (changed["display_name"], changed["default_visibility"]) == ("New Name", "public")


# ------------------------------------------------------------------------------------------------------- search
def test_people_are_found_by_the_beginning_of_their_name(api, log_in):
    for name in ("zoe_b", "zoe_a", "zoeller", "xzoe"):
        log_in(username=name)
    log_in()
    token = log_in(username="seeker").access
    found = api.get("/users?q=@Zoe", token)
    assert found.status == 200
    assert found.body["next_cursor"] is None
    assert [person["username"] for person in found.body["data"]] == ["zoe_a", "zoe_b", "zoeller"]
    assert set(found.body["data"][0]) == {"username", "display_name"}
    assert [p["username"] for p in api.get("/users?q=zoe_", token).body["data"]] == ["zoe_a", "zoe_b"]
    assert len(api.get("/users?q=zoe&limit=1", token).body["data"]) == 1


@pytest.mark.parametrize("query", ["%25", "zo'e", "%00", "ü", "zo%20e", "nobody_at_all", "*", "%5C"])
def test_a_query_that_fits_nobody_finds_nobody(api, log_in, query):
    token = log_in(username=f"q_{new_phone()[-8:]}").access
    assert api.get(f"/users?q={query}", token).body["data"] == []


@pytest.mark.parametrize(
    "query", ["", "?q=", "?q=@", "?q=" + "a" * 21, "?q=a&limit=0", "?q=a&limit=101", "?q=a&limit=x", "?q=a&cursor=x"]
)
def test_a_query_that_is_none_is_refused(api, log_in, query):
    assert api.get(f"/users{query}", log_in().access).status == 400


# ------------------------------------------------------------------------------------------------------- queries
def test_the_phone_is_hinted_at_to_its_person_only(log_in, phone):
    user = services.sign_up(phone=phone)
    assert queries.phone_hint(user_id=user.id) == f"•••• {phone[-4:]}"


def test_profiles_for_other_rooms(api, log_in):
    log_in(username="prof_one")
    profile = queries.profile_by_username(username="@Prof_One")
    assert profile is not None
    assert queries.profiles_by_ids(user_ids=[profile.user_id, 0]) == {profile.user_id: profile}
    assert queries.profile_by_username(username="\x00") is None
    assert queries.default_visibility(user_id=profile.user_id) is None


def test_checking_a_name_while_it_is_typed(log_in, phone):
    log_in(username="busy_name")
    me = services.sign_up(phone=phone).id
    assert services.check_username(username="Busy_Name", user_id=me) == "@busy_name is taken."
    assert services.check_username(username="free_name", user_id=me) is None
    assert "3 to 20" in (services.check_username(username="x", user_id=me) or "")
