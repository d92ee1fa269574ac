"""Evidence shows what was sent and answered, and no password."""

from __future__ import annotations

from addon.commands.conformance.evidence import SHOWN_BYTES, of_answer, of_post, of_request
from addon.commands.marketplace import Callback
from addon.commands.sending import Answer, Prepared


def test_a_request_is_shown_with_its_headers_and_first_bytes() -> None:
    shown = of_request(Prepared("https://x/y?z", {"A": "b"}, b"\x00" + b"c" * SHOWN_BYTES))
    assert shown.startswith("> POST https://x/y?z\nA: b\n[401 bytes] \\x00ccc")
    assert shown.endswith("c…")


def test_an_answer_without_a_body_says_so() -> None:
    assert of_answer(Answer(202, b"", 0.25, {"X": "1"})) == "< 202 after 0.250 s\nX: 1\n[no body]"


def test_a_result_s_password_is_not_shown() -> None:
    post = Callback(b"{}", False, "", 12.5, "/callback/XR1", {"authorization": "Basic c2VjcmV0"})
    shown = of_post(post, 10.0)
    assert "c2VjcmV0" not in shown
    assert shown.startswith("callback after 2.500 s, answered nothing\n> POST /callback/XR1")
    assert "authorization: wrong (14 letters)" in shown
