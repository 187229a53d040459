"""Numbers and cells as people read them."""

import html


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


def hits(found: int | None, asked: int | None) -> str:
    """Write `N of M`; a dash where nothing was replayed."""
    return "-" if found is None or asked is None else f"{found} of {asked}"


def cell(text: str) -> str:
    """Make any text safe in a Markdown table: one line, no markup, no HTML."""
    flat = " ".join(html.escape(text, quote=False).split())
    return flat.replace("\\", "\\\\").replace("|", "\\|").replace("`", "\\`")


def code(text: str) -> str:
    """Quote any text as code in a Markdown table; backquotes inside are kept as they are."""
    flat = " ".join(text.split()).replace("|", "\\|")
    fence = "``" if "`" in flat else "`"
    pad = " " if fence == "``" else ""
    return f"{fence}{pad}{flat}{pad}{fence}" if flat else ""
