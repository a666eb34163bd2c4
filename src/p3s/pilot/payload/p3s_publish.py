"""Publish results from a shell payload: the command p3s-publish. It stands on p3s_result, which lies beside it.

Every option but --help takes one value; items are made by --number, --images and the like, and the options behind an
item belong to it.
"""

import argparse
import csv
import re
import sys

from p3s_result import Result, _plain, _status

_EXAMPLES = """\
options behind an item belong to that item; --comment before any item belongs to the result

examples:
  p3s-publish --category "TPC" --number dead=12 --good 0,40 --warn 0,100 --unit ch
  p3s-publish --category "TPC" --images "Hits=hits_{plane:a}{apa:d}.png" --rows apa --columns plane
  p3s-publish --category "TPC" --root "ADC=hist.root" --objects "adc/h{plane:a}" --draw colz --log z
  p3s-publish --category "TPC" --table "Channels=channels.csv" --good dead=0,40 --drift noisy=0.2,0.5
  p3s-publish --category "TPC" --graph "HV=hv.csv" --file "log=lar.log"
  p3s-publish --category "TPC" --check "FEMBs=bad" --comment "119 of 120 from event 7"
  p3s-publish --category "Purity" --number lifetime=2.99 --error 0.33 --unit ms --good 0.3, --by tpc=1 \\
              --number lifetime=3.10 --error 0.30 --unit ms --good 0.3, --by tpc=2

In limits LOW,HIGH an empty side means no limit. Of a table they are COLUMN=LOW,HIGH.

A table comes from a CSV file with a line of titles: what tells the rows apart, then the columns, units in brackets:

  apa,dead [ch],noisy
  1,12,128
  2,9,

A graph likewise: x, y and, if there is one, the error of y, such as time [s],HV [kV],error. Empty cells are holes.
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


def _drift(text, option):
    sides = [_number(side, option) for side in text.split(",")]
    if len(sides) != 2 or None in sides:
        raise _Refused("%s: write WARNING,BAD, two fractions such as 0.2,0.5; got '%s'" % (option, text))
    return sides


def _rows_of(path, option):
    """The lines of a CSV file with their numbers, the titles first; empty ones are left out."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            rows = [[cell.strip() for cell in row] for row in csv.reader(stream)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _Refused("%s: %s cannot be read: %s" % (option, path, error)) from None
    found = [(line, row) for line, row in enumerate(rows, 1) if any(row)]
    if not found or len(found[0][1]) < 2:
        raise _Refused("%s: %s has no line of titles, separated by commas; see --help" % (option, path))
    titles = found[0][1]
    for line, row in found:
        if len(row) != len(titles):
            raise _Refused("%s: %s line %d: %d cells for %d titles" % (option, path, line, len(row), len(titles)))
    return found


def _title(text):
    """(name, unit) of `dead [ch]`."""
    found = re.match(r"(.*?)\s*\[([^\]]*)\]\Z", text)
    return (found.group(1), found.group(2)) if found else (text, "")


def _table(path, option):
    """The fields of a table in a CSV file."""
    (_line, titles), *rows = _rows_of(path, option)
    columns = {}
    for name, unit in map(_title, titles[1:]):
        if name in columns:
            raise _Refused("%s: %s has two columns '%s'" % (option, path, name))
        columns[name] = {"unit": unit} if unit else {}
    values = {}
    for line, row in rows:
        where = "%s: %s line %d" % (option, path, line)
        if row[0] in values:
            raise _Refused("%s: a second row '%s'" % (where, row[0]))
        values[row[0]] = [_plain(_number(cell, where), where) for cell in row[1:]]
    return {"rows": titles[0] or None, "columns": columns, "values": values}


def _graph(path, option):
    """The fields of a graph in a CSV file."""
    (_line, titles), *rows = _rows_of(path, option)
    if len(titles) > 3:
        raise _Refused("%s: %s has %d columns; write x, y and perhaps error" % (option, path, len(titles)))
    numbers = [
        [_plain(_number(cell, "%s: %s line %d" % (option, path, line)), "") for cell in row] for line, row in rows
    ]
    fields = dict(zip(("x", "y", "error"), ([row[place] for row in numbers] for place in range(len(titles)))))
    units = {"x_unit": _title(titles[0])[1], "unit": _title(titles[1])[1]}
    return dict(fields, **{name: unit for name, unit in units.items() if unit})


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


# option -> (field that the part behind = fills, none: several; its reader)
_ITEMS = {
    "--number": ("value", _number, "NAME=VALUE", "a number, trended over runs"),
    "--images": ("files", _text, "NAME=PATTERN", "pictures"),
    "--table": ("", _table, "NAME=FILE.csv", "a table of numbers, each trended over runs"),
    "--root": ("files", _text, "NAME=PATTERN", "a ROOT file"),
    "--graph": ("", _graph, "NAME=FILE.csv", "a graph"),
    "--file": ("files", _text, "NAME=PATTERN", "a file to be fetched"),
    "--check": ("status", _one_status, "NAME=STATUS", "a check: good, warning, bad or none"),
}
_OF_ITEMS = {
    "--good": (_limits, "LOW,HIGH", "outside it a number is a warning"),
    "--warn": (_limits, "LOW,HIGH", "outside it a number is bad"),
    "--drift": (_drift, "WARNING,BAD", "how far it may be off the reference run, as fractions"),
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
_OF_COLUMNS = ("--good", "--warn", "--drift", "--unit")


class _Append(argparse.Action):
    """Keep the options in the order in which they were written."""

    def __call__(self, _parser, namespace, values, _option=None):
        namespace.ordered.append((self.option_strings[0], values))


def _parser():
    parser = argparse.ArgumentParser(
        prog="p3s-publish",
        usage="%(prog)s --category NAME ITEM [OPTIONS OF THE ITEM] [ITEM ...]",
        description="Publish results of a payload to p3s: numbers, pictures, tables, graphs, ROOT files, checks.",
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
            part = value.partition("=") if field in ("files", "") else value.rpartition("=")
            if not (part[0] and part[1]):
                raise _Refused("%s: write %s, got '%s'" % (option, metavar, value))
            read = reader(part[2], option)
            item = {"kind": option[2:], "name": part[0]}
            item.update({field: _plain(read, option)} if field else read)
            result.items.append(item)
        elif not result.items:
            if option != "--comment":
                raise _Refused("%s: put it behind the item it belongs to" % option)
            result.comment = value
        else:
            _add_option(result.items[-1], option, value)


def _add_option(item, option, value):
    field = option[2:]
    if item["kind"] == "table" and option in _OF_COLUMNS:
        name, equals, value = value.partition("=")
        if not equals or name not in item["columns"]:
            names = ", ".join(item["columns"])
            raise _Refused("%s: of a table write COLUMN=..., its columns are %s; got '%s'" % (option, names, name))
        item["columns"][name][field] = _plain(_OF_ITEMS[option][0](value, option), option)
        return
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
            raise _Refused("nothing to publish: add --number, --images, --table or the like (see --help)")
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
