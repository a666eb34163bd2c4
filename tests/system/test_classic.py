"""2018's descriptions, wrappers and command lines on a real server and pilot: they run, and their results appear."""

import json
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from p3s.protocol.catalogue import DataTypeSpec

pytestmark = pytest.mark.system

Place = Any
NAME = "np04_raw_run003907_0001_dl1.root"


class Old:
    """The old command lines, in a directory of stand-ins."""

    def __init__(self, place: Place, directory: Path) -> None:
        self.place, self.directory = place, directory
        done = place.p3s("classic", "install", str(directory))
        assert done.returncode == 0, done.stderr

    def __call__(self, client: str, *words: str, code: int = 0, **env: str) -> str:
        done = subprocess.run(
            [str(self.directory / client), *words],
            env=self.place.env(**env),
            cwd=self.place.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def old(shared_place: Place, tmp_path_factory: pytest.TempPathFactory) -> Old:
    return Old(shared_place, tmp_path_factory.mktemp("p3s") / "clients")


def taken(classic: Path, name: str, tmp_path: Path) -> Path:
    """A copy of a wrapper, executable, or of a description with its paths set."""
    copy = tmp_path / Path(name).name
    if copy.suffix == ".sh":
        shutil.copy(classic / name, copy)
        copy.chmod(0o755)
    else:
        copy.write_text((classic / name).read_text().replace("PATH_TO_BE_SET", str(tmp_path)))
    return copy


def results_of(place: Place, job: str) -> dict[str, dict[str, Any]]:
    return {one["category"]: one for one in place.client.results() if one["job"] == job}


def page(place: Place, path: str) -> str:
    with urllib.request.urlopen(f"{place.url}{path}", timeout=20) as answer:
        return str(answer.read().decode())


# ---- graphs


@pytest.fixture(scope="module")
def text_type(shared_place: Place) -> None:
    shared_place.client.set_data_type(DataTypeSpec("TXT", ".txt"))


@pytest.fixture
def lines(classic: Path, tmp_path: Path) -> list[str]:
    """Of the input of 2018's filters, which is in the test's directory then."""
    shutil.copy(classic / "input.txt", tmp_path)
    return (tmp_path / "input.txt").read_text().splitlines()


def count(lines: list[str], word: str) -> str:
    return f"{sum(word in line for line in lines)}\n"


def moved(classic: Path, name: str, tmp_path: Path) -> str:
    """FILEINFO of 2018 with the paths of one test, nothing else changed."""
    info = json.loads((classic / name).read_text())
    return json.dumps({edge: {**said, "dirpath": f"{tmp_path}/"} for edge, said in info.items()})


def finished(place: Place, workflow: str) -> None:
    def look() -> bool:
        state = place.client.workflow(workflow)["state"]
        assert state not in ("failed", "cancelled"), place.p3s("workflow", "show", workflow).stdout
        return bool(state == "finished")

    place.until(f"workflow {workflow} is finished", look)


@pytest.mark.usefixtures("text_type")
def test_one_filter_runs_the_old_way(
    shared_place: Place, old: Old, classic: Path, tmp_path: Path, lines: list[str]
) -> None:
    old("workflow.py", "-g", str(classic / "1filter.graphml"), "-D", "counts")
    info, jobs = moved(classic, "fileinfo_1filter.json", tmp_path), str(classic / "jobinfo_1filter.json")
    workflow = old("workflow.py", "-a", "1filter", "-n", "mine", "-f", info, "-j", jobs).strip()
    assert shared_place.client.workflow(workflow)["state"] == "held"
    old("workflow.py", "-m", "-u", workflow, "-s", "defined")
    finished(shared_place, workflow)
    assert (tmp_path / "output.txt").read_text() == count(lines, "TEST")


@pytest.mark.usefixtures("text_type")
def test_three_filters_run_the_old_way_and_the_new(
    shared_place: Place, old: Old, classic: Path, tmp_path: Path, lines: list[str]
) -> None:
    info = tmp_path / "info.json"
    info.write_text(moved(classic, "fileinfo_3filters_mod.json", tmp_path))
    old("workflow.py", "-g", str(classic / "3filters.graphml"), "-n", "three")
    finished(shared_place, old("workflow.py", "-a", "three", "-s", "defined", "-f", str(info)).strip())
    outputs = [tmp_path / f"output{number}.txt" for number in (1, 2, 3)]
    assert [file.read_text() for file in outputs] == [count(lines, f"TEST{number}") for number in (1, 2, 3)]
    for file in outputs:
        file.unlink()
    done = shared_place.p3s("workflow", "start", "three", "--fileinfo", str(info), "--wait")
    assert done.returncode == 0, done.stderr
    assert [file.read_text() for file in outputs] == [count(lines, f"TEST{number}") for number in (1, 2, 3)]


@pytest.mark.usefixtures("text_type")
def test_parallel_edges_run_and_names_are_generated_unless_said(
    shared_place: Place, classic: Path, tmp_path: Path, lines: list[str]
) -> None:
    assert shared_place.p3s("workflow", "template", "put", str(classic / "parallel_edges.graphml")).returncode == 0
    info = json.dumps({edge: {"dirpath": str(tmp_path)} for edge in ("source:split", "split:join", "join:sink")})
    done = shared_place.p3s("workflow", "start", "parallel_edges", "--fileinfo", info, "--wait")
    assert done.returncode == 0, done.stderr
    workflow = done.stdout.strip()
    found = {file.name: file.read_text().splitlines() for file in tmp_path.glob(f"{workflow[:8]}-*")}
    one, three = ([line for line in lines if word in line] for word in ("TEST1", "TEST3"))
    assert found == {
        f"{workflow[:8]}-split-ONE.txt": one,
        f"{workflow[:8]}-split-THREE.txt": three,
        f"{workflow[:8]}-join-OUTTXT.txt": one + three,
    }


def test_a_graph_is_fetched_and_deleted_the_old_way(old: Old, classic: Path) -> None:
    old("workflow.py", "-g", str(classic / "1filter.graphml"), "-n", "fetched")
    assert old("workflow.py", "-G", "fetched") == (classic / "1filter.graphml").read_text()
    old("workflow.py", "-d", "-w", "dag", "-n", "fetched")
    assert "was deleted" in old("workflow.py", "-a", "fetched", code=6)


# ---- descriptions and wrappers


def test_the_monitor_wrapper_runs_unchanged_and_its_results_appear(
    shared_place: Place, old: Old, classic: Path, tmp_path: Path
) -> None:
    taken(classic, "wrappers/monitor_like.sh", tmp_path)
    description = taken(classic, "wrappers/monitor_like.json", tmp_path)
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / NAME).write_text("1\n2\n3\n")
    job = shared_place.ended(old("job.py", "-j", str(description), "-f", NAME).strip())
    assert (job["state"], job["jobtype"]) == ("finished", "monitor")
    found = results_of(shared_place, job["uuid"])
    assert {name: (one["run"], one["subrun"], one["keys"]) for name, one in found.items()} == {
        "monitor": (3907, 1, {"dl": 1}),
        "TPC monitor": (3907, 1, {"dl": 1}),
    }
    [service] = [one for one in shared_place.client.services() if one["name"] == "monitor"]
    assert service["said"] == f"processing {NAME}"
    shown = page(shared_place, "/runs/3907")
    assert "NDead Channels" in shown
    assert "hits_U1.png" in shown
    with urllib.request.urlopen(
        f"{shared_place.url}/api/v1/results/{found['TPC monitor']['id']}/files/hits_U1.png", timeout=20
    ) as picture:
        assert picture.read().startswith(b"\x89PNG")


def test_a_wrapper_that_exits_with_0_after_a_failed_step_is_seen_by_what_it_did_not_publish(
    shared_place: Place, old: Old, classic: Path, tmp_path: Path
) -> None:
    """It works in a directory elsewhere, its step of publishing is not there, and nobody looks at its status."""
    taken(classic, "wrappers/monitor_like.sh", tmp_path)
    description = taken(classic, "wrappers/monitor_like.json", tmp_path)
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / NAME).write_text("1\n2\n3\n")
    [job] = json.loads(description.read_text())
    client = shared_place.client
    client.change_job_type("wrapped", expects=("TPC monitor", "TPC monitor/Hits"))

    def run(**env: str) -> tuple[str, str]:
        description.write_text(json.dumps([{**job, "jobtype": "wrapped", "env": {**job["env"], **env}}]))
        ended = shared_place.ended(old("job.py", "-j", str(description), "-f", NAME).strip())
        return ended["state"], ended["reason"]

    assert run(P3S_HOME="/no/clients/here") == ("finished", "published nothing")
    [alarm] = [one for one in client.alarms() if one["kind"] == "results"]
    assert alarm["message"].startswith("wrapped published nothing: 1 job, the latest ")
    assert "wrapped published nothing" in shared_place.p3s("alarm", "list").stdout
    assert run() == ("finished", "")
    assert [one for one in client.alarms() if one["kind"] == "results"] == []


def test_what_lies_in_the_working_directory_is_published_without_any_client(shared_place: Place) -> None:
    entry = {"run": "run004001_0002_dl03", "Type": "femb", "APA": "1, 2", "dead": "4,5"}
    payload = shared_place.script(
        "leaves.sh", f"#!/bin/sh\necho '[{json.dumps(entry)}]' > run004001_0002_summary.json\n"
    )
    done = shared_place.p3s("job", "submit", "--wait", "--", payload)
    assert done.returncode == 0, done.stderr
    [result] = results_of(shared_place, done.stdout.strip()).values()
    assert (result["category"], result["run"], result["subrun"], result["keys"]) == ("femb", 4001, 2, {"dl": 3})


def test_the_main_monitor_description_runs_with_its_paths_set(
    shared_place: Place, old: Old, classic: Path, tmp_path: Path
) -> None:
    [job] = json.loads((classic / "monitor_main.json").read_text())
    job["payload"] = shared_place.script("main.sh", "#!/bin/sh\nenv\n")
    job["env"]["P3S_INPUT_DIR"] = str(tmp_path)
    description = tmp_path / "monitor_main.json"
    description.write_text(json.dumps([job]))
    ended = shared_place.ended(old("job.py", "-j", str(description), "-f", NAME, "-V", "v07_13_01").strip())
    assert (ended["state"], ended["name"], ended["time_limit"]) == ("finished", "Monitor:Main", 1000)
    lines = shared_place.client.log(ended["uuid"]).splitlines()
    expected = {f"P3S_INPUT_FILE={NAME}", "DUNETPCVER=v07_13_01", "P3S_FCL=pdsp_decode_rawtpcmonitor.fcl"}
    assert expected <= set(lines)


@pytest.mark.parametrize("name", ["printEnv.json", "job_template1.json"])
def test_descriptions_that_need_nothing_run_as_they_are(
    shared_place: Place, old: Old, classic: Path, name: str
) -> None:
    job = old("job.py", "-j", str(classic / name)).strip()
    if name == "job_template1.json":  # it sleeps 30 s
        shared_place.job_is(job, "running")
        old("job.py", "-k", "-u", job)
        assert shared_place.ended(job)["state"] == "cancelled"
    else:
        assert shared_place.ended(job)["state"] == "finished"


def test_the_three_simple_jobs_run_by_the_old_command_line(
    shared_place: Place, old: Old, classic: Path, tmp_path: Path
) -> None:
    jobs = json.loads((classic / "threeSimpleJobs.json").read_text())
    for job in jobs:
        job["payload"] = shared_place.script(
            "cat.sh", "#!/bin/bash\ncat $P3S_INPUT_DIR/$P3S_INPUT_FILE > $P3S_OUTPUT_FILE\n"
        )
        job["env"] |= {"P3S_INPUT_DIR": str(tmp_path), "P3S_OUTPUT_FILE": str(tmp_path / f"{job['name']}.out")}
        (tmp_path / job["env"]["P3S_INPUT_FILE"]).write_text(job["name"])
    description = tmp_path / "three.json"
    description.write_text(json.dumps(jobs))
    for job in old("job.py", "-j", str(description)).split():
        assert shared_place.ended(job)["state"] == "finished"
    assert [(tmp_path / f"{job['name']}.out").read_text() for job in jobs] == ["job1", "job2", "job3"]


# ---- other command lines


def test_limits_of_job_types_are_set_and_listed(old: Old) -> None:
    old("job.py", "-l", "-T", "old-limit", "-L", "0")
    [line] = [one for one in old("job.py", "-l").splitlines() if one.startswith("old-limit")]
    assert line.split()[:3] == ["old-limit", "0", "0"]


def test_a_job_is_held_and_released_by_its_state(shared_place: Place, old: Old, tmp_path: Path) -> None:
    old("job.py", "-l", "-T", "braked", "-L", "0")
    description = tmp_path / "one.json"
    description.write_text('[{"name": "x", "jobtype": "braked", "payload": "/bin/true", "priority": "1"}]')
    job = old("job.py", "-j", str(description)).strip()
    old("job.py", "-a", "-u", job, "-s", "template", "-P", "7")
    found = shared_place.client.job(job)
    assert (found["state"], found["priority"]) == ("held", 7)
    old("job.py", "-a", "-u", job, "-s", "defined")
    assert shared_place.client.job(job)["state"] == "defined"


def test_the_same_file_makes_no_second_job(shared_place: Place, old: Old, tmp_path: Path) -> None:
    description = tmp_path / "one.json"
    description.write_text('[{"name": "x", "payload": "/bin/true", "env": {"P3S_INPUT_DIR": "/x"}}]')
    words = ["-g", "-J", str(description), "-f", "a.root", "-i", str(tmp_path)]
    first = old("dataset.py", *words)
    assert old("dataset.py", *words) == first
    assert old("dataset.py", *words, "-A") != first
    assert shared_place.client.job(first.strip())["env"]["P3S_INPUT_DIR"] == str(tmp_path)


def test_a_pilot_started_the_old_way_serves(shared_place: Place, old: Old) -> None:
    shared_place.spawn("old", str(old.directory / "pilot.py"), "-s", "lxvm", "-c", "100", "-e", "1234.0")
    shared_place.until("the pilot is there", lambda: {"lxvm"} & {one["site"] for one in shared_place.client.pilots()})
    assert int(old("summary.py", "-p")) >= 2
    assert old("summary.py", "-P").startswith("Pilots: total ")


def test_a_pilot_ends_after_its_cycles_and_its_job(shared_place: Place, old: Old) -> None:
    pilot = shared_place.spawn("short", str(old.directory / "pilot.py"), "-s", "short", "-c", "3", "-p", "1")
    shared_place.until("the pilot has ended", lambda: pilot.poll() is not None)
    assert pilot.returncode == 0
    assert "ends: its life is over" in shared_place.log("short")


def test_cron_reports_for_a_service_the_old_way(shared_place: Place, old: Old) -> None:
    old("service.py", "-n", "tscan", "-m", "5 files")
    [found] = [one for one in shared_place.client.services() if one["name"] == "tscan"]
    assert found["said"] == "5 files"
    assert "not a name" in old("service.py", "-n", "a b", "-m", "x", code=1)


def test_a_server_that_is_named_gets_no_token_of_another(shared_place: Place, old: Old) -> None:
    assert "refused it" in old("service.py", "-S", shared_place.url, "-n", "tscan", "-m", "x", code=1)


def test_pilots_are_ended_and_cleared_the_old_way(shared_place: Place, old: Old) -> None:
    shared_place.start_pilot("--site", "doomed", name="doomed")
    [pilot] = [one["uuid"] for one in shared_place.client.pilots() if one["site"] == "doomed"]
    old("pilot.py", "-k", "-s", "doomed")
    shared_place.until(
        "the pilot has ended", lambda: pilot not in {one["uuid"] for one in shared_place.client.pilots()}
    )
    assert old("purge.py", "-w", "pilot", "-s", "stopped").startswith("removed: ")


def test_what_is_not_there_yet_ends_with_2_and_says_so(old: Old) -> None:
    assert "p3s pilot start --site" in old("siteinfo.py", "-j", "x.json", code=2)


def test_test_says_what_a_command_line_is_now(old: Old) -> None:
    assert old("job.py", "-t", "-j", "a b.json", "-V", "v1") == "p3s job submit 'a b.json' -e DUNETPCVER=v1\n"


def test_installing_again_replaces_stand_ins_and_nothing_else(shared_place: Place, old: Old, tmp_path: Path) -> None:
    assert shared_place.p3s("classic", "install", str(old.directory)).returncode == 0
    (tmp_path / "job.py").write_text("print('mine')")
    done = shared_place.p3s("classic", "install", str(tmp_path))
    assert done.returncode in (1, 2)
    assert "files that are not stand-ins: job.py" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["job.py"]


def test_a_job_is_run_again_by_hand(shared_place: Place) -> None:
    payload = shared_place.script("again.sh", '#!/bin/sh\np3s-publish --category C --number n=1\necho "it was $X"\n')
    job = shared_place.p3s("job", "submit", "--wait", "-e", "X=it's me", "--", payload).stdout.strip()
    done = shared_place.p3s("job", "repro", job, "-o", "again")
    assert done.returncode == 0, done.stderr
    program = str(Path(shared_place.directory) / "again")
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    ran = subprocess.run(
        [program], env=shared_place.env(PATH=path), capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "it was it's me\n"), ran.stderr
    assert "is there already" in shared_place.p3s("job", "repro", job, "-o", "again").stderr
