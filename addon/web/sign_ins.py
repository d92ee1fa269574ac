"""A sign-in at another host: begun here, and its answer matched to the browser that began it.

Until the answer comes, everything about it lies in the browser, encrypted in a cookie of ten
minutes; a server keeps nothing, so that strangers who only begin to sign in cost no memory. Every
tab has a cookie of its own, named after its state.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from flask import after_this_request, redirect, request
from werkzeug.wrappers import Response

from addon.errors import Forbidden
from addon.stored_documents import StoredDocument
from addon.web.context import context
from addon.web.cookies import SIGN_IN_S, Cookies
from addon.web.oidc import fresh_text

AGAIN = "Open the link again and sign in anew."

TABS = 8
"""Sign-ins that one browser may have under way; beyond it the oldest is given up."""

COOKIE_BYTES = 3072
"""What they may take together: a server reads some 8 KB of headers, and there are other cookies."""

_STATE = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NAME_LENGTH = 16


@dataclass(frozen=True)
class SignIn(StoredDocument):
    """A sign-in under way: the PKCE verifier, our page to go on to, its end in Unix seconds.

    State and nonce are hashes of the verifier, which keeps the cookie small: the issuer sees both
    and can compute none of the others.
    """

    KIND: ClassVar[str] = "sign-in"

    verifier: str
    to: str
    ends_at: float

    @property
    def state(self) -> str:
        """The text that the issuer sends back."""
        return hashlib.sha256(b"state\n" + self.verifier.encode()).hexdigest()

    @property
    def nonce(self) -> str:
        """The text that the issuer puts into its token."""
        return hashlib.sha256(b"nonce\n" + self.verifier.encode()).hexdigest()


def begin(cookies: Cookies, to: str, url: Callable[[SignIn], str]) -> Response:
    """Send the browser to the `url` of a sign-in, which ends at our page `to`."""
    sign_in = SignIn(fresh_text(), to, time.time() + SIGN_IN_S)
    value = context().cookie_vault.encrypt_text(sign_in, _bound(cookies, sign_in.state))
    response = redirect(url(sign_in))
    _make_room(response, cookies, len(value))
    cookies.remember_sign_in(response, sign_in.state[:_NAME_LENGTH], value)
    return response


def finish(cookies: Cookies) -> tuple[str, SignIn]:
    """The code of the answer, and the sign-in that it belongs to; the browser forgets it.

    Raises Forbidden for an answer that nobody here asked for, or without a code.
    """
    state = request.args.get("state", "")
    name = state[:_NAME_LENGTH]
    kept = cookies.sign_in(request, name) if _STATE.fullmatch(state) else None
    begun = context().cookie_vault.decrypt_text(SignIn, kept, _bound(cookies, state))
    if begun is None or begun.ends_at < time.time():
        text = "This sign-in was not begun in this browser, or too long ago"
        raise Forbidden(text, remedy=AGAIN)

    @after_this_request
    def forget(response: Response) -> Response:
        cookies.forget_sign_in(response, name)
        return response

    code = request.args.get("code")
    if code is None:
        raise Forbidden("You were not signed in", remedy="Open the link again to try anew.")
    return code, begun


def _make_room(response: Response, cookies: Cookies, size: int) -> None:
    """Forget sign-ins until a further one of `size` fits; cookies that are none of ours first.

    The order of the cookies is the browser's, which is that of their making (RFC 6265 5.4).
    """
    held = list(cookies.sign_ins(request))
    held.sort(key=lambda one: len(one[0]) == _NAME_LENGTH)
    while held and (
        len(held) >= TABS or size + sum(len(value) for _, value in held) > COOKIE_BYTES
    ):
        name, _ = held.pop(0)
        cookies.forget_sign_in(response, name)


def _bound(cookies: Cookies, state: str) -> str:
    """Kinds of sign-in do not answer for each other, nor one issuer for another."""
    return f"sign-in\n{cookies.kind}\n{context().settings.oidc_issuer}\n{state}"
