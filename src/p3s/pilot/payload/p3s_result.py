"""Publish results from a payload: pictures, numbers, ROOT files and checks, shown by p3s a moment later.

    from p3s_result import Result

    with Result("TPC monitor") as r:
        r.images("Hits", "hits_{plane:a}{apa:d}.png", rows="apa", columns="plane", expect=18)
        r.number("dead channels", 12, good=(0, 40), warn=(0, 100), unit="ch")
        r.root("ADC", "hist.root", objects=["adc/h{plane:a}"], draw="colz", log="z")
        r.check("FEMBs", "bad", comment="119 of 120 from event 7")

One file, standard library, any Python from 3.6 on: copy it beside your script if p3s did not put it on
your path. It writes one small JSON file into $P3S_RESULT_DIR (or the current directory), in one step,
when the `with` block ends without an error. The files that items name must be in the same directory.

In file patterns {x:d} stands for digits, {x:a} for letters, {x} and * for anything but a slash; what the
fields match become the coordinates by which the pictures are laid out.
"""

import argparse
import decimal
import json
import math
import numbers
import os
import re
import sys

RESULT_VERSION = 1
STATUSES = ("good", "warning", "bad", "none")


class Result:
    """What one payload has to say about one category of a run.

    run, subrun and keys (a dict of integers or texts) are taken from P3S_RUN, P3S_SUBRUN and P3S_KEY_*
    unless given; a key's name in all capitals is taken in small letters. `time` is that of the data,
    RFC 3339. Errors: ValueError or TypeError, in one line, where what is given cannot be written.
    """

    def __init__(self, category, run=None, subrun=None, keys=None, time=None, comment=None, directory=None):
        if not isinstance(category, str) or not 1 <= len(category) <= 80:
            raise ValueError("category: write a text of 1 to 80 characters")
        self.category = category
        self.run = _environment_integer("P3S_RUN") if run is None else run
        self.subrun = _environment_integer("P3S_SUBRUN") if subrun is None else subrun
        self.keys = _environment_keys() if keys is None else keys
        self.time = time
        self.comment = comment
        self.directory = os.fspath(directory or os.environ.get("P3S_RESULT_DIR") or os.curdir)
        self.items = []
        self.path = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.publish()

    def images(self, name, files, rows=None, columns=None, expect=None, **more):
        """Pictures (PNG, JPEG, SVG), laid out by the fields of the pattern named in rows and columns."""
        return self._add("images", name, more, files=files, rows=rows, columns=columns, expect=expect)

    def number(self, name, value, error=None, unit=None, good=None, warn=None, **more):
        """A number that is trended over runs; outside good=(low, high) is a warning, outside warn is bad.

        None on a side means no limit there; a value that is None, NaN or infinite is shown as missing.
        """
        more.update(error=error, unit=unit, good=good, warn=warn)
        return self._add("number", name, more, value=value)

    def root(self, name, files, objects=None, draw=None, log=None, **more):
        """A ROOT file, drawn in the browser: objects are paths inside it, draw is ROOT's option, log="z"."""
        return self._add("root", name, more, files=files, objects=objects, draw=draw, log=log)

    def check(self, name, status, comment=None, **more):
        """A check: status is good, warning, bad or none, or True for good and False for bad."""
        return self._add("check", name, more, status=_status(status), comment=comment)

    def publish(self):
        """Write the result file in one step and give its path; a second time replaces the first."""
        text = json.dumps(self.document(), indent=1, sort_keys=True, allow_nan=False)
        os.makedirs(self.directory, exist_ok=True)
        if self.path is None:
            self.path = _reserve(self.directory, _slug(self.category))
        temporary = _temporary(self.path)
        with open(temporary, "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, self.path)
        return self.path

    def document(self):
        """The result as it will be written."""
        document = {"p3s_result": RESULT_VERSION, "category": self.category, "items": self.items}
        for name in ("run", "subrun", "keys", "time", "comment"):
            value = _plain(getattr(self, name), name)
            if value is not None and value != {}:
                document[name] = value
        return document

    def _add(self, kind, name, more, **fields):
        """Append an item; `more` holds what every kind may have: by, status, comment, group and the like."""
        if not isinstance(name, str) or not name:
            raise ValueError("%s: write a name as first argument" % kind)
        item = {"kind": kind, "name": name}
        for field, value in [*fields.items(), *more.items()]:
            value = _status(value) if field == "status" and value is not None else value
            plain = _plain(value, "%s '%s', %s" % (kind, name, field))
            if plain is not None or field == "value":
                item[field] = plain
        self.items.append(item)
        return self


def _plain(value, where):
    """A value as JSON has it: numpy scalars and arrays unwrapped, NaN and infinities as null."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(entry, where) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        entries = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return [_plain(entry, where) for entry in entries]
    if hasattr(value, "__fspath__"):
        return os.fspath(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, (numbers.Real, decimal.Decimal)):
        number = float(value)
        return number if math.isfinite(number) else None
    for unwrap in ("tolist", "item"):  # numpy arrays and scalars, and those of other array libraries
        if hasattr(value, unwrap):
            inner = getattr(value, unwrap)()
            if type(inner) is not type(value):
                return _plain(inner, where)
    raise TypeError("%s: cannot write a %s; give a number, a text or a list" % (where, type(value).__name__))


def _status(value):
    value = _plain(value, "status")
    if isinstance(value, bool):
        return "good" if value else "bad"
    if value not in STATUSES:
        raise ValueError("status: write one of %s, not %r" % (", ".join(STATUSES), value))
    return value


def _environment_integer(name):
    text = os.environ.get(name, "")
    return int(text) if re.match(r"-?[0-9]{1,18}\Z", text) else None


def _environment_keys():
    keys = {}
    for name, text in os.environ.items():
        if name.startswith("P3S_KEY_") and len(name) > 8:
            key = name[8:].lower() if name.isupper() else name[8:]
            keys[key] = int(text) if re.match(r"-?[0-9]{1,18}\Z", text) else text
    return keys


def _slug(category):
    return re.sub(r"[^a-z0-9]+", "-", category.lower()).strip("-")[:60] or "result"


def _temporary(path):
    return os.path.join(os.path.dirname(path), ".%s.part" % os.path.basename(path))


def _reserve(directory, slug):
    """The first free name of this category's result files.

    Its temporary file is created exclusively and kept until it is renamed, so that two processes
    publishing at the same time never get one name.
    """
    for count in range(1, 10000):
        path = os.path.join(directory, "p3s-result-%s-%d.json" % (slug, count))
        temporary = _temporary(path)
        try:
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError:
            continue
        if not os.path.exists(path):
            return path
        os.unlink(temporary)
    raise OSError("%s holds 9999 results of this category already; use one Result for many items" % directory)


# The command line, used by p3s-publish: every option but --help takes one value; items are made by
# --number, --images, --root and --check, and the options behind an item belong to it.

_EXAMPLES = """\
options behind an item belong to that item; --comment before any item belongs to the result

examples:
  p3s-publish --category "TPC" --number dead=12 --good 0,40 --warn 0,100 --unit ch
  p3s-publish --category "TPC" --images "Hits=hits_{plane:a}{apa:d}.png" --rows apa --columns plane
  p3s-publish --category "TPC" --root "ADC=hist.root" --objects "adc/h{plane:a}" --draw colz --log z
  p3s-publish --category "TPC" --check "FEMBs=bad" --comment "119 of 120 from event 7"
  p3s-publish --category "Purity" --number lifetime=2.99 --error 0.33 --unit ms --good 0.3, --by tpc=1 \\
              --number lifetime=3.10 --error 0.30 --unit ms --good 0.3, --by tpc=2

In limits LOW,HIGH an empty side means no limit.
"""


class _Refused(ValueError):
    """A wrong argument; the message is one line for the person at the keyboard."""


def _number(text, option):
    if text.strip().lower() in ("", "null", "none"):
        return None
    try:
        return int(text) if re.match(r"\s*[+-]?[0-9]+\s*\Z", text) else float(text)
    except ValueError:
        raise _Refused("%s: '%s' is not a number" % (option, text)) from None


def _limits(text, option):
    sides = text.split(",")
    if len(sides) != 2:
        raise _Refused("%s: write LOW,HIGH, or 0.3, for no upper limit; got '%s'" % (option, text))
    return [_number(side, option) for side in sides]


def _integer(text, option):
    if not re.match(r"-?[0-9]+\Z", text):
        raise _Refused("%s: '%s' is not an integer" % (option, text))
    return int(text)


def _pairs(text, option):
    """K=V[,K=V...] as a dict, whole numbers as integers."""
    pairs = {}
    for entry in text.split(","):
        key, equals, value = entry.partition("=")
        if not (key and equals):
            raise _Refused("%s: write KEY=VALUE[,KEY=VALUE], got '%s'" % (option, text))
        pairs[key] = int(value) if re.match(r"-?[0-9]{1,18}\Z", value) else value
    return pairs


def _text(text, _option):
    return text


def _one_status(text, _option):
    return _status(text)


# option -> (field that the part behind = fills, its reader)
_ITEMS = {
    "--number": ("value", _number, "NAME=VALUE", "a number, trended over runs"),
    "--images": ("files", _text, "NAME=PATTERN", "pictures"),
    "--root": ("files", _text, "NAME=PATTERN", "a ROOT file"),
    "--check": ("status", _one_status, "NAME=STATUS", "a check: good, warning, bad or none"),
}
_OF_ITEMS = {
    "--good": (_limits, "LOW,HIGH", "outside it a number is a warning"),
    "--warn": (_limits, "LOW,HIGH", "outside it a number is bad"),
    "--error": (_number, "VALUE", "uncertainty of a number"),
    "--unit": (_text, "TEXT", "unit of a number"),
    "--by": (_pairs, "KEY=VALUE", "detector coordinates of an item"),
    "--status": (_one_status, "STATUS", "status of an item"),
    "--group": (_text, "TEXT", "heading under which an item is shown"),
    "--files": (_text, "PATTERN", "one more file pattern of an item"),
    "--rows": (_text, "FIELD", "field of the pattern that makes the rows"),
    "--columns": (_text, "FIELD", "field of the pattern that makes the columns"),
    "--expect": (_integer, "N", "how many files there should be"),
    "--objects": (_text, "PATH", "object inside the ROOT file; may be repeated"),
    "--draw": (_text, "OPTION", "ROOT's drawing option"),
    "--log": (_text, "AXES", "logarithmic axes, such as z"),
}
_REPEATED = ("--files", "--objects")


class _Append(argparse.Action):
    """Keep the options in the order in which they were written."""

    def __call__(self, _parser, namespace, values, _option=None):
        namespace.ordered.append((self.option_strings[0], values))


def _parser():
    parser = argparse.ArgumentParser(
        prog="p3s-publish",
        usage="%(prog)s --category NAME ITEM [OPTIONS OF THE ITEM] [ITEM ...]",
        description="Publish results of a payload to p3s: numbers, pictures, ROOT files, checks.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(ordered=[])
    result = parser.add_argument_group("the result")
    result.add_argument("--category", metavar="NAME", help="what the result is about; needed")
    result.add_argument("--run", metavar="N", help="default: $P3S_RUN")
    result.add_argument("--subrun", metavar="N", help="default: $P3S_SUBRUN")
    result.add_argument("--key", metavar="KEY=VALUE", action="append", help="default: $P3S_KEY_*")
    result.add_argument("--time", metavar="TIME", help="of the data, RFC 3339")
    result.add_argument("--directory", metavar="DIR", help="default: $P3S_RESULT_DIR, else the current one")
    items = parser.add_argument_group("items")
    for option, (_field, _reader, metavar, text) in _ITEMS.items():
        items.add_argument(option, metavar=metavar, action=_Append, help=text)
    options = parser.add_argument_group("options of the item before them")
    for option, (_reader, metavar, text) in _OF_ITEMS.items():
        options.add_argument(option, metavar=metavar, action=_Append, help=text)
    options.add_argument("--comment", metavar="TEXT", action=_Append, help="a remark for people")
    return parser


def _joined(arguments):
    """Arguments with `--option value` written as `--option=value`, so that a value may begin with a minus."""
    takes_value = set(_ITEMS) | set(_OF_ITEMS)
    takes_value |= {"--category", "--run", "--subrun", "--key", "--time", "--directory", "--comment"}
    joined = []
    rest = iter(arguments)
    for argument in rest:
        value = next(rest, None) if argument in takes_value else None
        joined.append(argument if value is None else argument + "=" + value)
    return joined


def _add_ordered(result, ordered):
    for option, value in ordered:
        if option in _ITEMS:
            field, reader, metavar, _text_of_help = _ITEMS[option]
            # A file pattern may hold a further =, a name of a number may too.
            part = value.partition("=") if field == "files" else value.rpartition("=")
            if not (part[0] and part[1]):
                raise _Refused("%s: write %s, got '%s'" % (option, metavar, value))
            item = {"kind": option[2:], "name": part[0], field: reader(part[2], option)}
            item[field] = _plain(item[field], option)
            result.items.append(item)
        elif not result.items:
            if option != "--comment":
                raise _Refused("%s: put it behind the item it belongs to" % option)
            result.comment = value
        else:
            _add_option(result.items[-1], option, value)


def _add_option(item, option, value):
    field = option[2:]
    plain = _plain(value if option == "--comment" else _OF_ITEMS[option][0](value, option), option)
    if option in _REPEATED:
        before = item.get(field, [])
        item[field] = (before if isinstance(before, list) else [before]) + [plain]
    elif field == "by":
        item.setdefault("by", {}).update(plain)
    else:
        item[field] = plain


def main(arguments=None):
    """Run the command line; 0 when published, 2 for wrong arguments, 1 when the file cannot be written."""
    parser = _parser()
    options = parser.parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
    try:
        if not options.category:
            raise _Refused("--category is needed, such as --category 'TPC monitor'")
        keys = None
        if options.key:
            keys = {key: value for text in options.key for key, value in _pairs(text, "--key").items()}
        result = Result(
            options.category,
            run=None if options.run is None else _integer(options.run, "--run"),
            subrun=None if options.subrun is None else _integer(options.subrun, "--subrun"),
            keys=keys,
            time=options.time,
            directory=options.directory,
        )
        _add_ordered(result, options.ordered)
        if not result.items:
            raise _Refused("nothing to publish: add --number, --images, --root or --check (see --help)")
        result.publish()
    except ValueError as error:
        sys.stderr.write("p3s-publish: %s\n" % error)
        return 2
    except OSError as error:
        sys.stderr.write("p3s-publish: the result cannot be written: %s\n" % error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
