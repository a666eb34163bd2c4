"""Publish results from a payload: pictures, numbers, tables, graphs, ROOT files, checks; shown by p3s a moment later.

    from p3s_result import Result

    with Result("TPC monitor") as r:
        r.images("Hits", "hits_{plane:a}{apa:d}.png", rows="apa", columns="plane", expect=18)
        r.number("dead channels", 12, good=(0, 40), warn=(0, 100), unit="ch")
        r.table("Channels", {1: [12, 128], 2: [9, None]}, {"dead": {"unit": "ch", "good": (0, 40)}, "noisy": {}}, "apa")
        r.graph("HV", [1, 2], [3.1, 3.0], x_unit="s", unit="kV")
        r.root("ADC", "hist.root", objects=["adc/h{plane:a}"], draw="colz", log="z")
        r.file("log", "lar.log")
        r.check("FEMBs", "bad", comment="119 of 120 from event 7")

One file, standard library, any Python from 3.6 on: copy it beside your script if p3s did not put it on
your path. It writes one small JSON file into $P3S_RESULT_DIR (or the current directory), in one step,
when the `with` block ends without an error. The files that items name must be in the same directory.

In file patterns {x:d} stands for digits, {x:a} for letters, {x} and * for anything but a slash; what the
fields match become the coordinates by which the pictures are laid out.
"""

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

    def number(self, name, value, error=None, unit=None, good=None, warn=None, drift=None, **more):
        """A number that is trended over runs; outside good=(low, high) is a warning, outside warn is bad.

        None on a side means no limit there; a value that is None, NaN or infinite is shown as missing.
        drift=(0.2, 0.5): a fifth off the reference run's value is a warning, half is bad.
        """
        more.update(error=error, unit=unit, good=good, warn=warn, drift=drift)
        return self._add("number", name, more, value=value)

    def table(self, name, values, columns=None, rows=None, **more):
        """A table of numbers, each cell trended over runs; `rows` names the coordinate that tells the rows apart.

        values: {row: [a number for each column]}, or {row: {column: number}}. columns: their names, or a dict
        {"dead": {"unit": "ch", "good": (0, 40), "warn": (0, 100), "drift": (0.2, 0.5)}}; not needed where the rows
        are dicts.
        """
        if not hasattr(values, "items"):
            raise TypeError("table '%s', values: write a dict {row: [numbers]} or {row: {column: number}}" % name)
        if columns is None:
            columns = _column_names(name, values)
        elif hasattr(columns, "items"):
            columns = {str(column): about for column, about in columns.items()}
        else:
            columns = [str(column) for column in columns]
        table = {str(row): _row(name, row, numbers_of_row, columns) for row, numbers_of_row in values.items()}
        if len(table) != len(values):
            raise ValueError("table '%s': two rows are written alike; give each its own label" % name)
        return self._add("table", name, more, rows=rows, columns=columns, values=table)

    def graph(self, name, x, y, error=None, x_unit=None, unit=None, **more):
        """A graph: as many of x, y and, if any, of error (of y). NaN in y leaves a hole; unit is that of y."""
        return self._add("graph", name, more, x=x, y=y, error=error, x_unit=x_unit, unit=unit)

    def file(self, name, files, expect=None, **more):
        """A file, or several, to be fetched."""
        return self._add("file", name, more, files=files, expect=expect)

    def root(self, name, files, objects=None, draw=None, log=None, **more):
        """A ROOT file, drawn in the browser: objects are paths inside it, draw is ROOT's option, log="z"."""
        return self._add("root", name, more, files=files, objects=objects, draw=draw, log=log)

    def check(self, name, status, comment=None, **more):
        """A check: status is good, warning, bad or none, or True for good and False for bad."""
        return self._add("check", name, more, status=_status(status), comment=comment)

    def publish(self):
        """Write the result file in one step and give its path; a second time replaces the first."""
        text = json.dumps(self.document(), indent=1, allow_nan=False)
        os.makedirs(self.directory, exist_ok=True)
        if self.path is None:
            self.path = _reserve(self.directory, _slug(self.category))
        temporary = _temporary(self.path)
        with open(temporary, "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, self.path)
        self._say_what_lies_elsewhere()
        return self.path

    def _say_what_lies_elsewhere(self):
        """A file that was written here, and is looked for in the result directory: seldom meant."""
        for item in self.items:
            files = item.get("files", ())
            for name in [files] if isinstance(files, str) else files:
                here = isinstance(name, str) and os.path.exists(name)
                if here and not os.path.exists(os.path.join(self.directory, name)):
                    said = "p3s: %s '%s': %s is in the current directory; results are taken from P3S_RESULT_DIR (%s)\n"
                    sys.stderr.write(said % (item["kind"], item["name"], name, self.directory))

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


def _column_names(name, values):
    """Of rows that are dicts: the names in them, in the order in which they come."""
    names = {}
    for row in values.values():
        if not hasattr(row, "keys"):
            raise ValueError("table '%s': write columns=[...], or each row as a dict {column: number}" % name)
        names.update((str(column), None) for column in row)
    return list(names)


def _row(name, label, row, columns):
    """The numbers of a row in the order of the columns; what it does not have is a hole."""
    if not hasattr(row, "items"):
        return row
    given = {str(column): number for column, number in row.items()}
    strange = [column for column in given if column not in columns]
    if strange:
        raise ValueError("table '%s', row %s: there is no column '%s'" % (name, label, strange[0]))
    return [given.get(column) for column in columns]


def inputs(pattern="*", category=None, directory=None):
    """Fetch what this job reads of other jobs' results; the local paths of the files that match (see p3s_inputs)."""
    from p3s_inputs import inputs as fetched

    return fetched(pattern, category, directory)


def _plain(value, where):
    """A value as JSON has it: numpy scalars and arrays unwrapped, NaN and infinities as null."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(entry, where) for key, entry in value.items()}
    if isinstance(value, (list, tuple, range, set, frozenset)):
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
