"""Bring what a job reads to where it runs: the files that other jobs have published, over HTTP.

    from p3s_result import inputs          # or: from p3s_inputs import inputs

    for path in inputs("*.root"):
        ...

From the shell: hadd -f "$P3S_RESULT_DIR/sum.root" $(p3s-inputs '*.root')

One file, standard library, any Python from 3.6 on. Where and as what it asks, p3s says in the environment: P3S_SERVER,
P3S_TOKEN, P3S_JOB_UUID. Files come into p3s-inputs below the job's directory, those of each job in a directory of their
own; what is there already is not fetched again. While the server is away it is asked again, for some minutes.
"""

import argparse
import fnmatch
import http.client
import json
import os
import sys
import time
from urllib.parse import quote, urlencode, urlsplit

PATIENCE_S = 300.0
TIMEOUT_S = 60.0
CHUNK = 256 * 1024
PAGE = 1000
LATER = (502, 503, 504)


class InputsError(Exception):
    """What went wrong, in one line, with what to do about it."""


def inputs(pattern="*", category=None, directory=None):
    """Fetch the files that match and give their local paths, in the order in which their jobs were made.

    pattern: of a file's path in its job's results, or of its name; or a list of patterns. category: of the results.
    Errors: InputsError.
    """
    server = _Server()
    top = os.path.join(os.fspath(directory or os.environ.get("P3S_JOB_DIR") or os.curdir), "p3s-inputs")
    return [_fetched(server, top, entry, file) for entry, file in _matching(server.inputs(), pattern, category)]


def listing():
    """What the job reads, without fetching: a list of dicts as the server tells them. Errors: InputsError."""
    return _Server().inputs()


def raw():
    """The files of data behind it: a path where it is one, else an address, each once. Errors: InputsError."""
    urls = [entry["url"] for entry in listing() if entry["url"]]
    return [url[7:] if url.startswith("file://") else url for url in dict.fromkeys(urls)]


def _matching(entries, pattern, category):
    """(what is read, file of it) of the files that match and are there."""
    patterns = [pattern] if isinstance(pattern, str) else list(pattern)
    for entry in entries:
        for file in entry["files"]:
            if category not in (None, file["category"]):
                continue
            names = (file["path"], file["path"].rsplit("/", 1)[-1])
            if any(fnmatch.fnmatchcase(name, one) for name in names for one in patterns):
                if file["size"] is None:
                    _say("%s of job %s is left out: the server has it no more" % (file["path"], entry["job"]))
                else:
                    yield entry, file


def _fetched(server, top, entry, file):
    """The local path of a file, once it is there whole."""
    parts = [entry["job"], *file["path"].split("/")]
    if any(part in ("", ".", "..") for part in parts):
        raise InputsError("the server names a file %r; this is no path of a result" % file["path"])
    path = os.path.join(top, *parts)
    if os.path.isfile(path) and os.path.getsize(path) == file["size"]:
        return path
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        server.fetch("/inputs/%s/files/%s" % (entry["job"], quote(file["path"])), path)
    except OSError as error:
        raise InputsError("cannot write %s: %s" % (path, error.strerror or error)) from None
    return path


class _Server:
    """Asks for one job, over one connection that is opened anew when it breaks."""

    def __init__(self):
        missing = [name for name in ("P3S_SERVER", "P3S_TOKEN", "P3S_JOB_UUID") if not os.environ.get(name)]
        if missing:
            raise InputsError("%s is not set; p3s sets it for every payload, by hand set it yourself" % missing[0])
        text = os.environ["P3S_SERVER"].strip().rstrip("/")
        self.url = text if "://" in text else "http://" + text
        parts = urlsplit(self.url)
        try:
            self.place = (parts.hostname, parts.port)
        except ValueError:
            self.place = (None, None)
        if parts.scheme not in ("http", "https") or not self.place[0]:
            raise InputsError("P3S_SERVER is %r; write http://HOST:PORT" % text)
        self.kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.prefix = parts.path + "/api/v1/jobs/" + quote(os.environ["P3S_JOB_UUID"], safe="")
        self.headers = {"Authorization": "Bearer " + os.environ["P3S_TOKEN"]}
        self.connection = None

    def inputs(self):
        found, cursor = [], ""
        while cursor is not None:
            asked = {"limit": PAGE, "cursor": cursor} if cursor else {"limit": PAGE}
            try:
                page = json.loads(self._patiently("/inputs?" + urlencode(asked), _whole).decode("utf-8"))
                found += page["inputs"]
                cursor = page["next"]
            except (ValueError, KeyError, TypeError):
                raise InputsError("what answers at %s is no p3s server that tells inputs" % self.url) from None
        return found

    def fetch(self, path, target):
        """Into a file that appears when it is whole."""
        temporary = os.path.join(os.path.dirname(target), ".%s.part" % os.path.basename(target))
        try:
            self._patiently(path, lambda answer: _into(answer, temporary))
            os.replace(temporary, target)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)

    def _patiently(self, path, taken):
        """What `taken` makes of the answer; asked again while the server is away or breaks off."""
        until, pause = time.monotonic() + PATIENCE_S, 0.2
        while True:
            try:
                return self._once(path, taken)
            except _Later as error:
                self._close()
                if time.monotonic() + pause > until:
                    raise InputsError("no answer from %s: %s" % (self.url, error)) from None
            time.sleep(pause)
            pause = min(5.0, pause * 2)

    def _once(self, path, taken):
        try:
            if self.connection is None:
                self.connection = self.kind(*self.place, timeout=TIMEOUT_S)
            self.connection.request("GET", self.prefix + path, headers=self.headers)
            answer = self.connection.getresponse()
            if answer.status == 200:
                return taken(answer)
            said = _whole(answer)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, _Local):
                raise error.error from None
            raise _Later(str(error) or type(error).__name__) from None
        if answer.status in LATER:
            raise _Later("it answers %d" % answer.status)
        raise InputsError(_detail(said) or "the server answers %d" % answer.status)

    def _close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class _Later(Exception):
    """Not now."""


class _Local(OSError):
    """An error of our own disk, not of the connection."""

    def __init__(self, error):
        super().__init__(str(error))
        self.error = error


def _whole(answer):
    data = answer.read()
    if answer.length:
        raise http.client.IncompleteRead(data, answer.length)
    return data


def _into(answer, path):
    """Write what comes; a body that breaks off is an error of the connection, a full disk one of ours."""
    try:
        stream = open(path, "wb")
    except OSError as error:
        raise _Local(error) from None
    with stream:
        while True:
            chunk = answer.read(CHUNK)
            if not chunk:
                break
            try:
                stream.write(chunk)
            except OSError as error:
                raise _Local(error) from None
    if answer.length:
        raise http.client.IncompleteRead(b"", answer.length)


def _detail(body):
    try:
        return str(json.loads(body.decode("utf-8"))["detail"])
    except (ValueError, KeyError, TypeError):
        return ""


# The command line, used by p3s-inputs.

_EXAMPLES = """\
examples:
  hadd -f "$P3S_RESULT_DIR/sum.root" $(p3s-inputs '*.root')
  p3s-inputs 'hist*.root' --category "TPC monitor"
  p3s-inputs --list
  for file in $(p3s-inputs --raw); do ...; done

Exit codes: 0 done, 1 nothing matches or it cannot be fetched, 2 wrong arguments.
"""


def _parser():
    parser = argparse.ArgumentParser(
        prog="p3s-inputs",
        description="Fetch what this job reads of other jobs' results, and print where the files are, one a line.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("patterns", metavar="PATTERN", nargs="*", help="of names or paths, such as '*.root'; all")
    parser.add_argument("--category", metavar="NAME", help="only files of results of this category")
    parser.add_argument("--directory", metavar="DIR", help="where p3s-inputs comes to lie; default: the job's own")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--list", action="store_true", help="tell what there is, fetch nothing")
    how.add_argument("--json", action="store_true", help="the same as JSON")
    how.add_argument("--raw", action="store_true", help="print the files of data behind it, fetch nothing")
    return parser


def _tell(options):
    """The lines to print. Errors: InputsError, also when there are none."""
    patterns = options.patterns or ["*"]
    if options.raw:
        found = raw()
        if not found:
            raise InputsError("this job reads no data")
        return found
    if not (options.list or options.json):
        found = inputs(patterns, options.category, options.directory)
        if not found:
            raise InputsError(_nothing(listing(), patterns))
        return found
    entries = listing()
    files = list(_matching(entries, patterns, options.category))
    if options.json:
        chosen = [dict(entry, files=[file for one, file in files if one is entry]) for entry in entries]
        return [json.dumps(chosen, indent=1, sort_keys=True)]
    if not files:
        raise InputsError(_nothing(entries, patterns))
    line = "%s  %10d  %s  %s  (%s)"
    return [line % (one["job"], file["size"], one["name"], file["path"], file["category"]) for one, file in files]


def _nothing(entries, patterns):
    files = sum(len(entry["files"]) for entry in entries)
    if not files:
        return "no file to fetch: this job reads no results of other jobs, or they have none; --raw tells its data"
    return "none of %d files matches %s; p3s-inputs --list shows them" % (files, " ".join(map(repr, patterns)))


def _say(text):
    sys.stderr.write("p3s-inputs: %s\n" % text)


def main(arguments=None):
    """Run the command line; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        sys.stdout.write("".join(line + "\n" for line in _tell(options)))
        sys.stdout.flush()
    except InputsError as error:
        _say(error)
        return 1
    except (BrokenPipeError, KeyboardInterrupt):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
