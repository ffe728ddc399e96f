"""What pages say about money, time and people."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.template import Context, Template

from core.templatetags import paya

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(NOW, tick=False):
        yield


def render(source: str, **context: object) -> str:
    return Template("{% load paya %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("cents", "plain", "signed"),
    [(0, "$0.00", "$0.00"), (7, "$0.07", "+$0.07"), (123450, "$1,234.50", "+$1,234.50"), (-500, "−$5.00", "−$5.00")],
)
def test_usd(cents: int, plain: str, signed: str) -> None:
    assert paya.usd(cents) == plain
    assert paya.signed_usd(cents) == signed


def test_money_that_is_missing_is_empty() -> None:
    assert render("{{ no.thing|usd }}{{ no.thing|signed_usd }}{{ no.thing|usd_input }}") == ""


def test_figure_reads_in_one_piece_and_raises_its_cents() -> None:
    html = render('{% figure 123405 live="available" %}')
    assert 'data-balance="available"' in html
    assert '<span class="visually-hidden" data-figure="whole">$1,234.05</span>' in html
    assert '<span data-figure="dollars">$1,234</span>' in html
    assert 'data-figure="cents">.05</span>' in html


def test_usd_input_is_what_one_would_type() -> None:
    assert paya.usd_input(257505) == "2575.05"


def test_a_letter_is_words_and_what_it_names_of_our_pages_is_a_link() -> None:
    said = "<b>No</b>.\n\nWrite back under Help: /help/tkt_1. Or appeal: /appeal?about=dsp_2\n\nSee: /admin or //evil.example"
    assert render("{{ said|letter }}", said=said) == (
        '<p>&lt;b&gt;No&lt;/b&gt;.</p>\n\n<p>Write back under <a href="/help/tkt_1">Help</a>. Or'
        ' <a href="/appeal?about=dsp_2">appeal</a></p>\n\n<p>See: /admin or //evil.example</p>'
    )


def test_a_refusal_names_its_time_in_the_readers_own() -> None:
    said = "<Ten> payments. The next one is possible from 21 November at 13:05 UTC on."
    html = render("{{ said|local_time:at }}", said=said, at="2026-11-21T13:04:30.000000Z")
    assert html == (
        "&lt;Ten&gt; payments. The next one is possible from"
        ' <time data-local datetime="2026-11-21T13:05:00+00:00">Sat, 21 Nov, 13:05 UTC</time> on.'
    )
    for at in ("", "2026-11-22T13:04:30.000000Z"):  # there is none, or it stands elsewhere
        assert render("{{ said|local_time:at }}", said="At <noon>.", at=at) == "At &lt;noon&gt;."


def test_permille_never_leaves_the_bar() -> None:
    assert paya.permille_of(995, 1000) == 995
    assert paya.permille_of(2000, 1000) == 1000
    assert paya.permille_of(5, 0) == 0


def test_day_words_name_the_year_only_when_it_is_another() -> None:
    assert paya.day_words(date(2026, 11, 24)) == "Tue, 24 Nov"
    assert paya.day_words(date(2027, 1, 4)) == "Mon, 4 Jan 2027"
    assert paya.day_words(datetime(2026, 11, 24, 9, 0, tzinfo=UTC)) == "Tue, 24 Nov"


def test_day_title() -> None:
    assert [paya.day_title(date(2026, 11, day)) for day in (21, 20, 19)] == ["Today", "Yesterday", "Thu, 19 Nov"]


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=-3), "now"),
        (timedelta(seconds=59), "now"),
        (timedelta(minutes=2), "2 min"),
        (timedelta(hours=23, minutes=59), "23 h"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=6, hours=23), "6 days"),
        (timedelta(days=7), "Sat, 14 Nov"),
    ],
)
def test_ago(age: timedelta, words: str) -> None:
    moment = NOW - age
    assert paya.ago(moment) == f'<time data-ago datetime="{moment.isoformat()}">{words}</time>'


def test_ago_without_a_moment_is_the_mould_for_the_live_feed() -> None:
    assert render("{{ item.created_at|ago }}", item=None) == '<time data-ago datetime=""></time>'


def test_at_time_names_its_zone() -> None:
    assert paya.at_time(NOW) == f'<time data-local datetime="{NOW.isoformat()}">Sat, 21 Nov, 12:00 UTC</time>'


def test_people() -> None:
    assert paya.initial(" maya") == "M"
    assert paya.first_name("Sam Okafor") == "Sam"
    assert paya.initial("") == paya.first_name(None) == ""


def test_avatar_tone_is_stable_and_the_one_that_live_js_computes() -> None:
    assert paya.avatar_tone("sam") == (ord("s") + ord("a") + ord("m")) % 6
    assert {paya.avatar_tone(name) for name in ("a", "b", "c", "d", "e", "f")} == set(range(6))


def test_every_icon_is_an_inline_svg_without_style() -> None:
    for name in paya.ICONS:
        html = paya.icon(name)
        assert html.startswith("<svg") and 'aria-hidden="true"' in html and "style" not in html


def test_current_marks_only_the_open_page_and_bears_a_missing_request() -> None:
    class Request:
        path = "/pay"

    assert render('{% current "/pay" %}', request=Request()) == 'aria-current="page"'
    assert render('{% current "/feed" %}', request=Request()) == ""
    assert render('{% current "/feed" %}') == ""


def test_lookup() -> None:
    assert render('{{ errors|lookup:"phone" }}|{{ errors|lookup:"code" }}', errors={"phone": "No."}) == "No.|"
    assert render('{{ errors|lookup:"phone" }}') == ""


def test_the_feed_item_shows_names_note_and_never_markup() -> None:
    item = {
        "id": "pay_1", "note": "<script>", "created_at": NOW,
        "from": {"username": "maya", "display_name": "Maya & Co"}, "to": {"username": "sam", "display_name": "Sam"},
    }
    html = render('{% include "payments/_feed_item.html" %}', item=item)
    assert 'data-id="pay_1"' in html
    assert "Maya &amp; Co" in html and "&lt;script&gt;" in html and "$" not in html


def test_the_error_page_needs_nothing() -> None:
    from django.template.loader import render_to_string

    assert "Something went wrong on our side" in render_to_string("error.html", {})
