"""`/openapi.json` and `/docs/api/reference`: one description, for programs and for people.

It is made from the routes of the application and the operations that their views declare.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template
from pydantic import TypeAdapter, create_model
from pydantic.json_schema import GenerateJsonSchema

from addon.web import compression, page_responses, webhook_payloads
from addon.web.context import context
from addon.web.guide import EXAMPLE_ADDRESS
from addon.web.openapi.operations import JSON, Answer, Operation, parameters

Json = dict[str, Any]

VERSION = "1.0.0"

DESCRIPTION = """\
Recordings of calls, encrypted at rest and decrypted for whoever may hear them.

Tokens are issued on the server with `flask tokens issue`, for one install or for all of them, with
the scopes read, link, erase and webhooks or some of these; what belongs to another install answers
404. Errors are problem documents (RFC 9457) whose `code` stays the same from release to release;
whoever opens a link to audio in a browser reads them as a page. Audio is answered by byte ranges
(RFC 9110), and a connection that breaks before Content-Length means that the rest could not be
verified."""

TAGS = {
    "Recordings": "What was recorded, and what was found out about it.",
    "Calls": "All recordings of one call, joined on the fly.",
    "Links": "Addresses that carry their own permission.",
    "Webhooks": "Where events are sent to. What is sent is in the section `webhooks`.",
    "Twilio": "What Twilio calls.",
    "Operation": "For whoever runs the service.",
}

SECURITY: Json = {
    "token": {"type": "http", "scheme": "bearer", "description": "From `flask tokens issue`."},
    "flex": {
        "type": "http",
        "scheme": "basic",
        "description": "User name `token`, password the agent's Flex token.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Twilio-Signature",
        "description": "As Twilio signs its webhooks.",
    },
}

IMPLIED = {"HEAD", "OPTIONS"}
"""Methods that Flask adds to a route: described only where a view declares them."""

EXTENSION = "openapi"

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples" / "api.json"
"""Real answers by operation, made by `python -m tests.web.openapi.examples`."""

SUCCESSES = {"200", "201"}

blueprint = Blueprint("openapi", __name__)
compression.apply(blueprint)
docs = Blueprint("api_docs", __name__)
page_responses.apply(docs)


@blueprint.get("/openapi.json")
def openapi_json() -> Response:
    """The document; any origin may read it, there is nothing secret in it."""
    response = jsonify(_document())
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@docs.get("/docs/api/reference")
def api_reference() -> str:
    """The document as a page, without a line from another host."""
    return render_template("api.html", api=_document())


blueprint.register_blueprint(docs)


def document(app: Flask, server: str) -> Json:
    """OpenAPI 3.1 of an application that is reached at the address `server`."""
    declared = list(_declared(app))
    schemas, components = _schemas(declared)
    paths: dict[str, Json] = {}
    for path, methods, operation, view in declared:
        for method in methods:
            one = _described(operation, method, view, schemas)
            paths.setdefault(path, {})[method.lower()] = one
    _add_examples(paths, server)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Recordings",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "webhooks": {
            kind: {"post": _webhook(kind, payload, schemas)}
            for kind, payload in webhook_payloads.PAYLOADS.items()
        },
        "components": {"schemas": components, "securitySchemes": SECURITY},
    }


def _add_examples(paths: Mapping[str, Json], server: str) -> None:
    """Put a real answer beside each answer that is a document of the API."""
    text = EXAMPLES.read_text(encoding="utf-8").replace(EXAMPLE_ADDRESS, server)
    examples = json.loads(text)
    for methods in paths.values():
        for operation in methods.values():
            found = examples.get(operation["operationId"])
            answers = operation["responses"]
            for status in answers.keys() & SUCCESSES if found else ():
                answers[status]["content"][JSON]["example"] = found


def _document() -> Json:
    """The document of the running application, made when it is first asked for."""
    made = current_app.extensions
    if EXTENSION not in made:
        made[EXTENSION] = document(current_app, context().settings.public_url)
    found: Json = made[EXTENSION]
    return found


def _declared(app: Flask) -> Iterator[tuple[str, list[str], Operation, Any]]:
    """Path, methods, operation and view of each route that declares one."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        operation: Operation | None = getattr(view, "operation", None)
        if operation is None:
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule).rstrip("/")
        methods = rule.methods or set()
        asked = (methods - IMPLIED) | (methods & set(operation.also)) or {"OPTIONS"}
        yield path, sorted(asked), operation, view  # in one order in every process


class _Untitled(GenerateJsonSchema):
    """JSON Schema without a title at each field, which would only repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's own
        return False


def _schemas(
    declared: Iterable[tuple[str, list[str], Operation, Any]],
) -> tuple[dict[Any, Json], Json]:
    """The schema of each type that is answered, taken or sent, and the components they refer to."""
    kinds: list[Any] = list(webhook_payloads.PAYLOADS.values())
    for _, _, operation, view in declared:
        kinds += [one.document for one in operation.all_answers(view).values()]
        kinds += [operation.body] if operation.body else []
    found, definitions = TypeAdapter.json_schemas(
        [(kind, "serialization", TypeAdapter(kind)) for kind in kinds],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Untitled,
    )
    return {kind: schema for (kind, _), schema in found.items()}, definitions["$defs"]


def _described(operation: Operation, method: str, view: Any, schemas: dict[Any, Json]) -> Json:
    summary, _, description = (inspect.getdoc(view) or "").partition("\n\n")
    name, title = operation.also.get(method, (operation.name, summary.rstrip(".")))
    return {
        "operationId": name,
        "summary": " ".join(title.split()),
        "tags": [operation.tag],
        **({"description": " ".join(description.split())} if description else {}),
        "parameters": [*_parameters(view), *map(_header, operation.headers.items())],
        **({"requestBody": _body(schemas[operation.body])} if operation.body else {}),
        "responses": {
            str(status): _response(answer, schemas)
            for status, answer in operation.all_answers(view).items()
        },
        "security": _security(operation),
    }


def _body(schema: Json) -> Json:
    return {"required": True, "content": {JSON: {"schema": schema}}}


def _webhook(kind: str, payload: Any, schemas: dict[Any, Json]) -> Json:
    """The request that is posted to an endpoint for an event (OpenAPI 3.1, 4.8.1)."""
    return {
        "operationId": "on" + "".join(map(str.capitalize, re.split(r"\W", kind))),
        "summary": inspect.getdoc(payload),
        "tags": ["Webhooks"],
        "parameters": [
            {**_header(named), "required": True} for named in webhook_payloads.HEADERS.items()
        ],
        "requestBody": _body(schemas[payload]),
        "responses": {
            "2XX": {"description": "Taken. Anything else is tried again for three days."},
            "410": {"description": "No more events are wanted: the endpoint is disabled."},
        },
        "security": [],
    }


def _security(operation: Operation) -> list[Json]:
    """The scheme, and with a token the scope that it needs (OpenAPI 3.1, 4.8.30)."""
    if operation.security is None:
        return []
    return [{operation.security: [operation.scope] if operation.security == "token" else []}]


def _parameters(view: Any) -> Iterator[Json]:
    kinds = {
        "path": inspect.Parameter.POSITIONAL_OR_KEYWORD,
        "query": inspect.Parameter.KEYWORD_ONLY,
    }
    models = [(place, parameters(view, kind)) for place, kind in kinds.items()]
    filters: dict[str, Any] = {name: (kind, None) for name, kind in view.operation.filters.items()}
    models.append(("query", create_model("Filters", **filters)))
    for place, made in models:
        model = made.model_json_schema(schema_generator=_Untitled)
        for name, schema in model.get("properties", {}).items():
            if schema.get("default", ...) is None:
                del schema["default"]
            description = {"description": schema.pop("description", "")}
            required = {"required": True} if name in model.get("required", ()) else {}
            yield {"name": name, "in": place, **description, "schema": schema, **required}


def _header(named: tuple[str, str]) -> Json:
    name, description = named
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


def _response(answer: Answer, schemas: dict[Any, Json]) -> Json:
    if answer.document is None:
        return {"description": answer.description}
    content = {kind: {"schema": schemas[answer.document]} for kind in answer.media_types}
    return {"description": answer.description, "content": content}
