"""The same act on several things that a person named."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import typer

from p3s.protocol.errors import Refused

from . import show


def each(
    names: Sequence[str], act: Callable[[str], Mapping[str, Any]], words: Callable[[Mapping[str, Any]], str], json: bool
) -> None:
    """One after the other: what is refused of one does not keep the others, and is the command's exit code. `words`
    tells of what `act` answered."""
    replies, refused = [], 0
    for name in names:
        try:
            reply = act(name)
        except Refused as error:
            show.refusal(error)
            refused = refused or error.exit_code
            continue
        replies.append(reply)
        if not json:
            print(show.plain(words(reply)), flush=True)
    if json:
        show.as_json(replies)
    if refused:
        raise typer.Exit(refused)
