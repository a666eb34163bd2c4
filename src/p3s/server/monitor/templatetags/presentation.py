"""How moments, durations, sizes, numbers and states look. All text goes through format_html: it may be hostile."""

import datetime
from decimal import Decimal

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from p3s.protocol.units import of_bytes
from p3s.server.monitor.states import Mark

register = template.Library()
Number = int | float | Decimal
NOTHING = "\N{EN DASH}"


def _utc(moment: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC)


@register.filter
def moment(value: float | None) -> SafeString | str:
    """An absolute time: 22 Nov 19:42:07, with the whole in its title."""
    if value is None:
        return NOTHING
    at = _utc(value)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        at.isoformat(timespec="seconds"),
        at.strftime("%Y-%m-%d %H:%M:%S"),
        f"{at.day} {at:%b %H:%M:%S}",
    )


def _ticking(value: float | None, form: str) -> SafeString | str:
    if value is None:
        return NOTHING
    at = _utc(value)
    # The text stands until the script counts; it is absolute, so that an unchanged part stays unchanged.
    return format_html(
        '<time datetime="{}" title="{} UTC" data-since="{}" data-form="{}">{}</time>',
        at.isoformat(timespec="seconds"),
        at.strftime("%Y-%m-%d %H:%M:%S"),
        f"{value:.3f}",
        form,
        at.strftime("%H:%M:%S"),
    )


@register.filter
def ago(value: float | None) -> SafeString | str:
    """A ticking age: 12 s ago."""
    return _ticking(value, "ago")


@register.filter
def age(value: float | None) -> SafeString | str:
    """A ticking age without 'ago': 12 s."""
    return _ticking(value, "span")


@register.filter
def duration(seconds: Number | None) -> str:
    """85 ms, 3.4 s, 2 min 05 s, 3 h 20 min."""
    if seconds is None:
        return NOTHING
    value = max(0.0, float(seconds))
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 10:
        return f"{value:.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    whole = int(value)
    if value < 7200:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


@register.filter
def size(count: int | None) -> str:
    """Bytes: 12.3 MB."""
    return NOTHING if count is None else of_bytes(count)


@register.filter
def coded(text: str) -> SafeString:
    """What stands between backticks, as code."""
    forms = ("{}", "<code>{}</code>")
    return format_html_join("", "{}", ((format_html(forms[n % 2], part),) for n, part in enumerate(text.split("`"))))


@register.filter
def coordinates(by: object) -> str:
    """{"apa": 3, "plane": "U"} as 'apa 3, plane U'."""
    if not isinstance(by, dict):
        return ""
    return ", ".join(f"{name} {value}" for name, value in by.items())


@register.simple_tag
def chip(mark: Mark) -> SafeString:
    """A state as shape, word and colour."""
    inner = format_html('<i class="icon icon-{}" aria-hidden="true"></i>{}', mark.group, mark.word)
    if mark.since is not None:
        inner = format_html("{} {}", inner, age(mark.since))
    return format_html('<span class="chip chip-{}">{}</span>', mark.group, inner)


@register.simple_tag
def icon(group: str, word: str = "") -> SafeString:
    """The shape alone, its word for screen readers and as title."""
    return format_html('<i class="icon icon-{}" role="img" aria-label="{}" title="{}"></i>', group, word, word)
