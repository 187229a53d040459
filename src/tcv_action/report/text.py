"""Numbers and cells as people read them."""

import html
import re

from tcv_action.visible import visible

_MARKUP = re.compile(r"[\\`|*_!\[\]]")
_MENTION = re.compile(r"(?<!\w)@(?=\w)")
_BACKQUOTES = re.compile("`+")


def size(count: int | None) -> str:
    """Write a number of bytes in the decimal units that registries use."""
    if count is None:
        return "-"
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 1000:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"


def seconds(value: float | None) -> str:
    """Write a duration in seconds; a dash where none was measured."""
    return "-" if value is None else f"{value:.2f} s"


def counted(count: int, one: str, many: str | None = None) -> str:
    """Write a number and the name of what was counted, its plural with `s` where none is given."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def hits(found: int | None, asked: int | None) -> str:
    """Write `N of M`; a dash where nothing was replayed."""
    return "-" if found is None or asked is None else f"{found} of {asked}"


def markup(text: str) -> str:
    """Make any text safe in HTML, between tags and in quoted attributes."""
    return html.escape(visible(text))


def cell(text: str) -> str:
    """Make any text safe in a Markdown table: one line, no markup, no HTML; nobody is called."""
    escaped = _MARKUP.sub(r"\\\g<0>", html.escape(one_line(text), quote=False))
    # GitHub looks for names after Markdown is read, where an escaped @ is one again.
    return _MENTION.sub("@&#8203;", escaped)


def code(text: str) -> str:
    """Quote any text as code in a Markdown table; backquotes inside are kept as they are."""
    # A table is cut at the bars before its code is read, and there two backslashes are one.
    flat = one_line(text).replace("\\|", r"\\u007c").replace("|", r"\|")
    fence = "`" * (1 + max(map(len, _BACKQUOTES.findall(flat)), default=0))
    pad = " " if len(fence) > 1 else ""
    return f"{fence}{pad}{flat}{pad}{fence}" if flat else ""


def one_line(text: str) -> str:
    """Write any text without line breaks, and with nothing in it that acts."""
    return visible(" ".join(text.split()))
