"""Operations of the HTTP API: one declaration at the view, for checking and for /openapi.json.

Keyword-only parameters of a view are the request's query. Each is checked by its annotation before
the view is called, and described by the same annotation; so are those of the path, which the route
alone checks.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from functools import wraps
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from flask import Response, jsonify, request
from pydantic import BaseModel, TypeAdapter, ValidationError, create_model

from addon.errors import InvalidParameter
from addon.playback.tokens import Scope
from addon.web.schemas import Problem

Json = dict[str, Any]
View = Callable[..., Any]

JSON = "application/json"
PROBLEM = "application/problem+json"

RANGE = {
    "Range": "Bytes, one range or several (RFC 9110 14.2).",
    "If-Range": "The ETag; another one means the whole audio.",
}

PROBLEMS = {
    400: "A parameter is not of its form; the problem names it.",
    401: "No valid credentials.",
    403: "Known, but without the right or the scope; a forged link; or, with code 64707, a"
    " recording that is withheld because digits may remain in it.",
    404: "Nothing here by this name, or another install's.",
    409: "A retention lock holds it until its date, or a legal hold until it is lifted: `type` says"
    " which.",
    410: "The link has expired, or was used.",
    416: "No such range; Content-Range gives the length.",
    422: "There, but not in the form that was asked for.",
    429: "Too often; wait as long as Retry-After says.",
    502: "The store gave something that was not what was written.",
    503: "Something we depend on does not answer; try again.",
}

BODY = "document"
"""The argument of a view that gets the request's JSON document."""

MAX_BODY = 16 * 1024
"""Bytes of such a document: an address and some words."""

WITH_TOKEN = (400, 401, 403, 404, 429, 502, 503)
"""Statuses that any operation with a token can answer besides its own."""


@dataclass(frozen=True)
class Answer:
    """One status of an operation: the type of its document, and the media types it comes in."""

    description: str
    document: Any = None
    media_types: tuple[str, ...] = (JSON,)


def sound(description: str) -> dict[int, Answer]:
    """The answers of a view that sends audio by ranges."""
    kinds = ("audio/*", "application/octet-stream")
    return {
        200: Answer(description, bytes, kinds),
        206: Answer("The ranges that were asked for.", bytes, (*kinds, "multipart/byteranges")),
        304: Answer("If-None-Match names what there is."),
        412: Answer("If-Match names something else."),
    }


@dataclass(frozen=True)
class Operation:
    """Decorator of a view: what /openapi.json says of it, and the check of its query.

    The view's docstring is its summary and description. Without `answers` it answers 200 with a
    document of the type that it returns, as JSON that no cache may keep. `scope` is what a token
    has to be for, which `addon.web.api.access` asks of each request. `body` is the type of the JSON
    document that the view gets as its argument `document`. `also` gives the names and summaries of
    further methods. `filters` are the types of
    further parameters, which the view checks itself.
    """

    name: str
    tag: str
    answers: Mapping[int, Answer] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    security: str | None = "token"
    scope: Scope = "read"
    headers: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, Any] = field(default_factory=dict)
    also: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    body: Any = None

    def __call__(self, view: View) -> View:
        """The view, called with its query. It raises InvalidParameter, which names the fault."""
        query = parameters(view, inspect.Parameter.KEYWORD_ONLY)

        @wraps(view)
        def checked(**path: str) -> Any:
            sent = {BODY: _document(self.body)} if self.body else {}
            answer = view(**path, **sent, **(_values(query) if query.model_fields else {}))
            if isinstance(answer, Response):
                return answer
            response = jsonify(answer)
            response.headers["Cache-Control"] = "no-store"  # it is for this caller alone
            return response

        vars(checked)["operation"] = self
        return checked

    def all_answers(self, view: View) -> dict[int, Answer]:
        """Every status of the view, with its problems."""
        answers = dict(self.answers)
        if not answers:
            kind = get_type_hints(inspect.unwrap(view), include_extras=True)["return"]
            answers[200] = Answer(inspect.getdoc(kind) or "The document.", kind)
        shared = WITH_TOKEN if self.security == "token" else ()
        for status in (*shared, *self.problems):
            answers[status] = Answer(PROBLEMS[status], Problem, (PROBLEM,))
        return answers


def asked(declared: Container[str]) -> list[tuple[str, str]]:
    """The request's query in pairs, without what the operation does not declare."""
    return [(name, text) for name, text in request.args.items(multi=True) if name in declared]


def parameters(view: View, kind: Any) -> type[BaseModel]:
    """The parameters of a view that are of a kind (inspect.Parameter), as one model."""
    view = inspect.unwrap(view)
    hints = get_type_hints(view, include_extras=True)
    fields: Json = {
        name: (_given(hints[name]), ... if one.default is one.empty else one.default)
        for name, one in inspect.signature(view).parameters.items()
        if one.kind is kind and name != BODY
    }
    return create_model("Parameters", **fields)


def _given(hint: Any) -> Any:
    """The type of a parameter that is given: without the None of its default."""
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (each for each in get_args(hint) if each is not NoneType)
    return hint


def _values(query: type[BaseModel]) -> Json:
    try:
        return dict(query.model_validate_strings(request.args.to_dict()))
    except ValidationError as error:
        raise _invalid(error) from None


def _document(kind: Any) -> Any:
    """The request's JSON document, checked. Raises InvalidParameter, which names the fault."""
    content = request.stream.read(MAX_BODY + 1)
    if len(content) > MAX_BODY:
        raise InvalidParameter(f"the document: at most {MAX_BODY} bytes")
    try:
        return TypeAdapter(kind).validate_json(content)
    except ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: ValidationError) -> InvalidParameter:
    """The first fault, with the name of what it is in."""
    first = error.errors(include_url=False, include_input=False)[0]
    fault = first["msg"][:1].lower() + first["msg"][1:]
    place = first["loc"][0] if first["loc"] else "the document"
    return InvalidParameter(f"{place}: {fault}")
