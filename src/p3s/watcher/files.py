"""What a stream file says of files: when they are complete, which are left out, how they are taken, and what becomes of
them after use."""

from p3s.client.document import Field
from p3s.client.mistakes import Mistakes
from p3s.protocol.patterns import Pattern, PatternError, parse

from .places import Place, beside
from .rules import DELETE, LEAVE, MOVE, After, Beside, Bound, Complete, Ignore, Rules, Scan, Sidecar

COMPLETE_LIKE = '{rested: 30s}, {marker: "{name}.done"} or, if files are renamed into place, {renamed: true}'


def rules(rule: dict[str, Field], wrong: Mistakes) -> Rules:
    """All but what becomes of its files after use."""
    return Rules(
        wrong.read(_complete, rule.get("complete"), Complete()),
        wrong.read(_ignore, rule.get("ignore"), Ignore()),
        wrong.read(_scan, rule.get("scan"), Scan()),
        wrong.read(_sidecar, rule.get("sidecar"), None),
        wrong.read(Field.yes, rule.get("checksum"), False),
    )


def _complete(field: Field) -> Complete:
    rule = field.known(("rested", "marker", "renamed"), COMPLETE_LIKE)
    if len(rule) != 1:
        raise field.wrong(f"must be one of {COMPLETE_LIKE}")
    if "rested" in rule:
        return Complete(rule["rested"].seconds())
    if "marker" in rule:
        return Complete(marker=_beside(rule["marker"]))
    if not rule["renamed"].yes():
        raise rule["renamed"].wrong("says nothing when it is false; write {rested: 30s}")
    return Complete(0.0)


def _beside(field: Field) -> Beside:
    text = field.text('must be a name like "{name}.done"')
    bare = text.replace("{name}", "", 1) if "{name}" in text else text.replace("{stem}", "", 1)
    if bare == text or not bare or set("{}") & set(bare) or text.startswith("/") or ".." in text.split("/"):
        raise field.wrong(
            f'{text!r} is not a name beside the file; write "{{name}}.done", or with {{stem}}, '
            "the name without extension"
        )
    return Beside(text)


def _ignore(field: Field) -> Ignore:
    with Mistakes() as wrong:
        rule = wrong.known(field, ("below", "above", "older", "younger", "names"), "like {below: 7GB, older: 14m}")
        return Ignore(
            wrong.read(_size, rule.get("below"), None),
            wrong.read(_size, rule.get("above"), None),
            wrong.read(_age, rule.get("older"), None),
            wrong.read(_age, rule.get("younger"), None),
            wrong.read(_names, rule.get("names"), ()),
        )


def _size(field: Field) -> Bound:
    return Bound(field.size(), field.written)


def _age(field: Field) -> Bound:
    return Bound(field.seconds(), field.written)


def _names(field: Field) -> tuple[Pattern, ...]:
    return tuple(map(_pattern, field.items('["test_*"]')))


def _pattern(field: Field) -> Pattern:
    try:
        return parse(field.text('must be a name like "test_*"'))
    except PatternError as error:
        raise field.wrong(str(error)) from None


def _scan(field: Field) -> Scan:
    with Mistakes() as wrong:
        rule = wrong.known(field, ("every", "at_most", "order"), "like {every: 15s, at_most: 5, order: newest}")
        order = wrong.read(lambda one: one.word(("newest", "oldest")), rule.get("order"), "")
        return Scan(
            wrong.read(_every, rule.get("every"), Scan().every_s),
            wrong.read(lambda one: one.whole(1), rule.get("at_most"), None),
            order == "newest" if order else None,
        )


def _every(field: Field) -> float:
    every_s = field.seconds()
    if every_s < 0.1:
        raise field.wrong("is too often; write 1s or longer")
    return every_s


def _sidecar(field: Field) -> Sidecar:
    if isinstance(field.value, str):
        return Sidecar(_beside(field))
    rule = field.known(("name", "wait"), 'a name like "{name}.json", or {name: "{name}.json", wait: 1m}')
    if "name" not in rule:
        raise field.wrong('must have a name, like "{name}.json"')
    return Sidecar(_beside(rule["name"]), rule["wait"].seconds() if "wait" in rule else Sidecar(Beside("")).wait_s)


def after(place: Place, depth: int, field: Field) -> After:
    """What becomes of files of this place after use. `depth`: how many directories below it they may lie."""
    like = "leave, delete, {move_to: ../used} or {delete: true, failed_too: true}"
    if isinstance(field.value, str):
        if field.value not in (LEAVE, DELETE):
            raise field.wrong(f"must be {like}")
        return After(field.value)
    rule = field.known(("move_to", "delete", "failed_too"), like)
    failed_too = rule["failed_too"].yes() if "failed_too" in rule else False
    if ("move_to" in rule) == ("delete" in rule):
        raise field.wrong(f"must be {like}")
    if "delete" in rule:
        return After(DELETE if rule["delete"].yes() else LEAVE, "", failed_too)
    target = beside(rule["move_to"], place, rule["move_to"].text("must be a directory, like ../used"))
    if depth and target.startswith(f"{place.root}/"):
        raise rule["move_to"].wrong("lies in the watched directory, so files would be found again; name one beside it")
    return After(MOVE, target, failed_too)
