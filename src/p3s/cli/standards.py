"""`p3s result limits ...`, `reference` and `dimension`: what results are judged and shown by."""

from collections.abc import Sequence
from time import time
from typing import Annotated, Any

import typer

from p3s.client.sdk import Client
from p3s.protocol import result_bounds
from p3s.protocol.data import DimensionSpec, LimitSpec, ReferenceSpec
from p3s.protocol.errors import BadInput

from . import complete, show
from .options import DryRun, Json, Why

limits = typer.Typer(no_args_is_help=True, help="Limits set on the server: they win over what payloads say.")

Name = Annotated[
    str,
    typer.Argument(metavar="CATEGORY/ITEM[/COLUMN]", help="A number, or a column.", autocompletion=complete.trends),
]
Category = Annotated[str, typer.Option(help="The category, where its name has a slash: NAME is then the rest.")]


Sides = Sequence[float | None]


def sides(pair: Sides) -> str:
    """A pair as it is written: `0.3,` has no upper limit."""
    return ",".join("" if side is None else f"{side:g}" for side in pair)


def in_words(good: Sides | None, warn: Sides | None, drift: Sides | None = None) -> str:
    """`good from 0.3, bad below 0.1`, `good 0 to 40`; nothing for no limits."""
    said = []
    for pair, (low, high, both) in ((good, _GOOD), (warn, _BAD)):
        numbers = [f"{side:g}" for side in pair or () if side is not None]
        if len(numbers) == 2:
            said.append(f"{both} {' to '.join(numbers)}")
        elif numbers:
            said.append(f"{low if pair and pair[0] is not None else high} {numbers[0]}")
    said += [f"drift {sides(drift)}"] if drift else []
    return ", ".join(said)


_GOOD = ("good from", "good up to", "good")
_BAD = ("bad below", "bad above", "bad outside")


def split(name: str, category: str) -> tuple[str, str]:
    """(category, item or table/column) of `CATEGORY/ITEM`. Raises BadInput."""
    if category:
        return category, name
    first, slash, rest = name.partition("/")
    if not (first and slash and rest):
        raise BadInput(f"{show.plain(name)!r}: write CATEGORY/ITEM, such as 'Purity/lifetime'")
    return first, rest


def _pair(text: str, option: str) -> tuple[float | None, float | None] | None:
    """LOW,HIGH, of which a side may be empty; nothing for no text. Raises BadInput."""
    if not text:
        return None
    parts = text.split(",")
    try:
        if len(parts) != 2:
            raise ValueError
        low, high = (float(part) if part.strip() else None for part in parts)
    except ValueError:
        raise BadInput(f"{option}: {show.plain(text)!r}: write LOW,HIGH, or 0.3, for no upper limit") from None
    result_bounds.check_pair((low, high), option)
    return low, high


def _drift(text: str) -> tuple[float, float] | None:
    pair = _pair(text, "--drift")
    if pair is None:
        return None
    low, high = pair
    if low is None or high is None:
        raise BadInput("--drift: write WARNING,BAD, two fractions such as 0.2,0.5")
    return low, high


# ---- limits


@limits.command("list")
def list_limits(
    category: Annotated[str, typer.Option(help="Only of this category.")] = "",
    json: Json = False,
) -> None:
    """List limits set on the server. Example: p3s result limits list --category Purity"""
    found = Client().limits(category)
    if json:
        show.as_json(found)
        return
    now = time()
    rows = (
        (
            f"{one['category']}/{one['item']}",
            *("" if pair is None else sides(pair) for pair in (one["good"], one["warn"], one["drift"])),
            one["who"],
            show.age(one["at"], now),
            one["why"],
        )
        for one in found
    )
    empty = "no limits are set here: what payloads say counts; p3s result limits set --help shows how"
    show.table(("what", "good", "warn", "drift", "by", "age", "why"), rows, empty, ("age", "by"))


SET_HELP = """Set limits of a number, or of a column of a table, in place of those that payloads say.

Examples:

  p3s result limits set Purity/lifetime --good 0.3, --warn 0.1, --reason "after the refill"

  p3s result limits set "TPC monitor/Channels/dead" --good 0,40 --drift 0.2,0.5

LOW,HIGH: a side that is empty has no limit. Outside good is a warning, outside warn is bad. Drift: how far from the
reference run is a warning, and bad, as fractions. What is not named here is not set on the server.
They count for results that are published from now on; older ones keep the status that they had.
"""


@limits.command("set", help=SET_HELP)
def set_limits(
    name: Name,
    good: Annotated[str, typer.Option(metavar="LOW,HIGH", help="Outside it is a warning.")] = "",
    warn: Annotated[str, typer.Option(metavar="LOW,HIGH", help="Outside it is bad.")] = "",
    drift: Annotated[str, typer.Option(metavar="WARNING,BAD", help="How far off the reference run.")] = "",
    category: Category = "",
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    of, item = split(name, category)
    spec = LimitSpec(of, item, _pair(good, "--good"), _pair(warn, "--warn"), _drift(drift), why)
    result_bounds.check_limit(spec)
    client = Client()
    changed = not _is_set(client, spec) if dry_run else client.set_limit(spec)
    if not client.trend_names(of, item, limit=1):
        show.note(f"note: nothing of this name was published yet; p3s result trend {show.plain(of)}/ lists what was")
    _tell(f"{of}/{item}", changed, "set", dry_run, json)


def _is_set(client: Client, spec: LimitSpec) -> bool:
    pairs = (spec.good, spec.warn, spec.drift)
    return any(
        one["item"] == spec.item
        and [one["good"], one["warn"], one["drift"]] == [None if pair is None else list(pair) for pair in pairs]
        for one in client.limits(spec.category)
    )


@limits.command("delete")
def delete_limits(
    name: Name, category: Category = "", why: Why = "", dry_run: DryRun = False, json: Json = False
) -> None:
    """What payloads say counts again. Example: p3s result limits delete Purity/lifetime --reason "wrong unit" """
    of, item = split(name, category)
    client = Client()
    there = any(one["item"] == item for one in client.limits(of))
    changed = there if dry_run else client.drop_limit(of, item, why)
    _tell(f"{of}/{item}", changed, "deleted", dry_run, json, "no limits are set there")


# ---- reference runs

REFERENCE_HELP = """Make a run the one against which drift is judged; without a run, say which are.

Examples:

  p3s result reference 3600 --reason "first run after the refill"

  p3s result reference 3611 --category Purity

  p3s result reference none --category Purity

Without --category it is the reference of all categories that have none of their own. It counts for results that are
published from now on. Results of reference runs are never purged.
"""


def reference(
    run: Annotated[str, typer.Argument(metavar="RUN|none", help="The run's number.")] = "",
    category: Annotated[str, typer.Option(help="Of this category alone.")] = "",
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    client = Client()
    known = client.references()
    if not run:
        _list_references(known, json)
        return
    now = next((one["run"] for one in known if one["category"] == category), None)
    what = f"the reference of {category or 'all categories'}"
    if run == "none":
        changed = now is not None if dry_run else client.drop_reference(category, why)
        _tell(what, changed, "none any more", dry_run, json, "there was none")
        return
    if not (run.isascii() and run.isdecimal() and len(run) < 19):
        raise BadInput(f"{show.plain(run)!r}: write a run's number, or none")
    changed = now != int(run) if dry_run else client.set_reference(ReferenceSpec(int(run), category, why))
    if not client.results(1, run=int(run), category=category, items=False):
        show.note(f"note: run {run} has no results{f' of {category}' if category else ''} yet")
    _tell(what, changed, f"run {run}", dry_run, json)


def _list_references(found: Sequence[Any], json: bool) -> None:
    if json:
        show.as_json(found)
        return
    now = time()
    rows = (
        (one["category"] or "all others", one["run"], one["who"], show.age(one["at"], now), one["why"]) for one in found
    )
    empty = "no run is a reference; p3s result reference RUN makes one"
    show.table(("category", "run", "by", "age", "why"), rows, empty)


# ---- dimensions

DIMENSION_HELP = """Say how a coordinate is shown: its values in physical order, and the detector's names for them.

Examples:

  p3s result dimension apa --order 3,2,1,5,6,4 --label "3=APA3 RaS-US" --label "2=APA2"

  p3s result dimension apa --delete

  p3s result dimension

It is the whole of it: what is not named is not set. Pages follow at once.
"""


def dimension(
    name: Annotated[str, typer.Argument(help="The coordinate, such as apa.")] = "",
    order: Annotated[str, typer.Option(metavar="3,2,1", help="Its values, separated by commas.")] = "",
    label: Annotated[list[str], typer.Option(metavar="VALUE=NAME", help="The name of a value; repeat it.")] = [],  # noqa: B006
    delete: Annotated[bool, typer.Option("--delete", help="Show the values as they are.")] = False,
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    client = Client()
    known = {one["name"]: one for one in client.dimensions()}
    if not name:
        _list_dimensions(list(known.values()), json)
        return
    if delete:
        changed = name in known if dry_run else client.drop_dimension(name, why)
        _tell(name, changed, "shown as it is", dry_run, json, "it is shown as it is already")
        return
    labels = dict(_label(text) for text in label)
    values = tuple(value.strip() for value in order.split(",")) if order else ()
    spec = DimensionSpec(name, values, labels, why)
    result_bounds.check_dimension(spec)
    before = known.get(name)
    same = before is not None and (before["order"], before["labels"]) == (list(values), labels)
    changed = not same if dry_run else client.set_dimension(spec)
    _tell(name, changed, "set", dry_run, json)


def _label(text: str) -> tuple[str, str]:
    value, equals, label = text.partition("=")
    if not (value and equals and label):
        raise BadInput(f"--label: {show.plain(text)!r}: write VALUE=NAME")
    return value, label


def _list_dimensions(found: Sequence[Any], json: bool) -> None:
    if json:
        show.as_json(found)
        return
    rows = (
        (one["name"], ",".join(one["order"]), ", ".join(f"{value}={label}" for value, label in one["labels"].items()))
        for one in found
    )
    empty = "no coordinate has an order or names; p3s result dimension --help shows how"
    show.table(("coordinate", "order", "names"), rows, empty)


def _tell(what: str, changed: bool, done: str, dry_run: bool, json: bool, else_: str = "it was so already") -> None:
    if json:
        show.as_json({"changed": changed})
        return
    said = f"{'would be ' if dry_run else ''}{done}" if changed else else_
    print(show.plain(f"{what}: {said}"))
