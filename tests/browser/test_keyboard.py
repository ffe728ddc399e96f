"""The whole main job with keys alone: where the focus is can always be seen, and nothing lies over it."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPhone
from tests.browser.steps import balance, pay_button
from tests.stack import Stack, new_phone

# The focused control, or what stands for it (the frame around a field, the card behind a radio button), is marked;
# its middle is in view and nothing else lies over it.
_SEEN = """() => {
  const focused = document.activeElement;
  const marked = (element) => {
    if (!element) return false;
    const style = getComputedStyle(element);
    const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    return outlined || (element.matches('.amount-box') && style.boxShadow !== 'none');
  };
  if (![focused, focused.parentElement, focused.nextElementSibling].some(marked)) return 'is not marked';
  const box = focused.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  if (!top) return 'is out of view';
  return focused.contains(top) || top.contains(focused) || top.closest('label')?.contains(focused) ? '' : 'is covered';
}"""


def see_focus(page: Page) -> None:
    trouble = page.evaluate(_SEEN)
    assert trouble == "", f"{page.url}: {page.evaluate('document.activeElement.outerHTML')[:200]} {trouble}"


def tab_to(page: Page, what: str) -> None:
    """Press Tab until the focus is on what has these words (or this id, written #id), and look at it at every stop."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            continue
        see_focus(page)
        words, identity = page.evaluate("[document.activeElement.innerText ?? '', '#' + document.activeElement.id]")
        if what == identity or re.search(rf"(^|\s){re.escape(what)}(\s|$)", words):
            return
    raise AssertionError(f"{page.url}: no way to {what} by keyboard")


def press(page: Page, what: str) -> None:
    tab_to(page, what)
    page.keyboard.press("Enter")


def test_the_whole_main_job_by_keyboard_alone(phone: OpenPhone, stack: Stack) -> None:
    payee = stack.person(f"pip_{new_phone()[-4:]}", name="Pip Moss")
    page = phone()
    _sign_up(page, stack, number := new_phone())
    _welcome(page, f"key_{number[-4:]}")
    _link(page)
    _load(page, stack)
    _pay(page, payee.username)
    _redeem(page, stack)


def _sign_up(page: Page, stack: Stack, number: str) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    see_focus(page)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Get started")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Mobile phone")).to_be_focused()
    see_focus(page)
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code")).to_be_focused()
    page.keyboard.type(stack.code(number))
    page.keyboard.press("Enter")


def _welcome(page: Page, username: str) -> None:
    expect(page.get_by_label("Your @username")).to_be_focused()
    see_focus(page)
    page.keyboard.type(username)
    tab_to(page, "#display_name")
    page.keyboard.type("Key Board")
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio").first).to_be_focused()  # the browser asks for the choice that is missing
    page.keyboard.press("Space")
    see_focus(page)
    press(page, "Open my wallet")
    expect(balance(page)).to_have_text("$0.00")


def _link(page: Page) -> None:
    press(page, "Link a bank")
    expect(page.get_by_role("heading", name="Choose your bank")).to_be_visible()
    press(page, "First Platypus Bank")
    expect(page.get_by_role("heading", name="Choose accounts")).to_be_visible()
    press(page, "Share with PaYa")
    expect(page.get_by_text("is linked.").first).to_be_visible()


def _load(page: Page, stack: Stack) -> None:
    press(page, "Load from bank")
    expect(page.get_by_label("Amount in dollars")).to_be_focused()
    see_focus(page)
    page.keyboard.type("80")
    with stack.one_more_transfer():
        press(page, "Load $80.00")
        expect(page.get_by_text("You can spend it once it is here.")).to_be_visible()
    press(page, "Home")
    expect(page.locator("#pending")).to_contain_text("$80.00")
    stack.advance(3)
    expect(balance(page)).to_have_text("$80.00", timeout=15_000)


def _pay(page: Page, username: str) -> None:
    """A wrong name first: the focus comes back to it."""
    press(page, "Pay")
    expect(page.get_by_label("Amount in dollars")).to_be_focused()
    page.keyboard.type("12")
    tab_to(page, "#to")
    page.keyboard.type("nobody_at_all")
    page.keyboard.press("Enter")
    expect(page.locator("#to-error")).to_contain_text("Check the spelling.")
    expect(page.get_by_label("To", exact=True)).to_be_focused()
    see_focus(page)
    page.keyboard.press("Control+a")
    page.keyboard.type(username[:6])
    expect(page.get_by_role("option", name="Pip Moss").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#payee")).to_contain_text("Pip Moss")
    tab_to(page, "#note")
    page.keyboard.type("by keyboard")
    tab_to(page, "Pay Pip $12.00")
    expect(pay_button(page)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("has it now.")).to_be_visible()
    press(page, "Done")
    expect(balance(page)).to_have_text("$68.00")


def _redeem(page: Page, stack: Stack) -> None:
    press(page, "Redeem to bank")
    expect(page.get_by_label("Amount in dollars")).to_be_focused()
    page.keyboard.type("20")
    with stack.one_more_transfer():
        press(page, "Redeem $20.00")
        expect(page.locator("#transfer")).to_contain_text("It has left your wallet.")
    press(page, "Home")
    expect(balance(page)).to_have_text("$48.00")


def test_every_stop_can_be_seen(phone: OpenPhone, stack: Stack) -> None:
    """From the first to the last stop of the long pages, also where the bar at the bottom could lie over it."""
    person = stack.person(money=500, bank=True)
    payment = person.pay("theo", 100, "seen")
    page = phone(person)
    for path in ("/", "/activity", "/settings", "/settings/devices", "/banks", f"/payments/{payment['id']}"):
        page.goto(path)
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement === document.body"):
                break
            see_focus(page)
