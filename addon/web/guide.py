"""Guides as pages: docs/*.md as HTML, with the reader's own address in its examples.

An example in several languages is a group that the page's script makes tabs of; without script its
languages stand one below the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

EXAMPLE_ADDRESS = "https://recordings.example.com"
"""Stands in the pages for the address of the service that shows them."""

LANGUAGES = {"sh": "curl", "python": "Python", "js": "Node"}
"""Languages of examples, by the info of their fence."""

PAGES_HERE = {
    "analysis.md": "/docs/result",
    "api.md": "/docs/api",
    "callback.md": "/docs/callback",
    "webhooks.md": "/docs/webhooks",
}
"""Pages beside the guide that the site has under another address; the others are not linked."""

_LINK = re.compile(r'<a href="(?P<page>[\w-]+\.md)(?:#[\w-]+)?">(?P<text>.*?)</a>')


@cache
def html(page: Path, address: str) -> Markup:
    """A page in Markdown as HTML, without its title, for a service at an address."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    text = page.read_text(encoding="utf-8").replace(EXAMPLE_ADDRESS, address)
    tokens = markdown.parse(text)[3:]
    _name_headings(tokens)
    parts: list[str] = []
    for in_languages, run in groupby(tokens, lambda each: each.info in LANGUAGES):
        found = list(run)
        if in_languages and len(found) > 1:
            parts.append(_group(found))
        else:
            parts.extend(map(_one, found) if in_languages else [_rendered(markdown, found)])
    return Markup("".join(parts))  # noqa: S704 - made of escaped pieces


def _rendered(markdown: MarkdownIt, tokens: Sequence[Token]) -> str:
    """Text, lists and tables; a table or an example that is too wide scrolls, by keyboard too."""
    found: str = markdown.renderer.render(tokens, markdown.options, {})
    found = found.replace("<table>", '<div class="table-wrap" tabindex="0"><table>')
    found = found.replace("</table>", "</table></div>").replace("<pre>", '<pre tabindex="0">')
    return _LINK.sub(_linked, found)


def _linked(found: re.Match[str]) -> str:
    target = PAGES_HERE.get(found["page"])
    return f'<a href="{target}">{found["text"]}</a>' if target else found["text"]


def _name_headings(tokens: Sequence[Token]) -> None:
    """Give every heading the id that pages link to."""
    for opening, title in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", re.sub(r"\W+", "-", title.content.lower()).strip("-"))


def _group(fences: Sequence[Token]) -> str:
    """One example in several languages."""
    parts = (
        f'<section class="tab" aria-label="{LANGUAGES[each.info]}">'
        f'<p class="tab-name">{LANGUAGES[each.info]}</p>{_one(each)}</section>'
        for each in fences
    )
    return f'<div class="tabs">{"".join(parts)}</div>'


def _one(fence: Token) -> str:
    return f'<pre tabindex="0"><code>{escape(fence.content)}</code></pre>'
