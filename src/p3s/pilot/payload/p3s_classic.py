"""The clients of 2018 that payloads call, so that their wrappers run unchanged: what they registered becomes results of
the job within which they run.

    monrun.py -s SUMMARY.json -d FILELIST.json[,...]     also evdisp.py, evdisp2.py, purity.py
    service.py -n NAME -m TEXT
    summary.py -P

One file, standard library, any Python from 3.6 on. Files are copied into $P3S_RESULT_DIR, where the pilot reads them.
"""

import argparse
import csv
import filecmp
import json
import os
import re
import shutil
import sys
import urllib.error
import urllib.request

REGISTERING = ("monrun.py", "evdisp.py", "evdisp2.py", "purity.py")
SUMMARY, FILE_LIST = "_summary.json", "_FileList.json"
TIMEOUT_S = 15


class Wrong(Exception):
    """Nothing was done; one line that says why and what to do."""

    def __init__(self, text, code=1):
        super().__init__(text)
        self.code = code


def main(arguments=None):
    """Run the client that is named first; 0 done, 1 failed, 2 a wrong command line or what is not there any more."""
    words = sys.argv[1:] if arguments is None else arguments
    name = os.path.basename(words[0]) if words else "p3s_classic.py"
    try:
        if name in REGISTERING:
            return register(name, words[1:])
        if name == "service.py":
            return service(words[1:])
        if name == "summary.py":
            return summary(words[1:])
        raise Wrong("name a client first: %s, service.py or summary.py" % ", ".join(REGISTERING), 2)
    except Wrong as error:
        tell(name, str(error))
        return error.code
    except (OSError, ValueError) as error:
        tell(name, "%s" % error)
        return 1


def tell(name, text):
    """One line for the job's log."""
    sys.stderr.write("%s: %s\n" % (name, " ".join(text.split())))


def parser_of(name, text):
    parser = argparse.ArgumentParser(prog=name, description=text, allow_abbrev=False)
    parser.add_argument("-S", "--server", default="", help="default: $P3S_SERVER")
    parser.add_argument("-v", "--verbosity", type=int, default=0, help="1 says what is done")
    parser.add_argument("-t", "--test", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("-U", "--usage", action="help", help="print usage notes and exit")
    return parser


# ---- results


def register(name, words):
    """Bring a summary, file lists and their pictures into the result directory."""
    asked = _registering(name).parse_args(words)
    lists, table = asked.descr, asked.file
    if asked.json_in and name.startswith("evdisp") and asked.json_in.endswith(".json"):
        lists = lists or asked.json_in  # evdisp.py's -j names a file, monrun.py's a job type
    if isinstance(asked.delete, str):
        lists = lists or asked.delete  # in some months -D named the file lists, and -d deleted
    elif asked.delete or lists == "":
        raise Wrong("results are kept; a newer one of the same run is shown before an older one: nothing to delete", 2)
    _says_for_itself(name, asked.uuid)
    target = os.environ.get("P3S_RESULT_DIR", "")
    if not target:
        raise Wrong("P3S_RESULT_DIR is not set: this runs within a job of p3s (try it: p3s job test -- ./WRAPPER)")
    if name == "purity.py" and table:
        taken = _purities(table, asked, target)
    else:
        taken = _pair(name, asked, lists, target)
    if asked.verbosity or asked.test:
        print("%s: %s %s" % (name, "would publish" if asked.test else "publishes", ", ".join(taken)))
    if asked.move and not asked.test:
        os.makedirs(asked.move, exist_ok=True)
        for path in taken:
            shutil.move(path, os.path.join(asked.move, os.path.basename(path)))
    return 0


def _registering(name):
    parser = parser_of(name, "Publish the results of the current directory as those of this job.")
    parser.add_argument("-s", "--summary", default="", help="summary file, JSON")
    parser.add_argument("-d", "--descr", nargs="?", const="", default=None, help="file lists, JSON, by commas")
    parser.add_argument("-D", "--delete", nargs="?", const=True, default=None, help="not there any more")
    parser.add_argument("-a", "--auto", action="store_true", help="find the files in the current directory")
    parser.add_argument("-j", "--jobtype", "--json_in", dest="json_in", default="", help="job type, or evdisp's list")
    parser.add_argument("-f", "--file", default="", help="purity.py: a table of run, tpc, lifetime, error, count")
    parser.add_argument("-J", "-u", "--job", "--uuid", dest="uuid", default="", help="must be this job")
    parser.add_argument("-r", "--run", default="", help="RUN[::SUBRUN] instead of what the summary says")
    parser.add_argument("-i", "--id", default="", help="not there any more")
    parser.add_argument("-T", "--timestamp", default="", help="time instead of what the summary says")
    parser.add_argument("-m", "--move", default="", metavar="DIR", help="afterwards move the files there")
    return parser


def _says_for_itself(name, job):
    own = os.environ.get("P3S_JOB_UUID", "")
    if job and own and job != own:
        tell(name, "note: the results are those of this job, %s, not of %s" % (own, job))


def _pair(name, asked, lists, target):
    """The names of the files that were taken."""
    summary, lists = asked.summary, [one for one in (lists or "").split(",") if one]
    made = {}
    if asked.auto:
        here = sorted(os.listdir(os.curdir))
        summary = summary or next((one for one in here if one.endswith(SUMMARY)), "")
        lists = lists or [one for one in here if one.endswith(FILE_LIST)]
        if not lists and name.startswith("evdisp"):
            made = _pictures(here)
            lists = sorted(made)
    if not summary and not lists:
        raise Wrong("name a summary (-s) or file lists (-d), or -a for those of this directory: %s" % os.getcwd(), 2)
    about = {"run": _run(asked.run), "TimeStamp": "" if asked.timestamp == "NOW" else asked.timestamp}
    written, taken = {}, []
    if summary:
        entries = _entries(summary)
        for entry in entries:
            entry.update({key: value for key, value in about.items() if value})
            if asked.json_in:
                entry.setdefault("Type", asked.json_in)
        about = {key: value or str(entries[0].get(key, "")) for key, value in about.items()} if entries else about
        written[_named(summary, SUMMARY)] = (entries, {})
        taken.append(summary)
    for one in lists:
        entries = made.get(one) or _entries(one)
        for entry in entries:
            entry.update({key: value for key, value in about.items() if value})
        pictures = _listed(entries)
        written[_named(one, FILE_LIST)] = (entries, pictures)
        taken += ([] if one in made else [one]) + _there(name, one, pictures)
    if not asked.test:
        for file, (entries, pictures) in written.items():
            _copy(file, entries, pictures, os.path.dirname(summary or lists[0]), target)
    return taken


def _run(text):
    """RUN[::SUBRUN[::LOGGER]] in the words of a summary."""
    if not text:
        return ""
    parts = text.split("::")
    if len(parts) > 3 or not all(part.isdigit() for part in parts):
        raise Wrong("-r %s: write RUN or RUN::SUBRUN" % text, 2)
    return "run" + "_".join(parts[:2]) + ("_dl" + parts[2] if len(parts) == 3 else "")


def _entries(path):
    with open(path, encoding="utf-8-sig") as file:
        try:
            found = json.load(file)
        except ValueError as error:
            raise Wrong("%s is not JSON: %s" % (path, error)) from None
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise Wrong("%s is not a list of objects, as summaries and file lists are" % path)
    return found


def _named(path, suffix):
    """The file's own name, with the ending by which it is known for what it is."""
    name = os.path.basename(path)
    return name if name.endswith(suffix) else re.sub(r"\.json$", "", name) + suffix


def _listed(entries):
    """The files that a list names, relative to it."""
    found = {}
    for entry in entries:
        groups = entry.get("Files")
        for value in groups.values() if isinstance(groups, dict) else ():
            for part in value if isinstance(value, list) else str(value).split(","):
                if str(part).strip():
                    found[str(part).strip()] = None
    return list(found)


def _there(name, source, pictures):
    where = os.path.dirname(source)
    missing = [one for one in pictures if not os.path.isfile(os.path.join(where, one))]
    if missing:
        tell(name, "note: %d of %d files are not here: %s" % (len(missing), len(pictures), ", ".join(missing[:3])))
    return [os.path.join(where, one) for one in pictures if one not in missing]


def _copy(name, entries, pictures, where, target):
    """One JSON file with its pictures into the result directory, under their own names unless others have these."""
    in_place = os.path.realpath(where or os.curdir) == os.path.realpath(target)
    prefix, count = "", 1
    while not in_place and _taken(name, entries, pictures, where, target, prefix):
        count += 1
        prefix = "%d-" % count
    for one in () if in_place else pictures:
        source, copy = os.path.join(where, one), _inside(target, prefix, one)
        if copy and os.path.isfile(source):
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            shutil.copyfile(source, copy)
    _write(target, prefix + name, _renamed(entries, prefix))


def _write(target, name, document):
    """In one step: a job that is ended meanwhile leaves nothing half-written."""
    unfinished = os.path.join(target, ".%s.part" % name)
    with open(unfinished, "w", encoding="utf-8") as file:
        json.dump(document, file)
    os.replace(unfinished, os.path.join(target, name))


def _renamed(entries, prefix):
    """The entries of a file list with its files under the names of their copies."""
    if not prefix:
        return entries
    renamed = []
    for entry in entries:
        groups = entry.get("Files")
        if isinstance(groups, dict):
            entry = dict(entry, Files={group: _prefixed(value, prefix) for group, value in groups.items()})
        renamed.append(entry)
    return renamed


def _prefixed(value, prefix):
    parts = value if isinstance(value, list) else str(value).split(",")
    return [_with_prefix(str(part).strip(), prefix) for part in parts]


def _with_prefix(name, prefix):
    return os.path.join(os.path.dirname(name), prefix + os.path.basename(name))


def _inside(target, prefix, name):
    """Where a picture is copied to; None for a name that leads out of the directory."""
    clean = os.path.normpath(name)
    if os.path.isabs(clean) or clean.split(os.sep)[0] == os.pardir:
        return None
    return os.path.join(target, _with_prefix(clean, prefix))


def _taken(name, entries, pictures, where, target, prefix):
    """Whether another file has one of the names already; what was published before is no other."""
    there = os.path.join(target, prefix + name)
    if os.path.exists(there) and _entries(there) != _renamed(entries, prefix):
        return True
    for one in pictures:
        copy, source = _inside(target, prefix, one), os.path.join(where, one)
        if copy and os.path.exists(copy) and not (os.path.isfile(source) and filecmp.cmp(source, copy, shallow=False)):
            return True
    return False


def _pictures(here):
    """evdisp's -a: the pictures of the directory, raw and prepared ones apart."""
    groups = {}
    for name in here:
        if name.lower().endswith(".png"):
            kind = next((word for word in ("raw", "prep") if word in name), "other")
            groups.setdefault(kind, []).append(name)
    if not groups:
        return {}
    first = next(iter(groups.values()))[0]
    entry = {"Category": "Event display", "Files": groups}
    if re.search(r"run_?\d", first):
        entry["run"] = first
    return {"evdisp" + FILE_LIST: [entry]}


def _purities(path, asked, target):
    """A table of purity: one result a run, a lifetime for each TPC."""
    results = {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = [[cell.strip().rstrip(",") for cell in row if cell.strip()] for row in csv.reader(_commas(file))]
    for number, row in enumerate(rows[1:], 2):  # the first is a header
        if not row:
            continue
        if len(row) < 4:
            raise Wrong("%s line %d: write run, tpc, lifetime, error, count" % (path, number))
        run, tpc, lifetime, error = row[:4]
        place = asked.run.split("::") if asked.run else [run]
        document = {"p3s_result": 1, "category": "Purity", "run": int(place[0]), "items": []}
        if len(place) > 1:
            document["subrun"] = int(place[1])
        document = results.setdefault(tuple(place), document)
        by = {"tpc": int(tpc) if tpc.isdigit() else tpc}
        item = {"kind": "number", "name": "lifetime", "by": by, "value": _finite(lifetime), "unit": "ms"}
        if _finite(error) is not None:
            item["error"] = _finite(error)
        document["items"].append(item)
        if len(row) > 4:
            document["items"].append({"kind": "number", "name": "count", "by": by, "value": _finite(row[4])})
    if not results:
        raise Wrong("%s has no line below its header" % path)
    if not asked.test:
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", os.path.basename(path))
        _write(target, "p3s-result-purity-%s.json" % stem, list(results.values()))
    return [path]


def _commas(lines):
    """Cells are separated by commas, blanks or both."""
    return (re.sub(r"[,\s]+", ",", line.strip()) for line in lines)


def _finite(text):
    number = float(text)
    return number if abs(number) < float("inf") else None


# ---- the server


def service(words):
    """Say how a service stands."""
    parser = parser_of("service.py", "Publish a message of a service.")
    parser.add_argument("-n", "--name", default="", help="the service")
    parser.add_argument("-m", "--message", default="", help="how it stands")
    parser.add_argument("-d", "--delete", action="store_true", help="not there any more")
    parser.add_argument("-i", "--id", default="", help="not there any more")
    asked = parser.parse_args(words)
    if asked.delete:
        raise Wrong("messages are kept for a while and go by themselves: nothing to delete", 2)
    if not asked.name or not asked.message:
        raise Wrong("name the service and what it says: service.py -n NAME -m TEXT", 2)
    if asked.test:
        print("service.py: would report for %s: %s" % (asked.name, asked.message))
        return 0
    path = "/api/v1/services/%s/reports" % urllib.request.quote(asked.name, safe="")
    ask(asked.server, path, {"text": asked.message})
    return 0


def summary(words):
    """Counts of pilots, jobs, workflows and datasets."""
    parser = parser_of("summary.py", "Show how much there is of what.")
    parser.add_argument("-P", "--printout", action="store_true", help="all counts")
    parser.add_argument("-p", "--pilots", action="store_true", help="the number of live pilots alone")
    asked = parser.parse_args(words)
    pilots = ask(asked.server, "/api/v1/pilots")["pilots"]
    if asked.pilots and not asked.printout:
        print(len(pilots))
        return 0
    running = sum(1 for one in pilots if one["out"])
    silent = sum(1 for one in pilots if one.get("silent_s") is not None)
    print("Pilots: total %d, idle %d, running %d, silent %d" % (len(pilots), len(pilots) - running, running, silent))
    counts = ask(asked.server, "/api/v1/summary")
    for name in ("jobs", "workflows"):
        states = ", ".join("%s %d" % one for one in sorted(counts[name].items()))
        print("%s: %s" % (name.capitalize(), states or "none"))
    print("Datasets: %d" % counts["datasets"])
    return 0


def ask(server, path, body=None):
    """The JSON that the server answers. Raises Wrong."""
    named = (server or os.environ.get("P3S_SERVER", "")).rstrip("/")
    if not named:
        raise Wrong("P3S_SERVER is not set: there is no server to ask (p3s job test runs without one)")
    url = named if "://" in named else "http://" + named
    headers = {"Authorization": "Bearer " + os.environ.get("P3S_TOKEN", ""), "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, headers if os.environ.get("P3S_TOKEN") else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # as the pilot does: no proxy between
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            return json.loads(answer.read().decode())
    except urllib.error.HTTPError as error:
        raise Wrong("%s refused it: %s" % (named, _detail(error))) from None
    except (OSError, ValueError) as error:
        raise Wrong("%s does not answer: %s" % (named, getattr(error, "reason", error))) from None


def _detail(error):
    """What a problem document says, or the status."""
    try:
        return json.loads(error.read().decode())["detail"]
    except (OSError, ValueError, KeyError, TypeError):
        return "HTTP %d" % error.code


if __name__ == "__main__":
    sys.exit(main())
