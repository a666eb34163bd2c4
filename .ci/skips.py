"""Fail on skips that nobody expected: `python .ci/skips.py REPORT.xml EXPECTED`.

REPORT.xml is pytest's, made with `--junitxml REPORT.xml -o junit_family=xunit1`. EXPECTED has lines of a test id, in
which `*` stands for anything, two spaces, and the reason; empty lines and those with # are remarks.
"""

import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Skip:
    """A test that did not run, and what pytest says of it."""

    test: str
    why: str


@dataclass(frozen=True)
class Expected:
    """A line of the list."""

    pattern: str
    why: str

    def covers(self, test: str) -> bool:
        return re.fullmatch(re.escape(self.pattern).replace(r"\*", ".*"), test) is not None


def read_skips(report: Path) -> list[Skip]:
    """What was skipped; expected failures (xfail) ran and are none. Errors: OSError, ET.ParseError."""
    cases = ET.parse(report).iter("testcase")
    found = ((case, skipped) for case in cases for skipped in case.iter("skipped"))
    return [Skip(test_id(case), why(skipped)) for case, skipped in found if skipped.get("type") != "pytest.xfail"]


def why(skipped: ET.Element) -> str:
    """The reason; a file that was skipped as a whole has it in the text."""
    return (skipped.get("message", "") if skipped.get("type") else skipped.text or "")[:300]


def test_id(case: ET.Element) -> str:
    """As pytest writes it: file::Class::test[parameters], or the file when all of it was skipped."""
    file, owner, name = (case.get(key, "") for key in ("file", "classname", "name"))
    module = file.removesuffix(".py").replace("/", ".")
    if not owner and name == module:
        return file
    classes = [word for word in owner.removeprefix(module).split(".") if word]
    return "::".join([file, *classes, name])


def read_expected(path: Path) -> list[Expected]:
    """Raises ValueError that names the line at fault."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        pattern, gap, why = line.partition("  ")
        if not gap or not why.strip():
            raise ValueError(f"{path}:{number}: write the test id, two spaces and the reason")
        found.append(Expected(pattern, why.strip()))
    return found


def main(words: list[str]) -> int:
    """0 when every skip was expected, 1 when not, 2 when that cannot be said."""
    if len(words) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        skips, expected = read_skips(Path(words[0])), read_expected(Path(words[1]))
    except (OSError, ET.ParseError, ValueError) as error:
        print(f"skips: {error}", file=sys.stderr)
        return 2
    unexpected = [skip for skip in skips if not any(one.covers(skip.test) for one in expected)]
    unneeded = [one.pattern for one in expected if not any(one.covers(skip.test) for skip in skips)]
    if unneeded:
        print(f"skips: not needed here: {', '.join(unneeded)}")
    for skip in unexpected:
        print(f"skips: {skip.test} was skipped: {skip.why}")
    if unexpected:
        print(f"skips: {len(unexpected)} not expected; give the machine what they need, or list them in {words[1]}")
        return 1
    print(f"skips: {len(skips)}, all expected")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
