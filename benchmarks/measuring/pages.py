"""Puts measured text into the documents, so that none is typed by hand."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def put_between_marks(page: Path, name: str, text: str) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->`` in a page."""
    marked = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    before = page.read_text(encoding="utf-8")
    if not marked.search(before):
        raise SystemExit(f"{page.name} has no place marked {name!r}")
    page.write_text(marked.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", before), encoding="utf-8")
