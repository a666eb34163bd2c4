"""The page's patterns fit what the result format's own fit."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from p3s.protocol import patterns

SOURCE = Path(__file__).parents[2] / "frontend" / "src" / "patterns.js"
CASES = [
    ("adc/h{plane:a}{apa:d}", ["adc/hU12", "adc/hU", "adc/h12", "adc/hU12x", "x/adc/hU12"]),
    ("*", ["a", "a/b", ""]),
    ("{x}", ["a", "a/b"]),
    ("h*_{n:d}", ["h_1", "hist_12", "h1", "hist_1_2", "hist_x"]),
    ("a*/b*c", ["axx/bc", "a/bxc", "axx/b", "a/b/c"]),
    ("{x:d}{y}", ["12", "1", "ab"]),
    ("*a*a*a*a*a*a*a*b", ["a" * 200, "a" * 200 + "b"]),
]


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine to run the page's script with")
def test_both_sides_agree() -> None:
    pairs = [(pattern, name) for pattern, names in CASES for name in names]
    lines = [
        f"import {{fits}} from {json.dumps(SOURCE.as_uri())};",
        f"const pairs = {json.dumps(pairs)};",
        "console.log(JSON.stringify(pairs.map(([pattern, name]) => fits(pattern, name))));",
    ]
    done = subprocess.run(
        ["node", "--input-type=module", "-e", "\n".join(lines)], capture_output=True, text=True, check=True, timeout=20
    )
    expected = [patterns.parse(pattern).match(name) is not None for pattern, name in pairs]
    assert json.loads(done.stdout) == expected
