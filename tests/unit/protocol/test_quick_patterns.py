"""A pattern whose fields end where what follows begins is matched by a regular expression: with the same outcome."""

from hypothesis import given
from hypothesis import strategies as st

from p3s.protocol import patterns
from p3s.protocol.patterns import MAX_FIELDS, PatternError

PIECES = st.sampled_from(["{%:d}", "{%:a}", "{%}", "*", "a", "7", "_", ".", "run", "\n"])


def made(pieces: list[str]) -> str:
    return "".join(piece.replace("%", f"f{place}") for place, piece in enumerate(pieces))


@given(st.lists(PIECES, min_size=1, max_size=MAX_FIELDS), st.text("a7_.xR/", max_size=14))
def test_quick_and_careful_matching_agree(pieces: list[str], name: str) -> None:
    try:
        pattern = patterns.parse(made(pieces))
    except PatternError:
        return
    assert pattern.match(name) == patterns._match(pattern.parts, name)


def test_names_of_detectors_are_matched_quickly_and_what_may_go_back_is_not() -> None:
    quick = patterns.parse("np04_raw_run{run:d}_{subrun:d}_dl{dl:d}.root")
    assert patterns._expression(quick.parts) is not None
    for text in ("{a}{b}", "*a*", "{x}_{y}", "{a:d}7"):
        assert patterns._expression(patterns.parse(text).parts) is None
