"""The pages: phone, code, welcome, log out; and that a page session is only as good as its device."""

import pytest
from django.test import Client

from tests.conftest import Database
from tests.users.conftest import new_phone


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=False)


@pytest.fixture
def log_in_page(code_of):
    def run(browser: Client, phone: str | None = None, after: str = ""):
        browser.get(f"/login{after}")
        browser.post("/login", {"phone": phone or new_phone()})
        code = code_of(browser.session["challenge"])
        return browser.post("/login/code", {"code": code})

    return run


WISH = {"display_name": "Page Person", "default_visibility": "public"}


def test_from_phone_to_home(browser, phone, code_of):
    assert browser.get("/login").status_code == 200
    assert browser.post("/login", {"phone": phone}).headers["Location"] == "/login/code"
    page = browser.get("/login/code")
    assert f"•••• {phone[-4:]}" in page.text
    assert phone not in page.text
    code = code_of(browser.session["challenge"])
    assert browser.post("/login/code", {"code": f" {code[:3]} {code[3:]} "}).headers["Location"] == "/welcome"

    page = browser.get("/welcome").text
    assert "checked" not in page
    done = browser.post("/welcome", {"username": "@Page_One", **WISH})
    assert done.headers["Location"] == "/home"
    assert browser.get("/welcome").headers["Location"] == "/home"
    assert browser.get("/login").headers["Location"] == "/home"


def test_after_logging_in_one_is_where_one_wanted_to_be(browser, log_in_page, log_in, phone):
    log_in(phone, username="went_there")
    assert log_in_page(browser, phone, after="?next=/pay%3Fto%3Dann").headers["Location"] == "/pay?to=ann"


def test_a_new_person_gets_there_by_way_of_welcome(browser, log_in_page):
    assert log_in_page(browser, after="?next=/pay").headers["Location"] == "/welcome"
    assert browser.post("/welcome", {"username": "via_welcome", **WISH}).headers["Location"] == "/pay"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "pay",
        "/" + "a" * 600,
        "///evil.example",
    ],
)
def test_next_leads_nowhere_else(browser, log_in_page, log_in, phone, target):
    from urllib.parse import quote

    log_in(phone, username=f"nx_{phone[-6:]}")
    assert log_in_page(browser, phone, after=f"?next={quote(target)}").headers["Location"] == "/home"


def test_the_session_has_a_new_key_and_no_challenge_after_logging_in(browser, phone, code_of):
    browser.get("/login?next=/pay")
    browser.post("/login", {"phone": phone})
    before = browser.session.session_key
    browser.post("/login/code", {"code": code_of(browser.session["challenge"])})
    assert browser.session.session_key != before
    assert "challenge" not in browser.session


def test_nothing_personal_is_in_the_session(browser, phone, database: Database):
    browser.post("/login", {"phone": phone})
    assert phone[-4:] not in str(dict(browser.session.items()))


def test_a_wrong_code_and_a_wrong_phone_are_said_beside_the_field(browser, phone, code_of):
    refused = browser.post("/login", {"phone": "+44 20 7946 0958"})
    assert refused.status_code == 400
    assert "elsewhere (GB)" in refused.text
    assert 'value="+44 20 7946 0958"' in refused.text
    browser.post("/login", {"phone": phone})
    code = code_of(browser.session["challenge"])
    refused = browser.post("/login/code", {"code": f"{(int(code) + 1) % 10**6:06d}"})
    assert refused.status_code == 400
    assert "That is not the code" in refused.text
    assert "six digits" in browser.post("/login/code", {"code": "12ab"}).text


def test_too_many_codes_are_said_in_words(browser, phone, settings):
    settings.OTP_PER_PHONE_DAY = 1
    browser.post("/login", {"phone": phone})
    refused = browser.post("/login", {"phone": phone})
    assert refused.status_code == 429
    assert "too many codes today" in refused.text
    assert int(refused.headers["Retry-After"]) > 0


def test_sending_it_again(browser, phone, code_of, database: Database, settings):
    browser.post("/login", {"phone": phone})
    challenge = browser.session["challenge"]
    database.as_superuser("update users_challenge set sms_state = 'sent' where public_id = %s", [challenge])
    assert browser.post("/login/resend").headers["Location"] == "/login/code"
    assert browser.session["challenge"] == challenge
    assert database.as_superuser("select sends from users_challenge where public_id = %s", [challenge]) == [(2,)]
    settings.OTP_RESEND_SECONDS = 30
    database.as_superuser("update users_challenge set sms_state = 'sent' where public_id = %s", [challenge])
    assert browser.post("/login/resend").status_code == 429
    assert browser.get("/login/resend").headers["Location"] == "/login/code"


def test_a_code_page_without_a_challenge_starts_over(browser):
    for method in (browser.get, browser.post):
        assert method("/login/code").headers["Location"] == "/login"
        assert method("/login/resend").headers["Location"] == "/login"
        assert method("/welcome").headers["Location"] == "/login"


def test_welcome_says_what_is_missing(browser, log_in_page, log_in):
    log_in(username="already_here")
    log_in_page(browser)
    refused = browser.post("/welcome", {"username": "admin", "display_name": "", "default_visibility": ""})
    assert refused.status_code == 400
    for words in ("reserved", "what people should call you", "choose one of the two"):
        assert words in refused.text
    taken = browser.post("/welcome", {"username": "Already_Here", **WISH})
    assert "@already_here is taken." in taken.text
    assert 'value="Page Person"' in taken.text


def test_a_name_is_judged_while_it_is_typed(browser, log_in_page, log_in):
    log_in(username="typed_name")
    assert browser.get("/welcome/check?username=abc").content == b""
    log_in_page(browser)
    assert "is free" in browser.get("/welcome/check?username=@Fresh_Name").text
    assert "is taken" in browser.get("/welcome/check?username=Typed_Name").text
    assert "3 to 20" in browser.get("/welcome/check?username=x").text
    assert browser.get("/welcome/check?username=").content == b""
    assert "&lt;b&gt;" not in browser.get("/welcome/check?username=<b>").text


def test_logging_out_ends_the_device_and_the_session(browser, log_in_page, log_in, phone, database: Database):
    log_in(phone, username=f"out_{phone[-6:]}")
    log_in_page(browser, phone)
    assert browser.get("/login").status_code == 302
    device = browser.session["device"]
    assert browser.get("/logout").status_code == 405
    assert browser.post("/logout").headers["Location"] == "/"
    assert browser.get("/login").status_code == 200
    assert database.as_superuser("select revoked_at is not null from users_device where public_id = %s", [device]) == [(True,)]
    assert browser.post("/logout").status_code == 302


def test_a_page_session_ends_with_its_device(browser, log_in_page, log_in, phone, database: Database):
    log_in(phone, username=f"rev_{phone[-6:]}")
    log_in_page(browser, phone)
    assert browser.get("/welcome").headers["Location"] == "/home"
    database.as_superuser("update users_device set revoked_at = now() where public_id = %s", [browser.session["device"]])
    assert browser.get("/welcome").headers["Location"] == "/login"


def test_a_page_session_is_nothing_to_the_api(browser, log_in_page):
    log_in_page(browser)
    assert browser.get("/v1/me").status_code == 401


def test_logging_in_is_protected_against_being_done_by_another_site(phone, code_of):
    browser = Client(enforce_csrf_checks=True)
    assert browser.post("/login", {"phone": phone}).status_code == 403
    page = browser.get("/login")
    token = browser.cookies[next(name for name in browser.cookies if "csrf" in name)].value
    assert page.status_code == 200
    assert browser.post("/login", {"phone": phone, "csrfmiddlewaretoken": token}).status_code == 302
    code = code_of(browser.session["challenge"])
    assert browser.post("/login/code", {"code": code}).status_code == 403


def test_strangers_cost_no_session(browser, django_assert_num_queries, settings):
    with django_assert_num_queries(0):
        assert browser.get("/login").status_code == 200
    assert settings.SESSION_COOKIE_NAME not in browser.cookies


def test_the_device_is_named_after_the_browser(log_in_page, database: Database):
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"
    log_in_page(Client(headers={"User-Agent": agent}))
    assert database.as_superuser("select name from users_device order by id desc limit 1") == [("Safari on iPhone",)]
