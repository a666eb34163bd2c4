"""How numbers, their limits and their drift are said to people."""

import math
from collections.abc import Mapping
from typing import Any


def number(value: float | None) -> str:
    if value is None:
        return "no value"
    if math.isfinite(value) and value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}".replace(",", "\u202f")
    if 9_999.5 <= abs(value) < 1e9:  # fewer digits would hide what a counter or a rate does
        return f"{value:,.0f}".replace(",", "\u202f")
    return f"{value:.4g}"


def limits(detail: Mapping[str, Any]) -> str:
    """What a number is measured against, for people: 'good 0.3 … 5, bad below 0.1'."""
    parts = []
    if good := _pair(detail.get("good")):
        parts.append("good " + _range(*good, words=("≥", "≤", "")))
    if bad := _pair(detail.get("warn")):
        parts.append("bad " + _range(*bad, words=("below", "above", "outside ")))
    return ", ".join(parts)


def _range(low: str, high: str, words: tuple[str, str, str]) -> str:
    """`words` stand before a low bound alone, a high bound alone, and both."""
    if not high:
        return f"{words[0]} {low}"
    return f"{words[2]}{low} … {high}" if low else f"{words[1]} {high}"


def _pair(bounds: object) -> tuple[str, str] | None:
    """Both bounds as text, '' where open; None without limits."""
    if not isinstance(bounds, list) or len(bounds) != 2 or bounds == [None, None]:
        return None
    low, high = ("" if bound is None else number(bound) for bound in bounds)
    return low, high


def drift(about: Mapping[str, Any], reference: object) -> str:
    """How far off the reference run: '+4 % of run 3600', or nothing."""
    off = about.get("deviation")
    return f"{off:+.0%} of run {reference}".replace("%", "\u202f%") if isinstance(off, float | int) else ""
