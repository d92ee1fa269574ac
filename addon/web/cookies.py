"""Cookies of people: of the session, sign-ins that are under way, signing out, the time zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from werkzeug.wrappers import Request, Response

from addon.settings import Settings
from addon.web.sessions import SESSION_S

SIGN_IN_S = 600
"""Time to type a password and find a second factor."""

ASK_AGAIN_S = 30 * 24 * 3600
"""After signing out the issuer asks who it is, this long: a shared desk stands over a holiday."""

ZONE_S = 365 * 24 * 3600
"""Nothing but a zone's name, and nobody wants to choose it again."""


@dataclass(frozen=True)
class Cookies:
    """The cookies of a `kind`. `secure` where PUBLIC_URL is https; then bound to this very host."""

    secure: bool
    kind: str = "recordings"

    @classmethod
    def of(cls, settings: Settings, kind: str = "recordings") -> Self:
        """The cookies of a deployment."""
        return cls(secure=settings.public_url.startswith("https:"), kind=kind)

    def session(self, request: Request) -> str | None:
        """The session's text, as the browser sent it."""
        return self._get(request, "session")

    def remember_session(self, response: Response, token: str) -> None:
        """Sign the browser in."""
        self._set(response, "session", token, SESSION_S)

    def forget_session(self, response: Response) -> None:
        """Sign the browser out."""
        self._set(response, "session", "", 0)

    def sign_in(self, request: Request, name: str) -> str | None:
        """The value of a sign-in under way, by its name; each tab has its own."""
        return self._get(request, f"sign-in-{name}")

    def sign_ins(self, request: Request) -> Iterator[tuple[str, str]]:
        """Name and value of every sign-in that the browser holds."""
        beginning = self._name("sign-in-")
        for name, value in request.cookies.items():
            if name.startswith(beginning):
                yield name.removeprefix(beginning), value

    def remember_sign_in(self, response: Response, name: str, value: str) -> None:
        """Keep a sign-in in the browser that began it, until its answer comes."""
        self._set(response, f"sign-in-{name}", value, SIGN_IN_S)

    def forget_sign_in(self, response: Response, name: str) -> None:
        """A sign-in is over, or one too many."""
        self._set(response, f"sign-in-{name}", "", 0)

    def sign_out(self, request: Request) -> str | None:
        """The value that the offer to sign out at the issuer was kept as."""
        return self._get(request, "sign-out")

    def remember_sign_out(self, response: Response, value: str) -> None:
        """Keep what signing out at the issuer needs, as long as it is offered."""
        self._set(response, "sign-out", value, SIGN_IN_S)

    def forget_sign_out(self, response: Response) -> None:
        """It is done, or no longer wanted."""
        self._set(response, "sign-out", "", 0)

    def asks_again(self, request: Request) -> bool:
        """True where somebody signed out in this browser, and nobody has signed in since."""
        return self._get(request, "signed-out") is not None

    def ask_again(self, response: Response, *, wanted: bool) -> None:
        """Make the next sign-in of this browser ask who it is, or no longer."""
        self._set(response, "signed-out", "yes" if wanted else "", ASK_AGAIN_S if wanted else 0)

    def zone(self, request: Request) -> str | None:
        """The name of the time zone that the viewer sees times in."""
        return self._get(request, "zone")

    def remember_zone(self, response: Response, name: str) -> None:
        """Show this browser times in a zone."""
        self._set(response, "zone", name, ZONE_S)

    def _get(self, request: Request, name: str) -> str | None:
        return request.cookies.get(self._name(name)) or None

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            self._name(name),
            value,
            max_age=seconds,
            secure=self.secure,
            httponly=True,
            samesite="Lax",
        )

    def _name(self, name: str) -> str:
        # RFC 6265bis 4.1.3.2: a name that a subdomain or a plain http page cannot set.
        return f"__Host-{self.kind}-{name}" if self.secure else f"{self.kind}-{name}"
