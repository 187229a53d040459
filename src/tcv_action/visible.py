"""Text of strangers, made such that it is seen and does nothing.

Labels, names in a cache and words of a registry are printed and logged. Whoever wrote them must
not speak to what reads our output: a terminal, or the runner of a workflow.
"""

import re

# Control characters but newline and tab, marks that turn the direction of writing or end a line,
# and halves of characters, which no encoding takes.
_UNSEEN = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
# GitHub's runner obeys `::` at the start of a line, blanks before it allowed, and `##[` anywhere.
# Source: its ActionCommand.cs. It is not asked whether one listens: the log of a container that
# knows nothing of GitHub may reach it, too.
_COMMAND = re.compile(r"(?P<before>^[^\S\n]*:|##)(?P<last>:|\[)", re.MULTILINE)


def visible(text: str) -> str:
    r"""Write each character that would act as JSON escapes it: ESC is `\u001b`.

    Of JSON, where they stand in strings alone, this makes the same values.
    """
    return _COMMAND.sub(_disarmed, _UNSEEN.sub(lambda match: _escaped(match[0]), text))


def _disarmed(match: re.Match[str]) -> str:
    return match["before"] + _escaped(match["last"])


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}"
