"""Cents shown as dollars."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def dollars(cents: int) -> str:
    """1234567 -> $12,345.67"""
    sign = "\N{MINUS SIGN}" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


@register.filter
def big_dollars(cents: int) -> SafeString:
    """The same as the page's one figure: cents small and raised."""
    whole, rest = dollars(cents).rsplit(".", 1)
    return format_html('<span class="figure">{}<span class="cents">.{}</span></span>', whole, rest)
