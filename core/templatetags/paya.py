"""How PaYa's pages show money, time and people.

Everything here turns a value into words or safe markup. Amounts are integer cents (see `core.money`); nothing
here decides anything. What is missing (Django hands filters None or "") comes out empty.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html, linebreaks
from django.utils.safestring import SafeString, mark_safe

from core.calendar import in_words, moment_in_words, next_minute
from core.money import format_usd

register = template.Library()

AVATAR_TONES = 6

# 24 x 24 line icons, drawn for PaYa. Inline, so that a page needs no further request and they take the
# colour of the text beside them.
ICONS: dict[str, str] = {
    "home": '<path d="M4 11 12 4l8 7v8a1 1 0 0 1-1 1h-4v-6h-6v6H5a1 1 0 0 1-1-1z"/>',
    "feed": '<path d="M4 6h16M4 12h16M4 18h9"/>',
    "pay": '<path d="M4 12h15M13 6l6 6-6 6"/>',
    "activity": '<path d="M7 4v15m0 0-3-3m3 3 3-3M17 20V5m0 0-3 3m3-3 3 3"/>',
    "you": '<circle cx="12" cy="8" r="4"/><path d="M4.5 20a7.5 7.5 0 0 1 15 0"/>',
    "letter": '<rect x="4" y="6" width="16" height="12" rx="2"/><path d="m4.5 7.5 7.5 6 7.5-6"/>',
    "help": '<circle cx="12" cy="12" r="8.5"/><path d="M9.5 9.7a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.7m0 2.7v.1"/>',
    "back": '<path d="m14.5 5-7 7 7 7"/>',
    "next": '<path d="m9.5 5 7 7-7 7"/>',
    "bank": '<path d="M4 9.5 12 4l8 5.5zM6 10v7m4-7v7m4-7v7m4-7v7M4 20h16"/>',
    "check": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "clock": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5.2l3.5 2"/>',
    "alert": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5v5.5M12 16.4v.1"/>',
    "lock": '<rect x="5" y="10.5" width="14" height="9.5" rx="2"/><path d="M8 10.5V8a4 4 0 0 1 8 0v2.5"/>',
    "globe": '<circle cx="12" cy="12" r="8.5"/>'
    '<path d="M3.5 12h17M12 3.5c5 5.2 5 11.8 0 17M12 3.5c-5 5.2-5 11.8 0 17"/>',
    "in": '<path d="M12 4v15m0 0-6-6m6 6 6-6"/>',
    "out": '<path d="M12 20V5m0 0-6 6m6-6 6 6"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "share": '<circle cx="12" cy="12" r="8.5"/><path d="M12 3.5V12l6 6"/>',
    "meter": '<path d="M4 17a8.5 8.5 0 1 1 16 0M12 15.5l4-5"/>',
    "phone": '<rect x="7" y="3" width="10" height="18" rx="2.5"/><path d="M11 17.5h2"/>',
}


# --- money ---------------------------------------------------------------------------------------------------

@register.filter
def usd(cents: int | None) -> str:
    """`123450` -> `$1,234.50`; a negative amount carries a real minus sign."""
    return format_usd(cents) if isinstance(cents, int) else ""


@register.filter
def measured(value: int | None, unit: str) -> str:
    """A figure of a table by its unit: cents, hundredths of a percent, milliseconds, or a plain count. None is a dash."""
    if value is None:
        return "–"
    if unit == "cents":
        return format_usd(value)
    return f"{value / 100:,.2f} %" if unit == "percent" else f"{value:,}{' ms' if unit == 'ms' else ''}"


@register.filter
def signed_usd(cents: int | None) -> str:
    """`500` -> `+$5.00`, `-500` -> `−$5.00`, `0` -> `$0.00`: for lists where the direction matters."""
    if not isinstance(cents, int):
        return ""
    return ("+" if cents > 0 else "") + usd(cents)


@register.filter
def usd_input(cents: int | None) -> str:
    """`2575` -> `25.75`: what a person would have typed into an amount field."""
    return f"{cents // 100}.{cents % 100:02d}" if isinstance(cents, int) else ""


@register.simple_tag
def figure(cents: int, live: str = "") -> SafeString:
    """The big figure with small raised cents.

    A screen reader gets the amount in one piece. `live` names the wallet's field ("available", …) that
    live.js keeps up to date.
    """
    dollars, _, rest = format_usd(cents).partition(".")
    return format_html(
        '<span class="figure"{}><span class="visually-hidden" data-figure="whole">{}</span>'
        '<span aria-hidden="true"><span data-figure="dollars">{}</span>'
        '<span class="figure-cents" data-figure="cents">.{}</span></span></span>',
        format_html(' data-balance="{}"', live) if live else "",
        usd(cents),
        dollars,
        rest,
    )


@register.filter
def permille_of(part: int, whole: int) -> int:
    """How much `part` is of `whole` in thousandths, at most 1000: the width of a bar, never a stated figure."""
    return min(1000, max(0, part * 1000 // whole)) if whole > 0 else 0


@register.filter
def minus(one: int, other: int) -> int:
    """What is left of one amount after another: for a sentence that names a difference."""
    return one - other


# --- time ----------------------------------------------------------------------------------------------------

def _day(value: date) -> date:
    """The day of a date or of an aware time, on the clock that the page is shown in."""
    if isinstance(value, datetime):
        return timezone.localtime(value).date() if timezone.is_aware(value) else value.date()
    return value


@register.filter
def day_words(value: date | None) -> str:
    """`Tue, 24 Nov`, and with the year when it is not this one."""
    if not value:
        return ""
    return in_words(_day(value), timezone.localdate())


@register.filter
def day_title(value: date | None) -> str:
    """A heading for the things of one day: `Today`, `Yesterday`, or the day in words."""
    if not value:
        return ""
    days = (timezone.localdate() - _day(value)).days
    return {0: "Today", 1: "Yesterday"}.get(days) or day_words(value)


def _ago_words(moment: datetime) -> str:
    """The same steps as `ago` in live.js, which keeps these words true while the page stays open."""
    age = timezone.now() - moment
    if age < timedelta(minutes=1):
        return "now"
    if age < timedelta(hours=1):
        return f"{age.seconds // 60} min"
    if age < timedelta(days=1):
        return f"{age.seconds // 3600} h"
    if age < timedelta(days=7):
        return "1 day" if age.days == 1 else f"{age.days} days"
    return day_words(moment)


@register.filter
def ago(moment: datetime | None) -> SafeString:
    """`<time>` that says how long ago. Without a moment: empty, the shape that live.js fills in."""
    if not moment:
        return mark_safe('<time data-ago datetime=""></time>')
    return format_html('<time data-ago datetime="{}">{}</time>', moment.isoformat(), _ago_words(moment))


@register.filter
def at_time(moment: datetime | None) -> SafeString:
    """`<time>` with day and minute. Written in the server's zone, which it names; app.js makes it local."""
    if not moment:
        return mark_safe("")
    local = timezone.localtime(moment)
    return format_html(
        '<time data-local datetime="{}">{}, {} {}</time>',
        moment.isoformat(), day_words(moment), f"{local:%H:%M}", f"{local:%Z}",
    )


@register.filter
def local_time(text: str, resets_at: str) -> SafeString | str:
    """A refusal that names when a limit frees (an ISO time) in UTC: the same sentence in the reader's own time."""
    if not resets_at:
        return text
    moment = next_minute(datetime.fromisoformat(resets_at))
    before, named, after = text.partition(moment_in_words(moment))
    return format_html("{}{}{}", before, at_time(moment), after) if named else text


# --- letters -------------------------------------------------------------------------------------------------

# "under Help: /help/tkt_1": letters are plain text, and name the page after the word that a person would press.
_OUR_PAGE = re.compile(r"(\w+): (/(?:help|appeal)(?:/tkt_\w+)?(?:\?about=\w+)?)")


@register.filter
def letter(text: str | None) -> SafeString:
    """A letter's paragraphs, with the pages of ours that it names as links on the word before them."""
    paragraphs = linebreaks(text or "", autoescape=True)
    linked = _OUR_PAGE.sub(r'<a href="\2">\1</a>', paragraphs)
    return mark_safe(linked)  # noqa: S308  # nosemgrep: text-marked-as-safe  (escaped; what is put in holds no sign of HTML)


# --- people --------------------------------------------------------------------------------------------------

@register.filter
def initial(name: str | None) -> str:
    """The letter in the avatar."""
    return (name or "").strip()[:1].upper()


@register.filter
def first_name(name: str | None) -> str:
    """What a button calls somebody."""
    return ((name or "").split() or [""])[0]


@register.filter
def avatar_tone(username: str | None) -> int:
    """A stable tone, 0-5, so that a person keeps their colour. live.js computes the same."""
    return sum((username or "").encode()) % AVATAR_TONES


# --- page furniture ------------------------------------------------------------------------------------------

@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """An inline line icon. It is decoration: the words beside it, or an aria-label, carry the meaning."""
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor"'
        ' stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"'
        ' focusable="false">{}</svg>',
        css,
        mark_safe(ICONS[name]),  # noqa: S308  # nosemgrep: text-marked-as-safe  (constants of this module)
    )


@register.simple_tag(takes_context=True)
def current(context: Context, *paths: str) -> SafeString:
    """`aria-current="page"` on the navigation link of the page that is open."""
    request: Any = context.get("request")
    return mark_safe('aria-current="page"' if request is not None and request.path in paths else "")  # noqa: S308  (a constant)


@register.filter
def lookup(mapping: dict[str, str] | None, key: str) -> str:
    """`errors|lookup:"phone"`: a field's value, empty when there is none."""
    return (mapping or {}).get(key) or ""
