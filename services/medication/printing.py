"""What routes declare that answer with a table to keep or a page to print, and how rows become one."""

import csv
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from starlette.responses import Response


class Csv(Response):
    """A table that every spreadsheet opens."""

    media_type = "text/csv"


class Html(Response):
    """A page that a browser shows and a printer prints."""

    media_type = "text/html"


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 10pt/1.4 system-ui, sans-serif; margin: 1.5cm; color: #111 }}
h1 {{ font-size: 14pt; margin: 0 0 .2em }} p {{ margin: 0 0 1em }}
table {{ border-collapse: collapse; width: 100% }} thead {{ display: table-header-group }}
th, td {{ border: 1px solid #999; padding: .2em .4em; text-align: left; vertical-align: top }}
td.n {{ text-align: right; font-variant-numeric: tabular-nums }} tr {{ break-inside: avoid }}
footer {{ margin-top: 2em }}
</style></head><body><h1>{title}</h1><p>{about}</p><table><thead><tr>{head}</tr></thead><tbody>
{rows}
</tbody></table><footer>{foot}</footer></body></html>
"""

_FORMULA: Final = ("=", "+", "-", "@")
"""How a cell begins that a spreadsheet would calculate."""


def csv_of(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """RFC 4180, UTF-8. A text that a spreadsheet would take for a formula is quoted with an apostrophe; numbers are not."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(head)
    table.writerows([[safe(cell) for cell in row] for row in rows])
    return written.getvalue().encode()


def safe(cell: str) -> str:
    """The cell as it may be opened."""
    return f"'{cell}" if cell.startswith(_FORMULA) and not number(cell) else cell


def number(cell: str) -> bool:
    """Whether it is an amount."""
    return cell.lstrip("-").replace(".", "", 1).isdecimal()


def html_of(title: str, about: str, head: Sequence[str], rows: Iterable[Sequence[str]], foot: str = "") -> bytes:
    """One page with one table; nothing in it is taken for markup."""
    body = "\n".join(
        "<tr>" + "".join(f'<td class="{"n" if number(one) else ""}">{escape(one)}</td>' for one in row) + "</tr>"
        for row in rows
    )
    columns = "".join(f"<th>{escape(one)}</th>" for one in head)
    page = _PAGE.format(title=escape(title), about=escape(about), head=columns, rows=body, foot=escape(foot))
    return page.encode()
