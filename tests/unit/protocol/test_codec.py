"""Messages to JSON and back, for parts that have the standard library alone."""

import json
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p3s.protocol import codec, messages
from p3s.protocol.messages import (
    ExchangeReply,
    ExchangeRequest,
    Held,
    Instruction,
    JobSpec,
    Order,
    RegisterReply,
    Report,
    SubmitRequest,
    Verdict,
)

TEXT = st.text(max_size=20)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
MAYBE = st.none() | FLOATS
HELD = st.builds(Held, TEXT, NUMBERS)
REPORTS = st.builds(
    Report, TEXT, NUMBERS, TEXT, TEXT, TEXT, st.none() | NUMBERS, st.none() | NUMBERS, MAYBE, MAYBE, MAYBE, MAYBE
)
REQUESTS = st.builds(
    ExchangeRequest,
    TEXT,
    NUMBERS,
    NUMBERS,
    FLOATS,
    st.none() | st.lists(HELD, max_size=3),
    st.lists(REPORTS, max_size=3),
    st.booleans(),
    TEXT,
)
ORDERS = st.builds(Order, NUMBERS, TEXT, NUMBERS, TEXT, TEXT, st.dictionaries(TEXT, TEXT, max_size=3), FLOATS)
REPLIES = st.builds(
    ExchangeReply,
    st.lists(ORDERS, max_size=3),
    st.lists(st.builds(Instruction, NUMBERS, TEXT, TEXT, TEXT, NUMBERS), max_size=3),
    st.lists(st.builds(Verdict, TEXT, NUMBERS, TEXT, TEXT), max_size=3),
    FLOATS,
    FLOATS,
    st.booleans(),
)
SUBMITS = st.builds(SubmitRequest, st.lists(st.builds(JobSpec, TEXT, TEXT), max_size=3), TEXT)

MESSAGES = sorted(
    (cls for cls in vars(messages).values() if isinstance(cls, type) and is_dataclass(cls)),
    key=lambda cls: cls.__name__,
)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(message=REQUESTS | REPLIES | SUBMITS | ORDERS | REPORTS)
def test_what_is_encoded_is_decoded_to_the_same(message: Any) -> None:
    assert codec.decode(type(message), codec.encode(message)) == message


def test_what_is_empty_by_default_is_left_out() -> None:
    assert codec.to_object(ExchangeRequest("orders", 1, 0)) == {"lane": "orders", "seq": 1}
    assert json.loads(codec.encode(Verdict("a", 1, "applied"))) == {"job": "a", "attempt": 1, "verdict": "applied"}


def test_an_empty_list_that_means_something_is_said() -> None:
    assert codec.to_object(ExchangeRequest("orders", 1, 0, holding=[]))["holding"] == []


def test_zero_is_said_where_the_default_is_another() -> None:
    assert codec.decode(ExchangeReply, codec.encode(ExchangeReply(wait_s=0.0))).wait_s == 0.0


def test_fields_of_a_later_version_are_ignored_at_every_depth() -> None:
    body = b'{"lane":"reports","mood":"good","reports":[{"job":"a","attempt":1,"state":"running","colour":"red"}]}'
    assert codec.decode(ExchangeRequest, body) == ExchangeRequest("reports", reports=[Report("a", 1, "running")])


def test_a_field_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match=r"RegisterReply: .*'lease_s'"):
        codec.decode(RegisterReply, b'{"pilot":"p","token":"t","wait_s":1,"protocol":1}')


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"\xff\xfe", b"[]", b'"text"', b"7", b"null"])
def test_what_is_no_object_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of json, of unicode, or ours
        codec.decode(ExchangeReply, body)


@pytest.mark.parametrize("value", ["text", ["text"], [None], [[]]])
@pytest.mark.parametrize("name", ["orders", "instructions", "verdicts"])
def test_a_list_of_messages_that_is_none_is_a_value_error(name: str, value: Any) -> None:
    """Any answer that is not understood is treated as none; it must not end the pilot."""
    with pytest.raises(ValueError):  # noqa: PT011 - of json, of unicode, or ours
        codec.from_object(ExchangeReply, {name: value})


def test_nan_is_never_sent() -> None:
    with pytest.raises(ValueError, match="JSON"):
        codec.encode(ExchangeReply(lease_s=float("nan")))


def test_letters_of_any_language_travel() -> None:
    spec = JobSpec("echo 'ñandú 東京'", env={"NAME": "Ω"})
    assert codec.decode(JobSpec, codec.encode(spec)) == spec


@pytest.mark.parametrize("cls", MESSAGES)
def test_every_field_that_holds_messages_is_known_to_the_codec(cls: type) -> None:
    names = {message.__name__ for message in MESSAGES}
    for field in fields(cls):
        inner = str(field.type).removeprefix("Optional[").strip("[]").removeprefix("list[").strip("[]")
        if inner in names:
            assert codec._ENTRIES[(cls, field.name)].__name__ == inner
