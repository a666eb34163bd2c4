# Tasks. Each recipe is one line that can be copied. `just` lists them.

_list:
    @just --list --unsorted

# what CI runs: static checks, tests, no unexpected skips
check:
    .ci/run

# all tests
test *WORDS:
    uv run pytest {{WORDS}}

# ruff and the import contracts
lint:
    uv run ruff check && uv run ruff format --check && uv run lint-imports

# mypy, strict
types:
    uv run mypy

# the rules against each other on a virtual clock
sim SEEDS="200":
    uv run python -m p3s.simulation --seeds {{SEEDS}}

# a benchmark: floor, latency, throughput, submit, list, backlog, classes, idle or peers (`just bench latency --pages 20`)
bench NAME="throughput" *WORDS:
    uv run python -m benchmarks {{NAME}} {{WORDS}}

# the pilot as one file
pyz TARGET="p3s-pilot.pyz":
    uv run p3s pilot build {{TARGET}}

# the pictures of the README, from the demo; needs Chromium
pictures:
    uv run python docs/pictures/take.py

# docs/states.md from the tables of the code
states:
    uv run python -m p3s.domain.lifecycle > docs/states.md

# kill -9 of servers, pilots and databases while thousands of jobs are under way
kills:
    P3S_KILLS=30 P3S_KILL_JOBS=5000 uv run pytest tests/system/test_kills.py --timeout 3600

# the long figures
nightly:
    uv run python -m p3s.simulation --seeds 5000 && P3S_REAL_SEEDS=200 uv run pytest tests/simulation/test_real_actions.py -k rules_say && P3S_FUZZ=200 uv run pytest tests/server/test_fuzz.py && uv run pytest -m nightly && just kills && for name in floor "latency --pages 20" throughput submit list history backlog classes idle workflow peers; do uv run python -m benchmarks $name --rounds 5 || exit 1; done
