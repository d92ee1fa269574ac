"""Routes that are answered before Flask: those whose answer costs less than Flask's own work.

An error is answered by Flask's handlers all the same, and every request that a view here leaves
alone goes the usual way (decision 0509).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask, Response

from addon.web.connections.turns import GROUPED, Grouped
from addon.web.context import EXTENSION, Context

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


@dataclass(frozen=True)
class PlainAnswer:
    """Status, headers and body of an answer; a body that has `close` is closed by the server."""

    status: int
    headers: dict[str, str]
    body: Iterable[bytes] = ()

    def response(self) -> Response:
        """The same as a view of Flask returns it."""
        return Response(self.body, self.status, self.headers)


DirectView = Callable[[Context, "WSGIEnvironment"], PlainAnswer | None]
"""Answers a request, or leaves it to Flask by None. What it raises, Flask's handlers answer."""


class DirectRoutes:
    """WSGI application in front of Flask's; `views` by the first segment of their path."""

    def __init__(
        self,
        app: Flask,
        views: Mapping[str, DirectView],
        headers: Mapping[str, str],
        grouped: Grouped,
    ) -> None:
        """`headers` are those that Flask gives every answer."""
        app.extensions[GROUPED] = grouped
        self._app = app
        self._flask = app.wsgi_app
        self._views = views
        self._headers = list(headers.items())

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """One request."""
        view = self._views.get(environ["PATH_INFO"][1:].partition("/")[0])
        if view is None:
            return self._flask(environ, start)
        try:
            answer = view(self._app.extensions[EXTENSION], environ)
        except Exception as error:
            return self._refused(error, environ)(environ, start)
        if answer is None:
            return self._flask(environ, start)
        start(STATUS_LINES[answer.status], [*answer.headers.items(), *self._headers])
        return answer.body

    def _refused(self, error: Exception, environ: WSGIEnvironment) -> Response:
        """The error as Flask answers it, with all that it gives an answer of this address."""
        app = self._app
        with app.request_context(environ):
            return app.finalize_request(app.handle_user_exception(error))
