"""`/docs`: a small site for the developers who install the add-on. Public, and the same for all."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, render_template
from markupsafe import Markup, escape

from addon.errors import NotFound
from addon.web import guide, page_responses, reference
from addon.web.context import context

FOLDER = Path(__file__).parents[2] / "docs"

PAGES = {
    "": "Quick start",
    "callback": "Receive a result",
    "result": "The result",
    "examples": "Examples",
    "errors": "Error codes",
    "limits": "Limits",
    "data": "Data handling",
    "testing": "Test mode",
    "api": "API and player",
    "webhooks": "Webhooks",
}
"""Every page by its address, in the order of the menu."""

GUIDES = {"callback": "callback.md", "api": "api.md", "webhooks": "webhooks.md"}
"""Pages that are made from a file of docs/."""

EXAMPLES = {
    "dual": ("Two channels", "Customer left, agent right: every figure is known."),
    "mono": ("One channel", "The speakers cannot be told apart, and every null says so."),
    "one-sided": ("One side only", "The customer's channel is silent throughout."),
    "silent": ("Nobody speaks", "A recording that is nothing but silence."),
    "unreadable": ("Unreadable", "What was sent is no recording: a failure, with its reason."),
}
"""Real outputs, made by `python -m tests.web.examples`; a test holds them to the code."""

_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?)')

blueprint = Blueprint("docs", __name__)
page_responses.apply(blueprint)


@blueprint.get("/docs/", defaults={"page": ""}, strict_slashes=False)
@blueprint.get("/docs/<page>")
def show(page: str) -> str:
    """One page. Raises NotFound."""
    if page not in PAGES:
        raise NotFound("There is no such page of the documentation")
    if page in GUIDES:
        text = guide.html(FOLDER / GUIDES[page], context().settings.public_url)
        return render_template("docs/guide.html", pages=PAGES, page=page, guide=text)
    return render_template(
        f"docs/{page or 'start'}.html",
        pages=PAGES,
        page=page,
        settings=context().settings,
        fields=reference.fields(schema()),
        codes=reference.CODES,
        meaning=reference.meaning,
        examples={name: (*about, example(name)) for name, about in EXAMPLES.items()},
    )


@blueprint.get("/docs/result.schema.json")
def result_schema() -> Response:
    """The result's JSON Schema, as validators want it."""
    return Response(json.dumps(schema(), indent=2), content_type="application/schema+json")


@blueprint.get("/docs/examples/<name>.json")
def result_example(name: str) -> Response:
    """One example as it was posted. Raises NotFound."""
    if name not in EXAMPLES:
        raise NotFound("There is no such example")
    return Response(json.dumps(example(name), indent=2), content_type="application/json")


@cache
def schema() -> dict[str, Any]:
    """docs/result.schema.json."""
    return _read("result.schema.json")


@cache
def example(name: str) -> dict[str, Any]:
    """One of docs/examples."""
    return _read(f"examples/{name}.json")


@blueprint.app_template_filter("coloured")
def coloured(document: Any) -> Markup:
    """JSON as markup: lists of numbers on one line, names, texts and numbers told apart."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    text = re.sub(r"\[\s+(-?[\d.]+),\s+(-?[\d.]+)\s+\]", r"[\1, \2]", text)
    parts, at = [], 0
    for found in _TOKEN.finditer(text):
        kind = "n" if found[4] or found[3] else "k" if found[2] else "s"
        word = found[1] or found[0]
        parts += [escape(text[at : found.start()]), Markup('<i class="{}">').format(kind)]
        parts += [escape(word), Markup("</i>"), escape(found[2] or "")]
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])


@blueprint.app_template_filter("marked")
def marked(text: str) -> Markup:
    """A sentence whose `names` stand between backticks."""
    pieces = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if number % 2 else escape(piece)
        for number, piece in enumerate(pieces)
    )


def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return document
