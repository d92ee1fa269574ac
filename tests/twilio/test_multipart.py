from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.sansio.multipart import MultipartDecoder

from addon.errors import InputConflict, Rejected, StoreUnavailable, Unavailable, UploadTooLarge
from addon.twilio.multipart import (
    MAX_FIELDS,
    MAX_PART_HEAD_BYTES,
    MAX_PART_HEAD_LINES,
    MAX_TEXT_BYTES,
    Body,
    parse,
)

BOUNDARY = "bndry77"
FORM = "application/x-www-form-urlencoded"


def environ(body: bytes, content_type: str | None, **more: Any) -> dict[str, Any]:
    made = {
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "REQUEST_METHOD": "POST",
    }
    if content_type is not None:
        made["CONTENT_TYPE"] = content_type
    return made | more


def part(
    name: str | None, value: bytes, *, filename: str | None = None, kind: str | None = None
) -> bytes:
    disposition = "form-data" + (f'; name="{name}"' if name is not None else "")
    disposition += f'; filename="{filename}"' if filename is not None else ""
    headers = f"Content-Disposition: {disposition}\r\n"
    headers += f"Content-Type: {kind}\r\n" if kind else ""
    return f"--{BOUNDARY}\r\n{headers}\r\n".encode() + value + b"\r\n"


def multipart(*parts: bytes, end: bytes = b"--bndry77--\r\n") -> dict[str, Any]:
    return environ(b"".join(parts) + end, f"multipart/form-data; boundary={BOUNDARY}")


class Sinks:
    """Counts how often a sink was asked for."""

    def __init__(self) -> None:
        self.opened: list[io.BytesIO] = []

    def __call__(self) -> io.BytesIO:
        self.opened.append(io.BytesIO())
        return self.opened[-1]


def read(request: dict[str, Any], **options: Any) -> tuple[Body, bytes | None]:
    sinks = Sinks()
    body = parse(request, sinks, **options)
    assert (body.audio is None) == (not sinks.opened)
    return body, sinks.opened[0].getvalue() if sinks.opened else None


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("Multipart/Form-Data; Boundary=bndry77", part("a", b"1") + b"--bndry77--\r\n"),
        ("Application/X-WWW-Form-Urlencoded", b"a=1"),
        ("APPLICATION/JSON; charset=UTF-8", b'{"a": "1"}'),
        ("application/Vnd.X+Json", b'{"a": "1"}'),
    ],
)
def test_a_media_type_is_read_in_any_case(kind: str, body: bytes) -> None:
    assert read(environ(body, kind))[0].fields["a"] == "1"


def test_more_than_a_thousand_fields_are_read() -> None:
    names = [f"f{number}" for number in range(1500)]
    by_parts = read(multipart(*[part(name, b"1") for name in names]))[0]
    urlencoded = read(environ("&".join(f"{name}=1" for name in names).encode(), FORM))[0]
    assert list(by_parts.fields) == list(urlencoded.fields) == names


class TestMultipart:
    @pytest.mark.parametrize(
        "name", ["audio-data", "audio_data", "AudioData", "audioData", "audio", "file", "Recording"]
    )
    @pytest.mark.parametrize("filename", ["rec.wav", "", None])
    def test_audio_flows_into_the_sink_under_every_spelling(
        self, name: str, filename: str | None
    ) -> None:
        sound = bytes(range(256)) * 4096 + b"\r\n--bndry7\r\n--bndry"
        request = multipart(part("channels", b"2"), part(name, sound, filename=filename))
        body, written = read(request)
        assert written == sound
        assert body.audio is not None
        assert (body.audio.name, body.audio.filename, body.audio.size) == (
            name,
            filename,
            len(sound),
        )
        assert body.form is not None
        assert list(body.form.items(multi=True)) == [("channels", "2")]

    def test_text_is_kept_as_it_is_with_blanks_repeats_and_empties(self) -> None:
        body, _ = read(
            multipart(
                part("label", b"  padded "),
                part("tag", b"b"),
                part("tag", b"a"),
                part("empty", b""),
                part("umlaut", "Grüße".encode()),
                part("latin", b"Gr\xfc\xdfe", kind="text/plain; charset=iso-8859-1"),
                part("odd", b"x\xff", kind="text/plain; charset=rot13"),
            )
        )
        assert list(body.fields.lists()) == [
            ("label", ["  padded "]),
            ("tag", ["b", "a"]),
            ("empty", [""]),
            ("umlaut", ["Grüße"]),
            ("latin", ["Grüße"]),
            ("odd", ["x�"]),
        ]

    def test_the_digest_is_of_the_raw_body(self) -> None:
        request = multipart(part("a", b"1"), part("audio", b"RIFF"))
        raw = request["wsgi.input"].getvalue()
        assert read(request)[0].sha256 == hashlib.sha256(raw).hexdigest()

    def test_a_file_of_an_audio_type_is_audio_whatever_its_name(self) -> None:
        body, written = read(multipart(part("upload", b"RIFFx", filename="a", kind="Audio/X-Wav")))
        assert written == b"RIFFx"
        assert body.audio is not None
        assert body.audio.content_type == "Audio/X-Wav"

    def test_any_other_file_is_passed_over_and_is_not_a_field(self) -> None:
        body, written = read(multipart(part("doc", b"%PDF", filename="a.pdf"), part("a", b"1")))
        assert written is None
        assert list(body.fields) == ["a"]

    def test_an_empty_audio_part_is_no_audio(self) -> None:
        body, _ = read(multipart(part("audio", b"", filename="x.wav"), part("audio_data", b"R")))
        assert body.audio is not None
        assert body.audio.name == "audio_data"

    def test_two_audio_parts_are_a_conflict(self) -> None:
        with pytest.raises(InputConflict):
            read(multipart(part("audio", b"R"), part("file", b"R")))

    def test_audio_above_the_limit_is_refused_and_at_it_is_not(self) -> None:
        assert read(multipart(part("audio", b"a" * 5000)), max_audio_bytes=5000)[1] == b"a" * 5000
        with pytest.raises(UploadTooLarge):
            read(multipart(part("audio", b"a" * 5001)), max_audio_bytes=5000)

    def test_what_is_left_of_a_refused_body_is_read_so_that_the_answer_arrives(self) -> None:
        request = multipart(part("audio", b"a" * 900_000))
        with pytest.raises(UploadTooLarge):
            read(request, max_audio_bytes=1000)
        assert request["wsgi.input"].read() == b""

    def test_a_body_without_end_is_not_read_for_ever(self) -> None:
        class Endless(io.RawIOBase):
            taken = 0

            def read(self, size: int = -1) -> bytes:
                self.taken += size
                return b"a" * size

        endless = Endless()
        request = multipart() | {"wsgi.input": endless, "wsgi.input_terminated": True}
        del request["CONTENT_LENGTH"]
        with pytest.raises(Rejected):
            read(request, max_audio_bytes=1000)
        assert endless.taken < 4 * MAX_TEXT_BYTES

    def test_too_many_or_too_long_fields_are_rejected_never_413(self) -> None:
        with pytest.raises(Rejected, match="too many"):
            read(multipart(*[part(f"f{number}", b"") for number in range(MAX_FIELDS + 1)]))
        with pytest.raises(Rejected, match="too long"):
            read(
                multipart(part("a", b"x" * (MAX_TEXT_BYTES // 2)), part("b", b"x" * MAX_TEXT_BYTES))
            )

    @pytest.mark.parametrize(
        "headers",
        [
            b"X: " + b"x" * 500_000,
            b"X: " + b"x" * MAX_PART_HEAD_BYTES,
            b"a:\r\n" * (MAX_PART_HEAD_LINES + 1),
            b"a:\n" * 200_000,
        ],
        ids=["a long one", "one too long", "too many", "very many"],
    )
    @pytest.mark.parametrize("end", [b"", b"\r\n\r\nvalue\r\n"], ids=["open", "ended"])
    def test_headers_of_a_part_are_rejected_before_they_cost_anything(
        self, headers: bytes, end: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delattr(MultipartDecoder, "_parse_headers")
        with pytest.raises(Rejected, match=r"headers"):
            read(multipart(b"--bndry77\r\n" + headers + end))

    def test_a_large_upload_is_never_whole_in_memory(self) -> None:
        class Nothing:
            def write(self, data: bytes, /) -> None:
                assert len(data) < 1 << 20

        request = multipart(part("audio", bytes(24 << 20)))
        tracemalloc.start()
        body = parse(request, Nothing)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert body.audio is not None
        assert body.audio.size == 24 << 20
        assert peak < 4 << 20

    def test_the_sinks_own_errors_pass(self) -> None:
        def full() -> Any:
            raise StoreUnavailable("disk full")

        with pytest.raises(StoreUnavailable):
            parse(multipart(part("audio", b"R")), full)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"garbage",
            b"--bndry77",
            b"--bndry77\r\n",
            b"--bndry77\r\nContent-Disposition: form-data; name=a\r\n\r\nvalue",
            b"--bndry77\r\nContent-Disposition: form-data\r\n\r\nvalue\r\n--bndry77--",
            b"--bndry77\r\nContent-Type: x\r\n\r\nvalue\r\n--bndry77--",
            b'--bndry77\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--bndry77--',
            b"--bndry77\r\n\r\n\r\nvalue\r\n--bndry77--",
        ],
    )
    def test_malformed_bodies_are_rejected(self, body: bytes) -> None:
        with pytest.raises(Rejected):
            read(environ(body, "multipart/form-data; boundary=bndry77"))

    @pytest.mark.parametrize(
        "content_type",
        [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=ü",
            f"multipart/form-data; boundary={'b' * 71}",
            "multipart/mixed; boundary=bndry77",
        ],
    )
    def test_impossible_boundaries_are_rejected(self, content_type: str) -> None:
        with pytest.raises(Rejected):
            read(environ(part("a", b"1") + b"--bndry77--", content_type))

    @given(st.binary(max_size=300), st.integers(0, 200))
    @settings(max_examples=200)
    def test_no_bytes_end_in_another_error(self, noise: bytes, cut: int) -> None:
        whole = part("a", b"1") + part("audio", b"RIFF", filename="x") + b"--bndry77--"
        for body in (noise, whole[:cut] + noise + whole[cut:], whole[:cut]):
            try:
                read(environ(body, "multipart/form-data; boundary=bndry77"))
            except (Rejected, InputConflict):
                continue


class TestBrokenConnections:
    @pytest.mark.parametrize("terminated", [True, False])
    @pytest.mark.parametrize("kind", [FORM, "application/json", "multipart/form-data; boundary=b"])
    def test_a_body_shorter_than_announced_asks_to_be_sent_again(
        self, kind: str, terminated: bool
    ) -> None:
        request = environ(b"a=1", kind, CONTENT_LENGTH="10")
        if terminated:  # as gunicorn says
            request["wsgi.input_terminated"] = True
        with pytest.raises(Unavailable):
            read(request)

    def test_a_stream_that_breaks_is_unavailable(self) -> None:
        class Broken(io.RawIOBase):
            def readinto(self, buffer: Any) -> int:
                raise ConnectionResetError

        with pytest.raises(Unavailable):
            read(environ(b"", FORM) | {"wsgi.input": Broken(), "CONTENT_LENGTH": "5"})

    def test_a_chunked_body_is_read_to_its_end(self) -> None:
        request = environ(b"a=1&b=2", FORM) | {"wsgi.input_terminated": True}
        del request["CONTENT_LENGTH"]
        assert read(request)[0].fields["b"] == "2"

    def test_an_impossible_length_is_no_body(self) -> None:
        assert not read(environ(b"a=1", FORM, CONTENT_LENGTH="many"))[0].fields


class TestUrlencoded:
    def test_fields_keep_their_blanks_and_repeats(self) -> None:
        raw = (
            b"url=https%3A%2F%2Fm.example%2Fa%3Fb%3D1&label=+x+&empty=&tag=b&tag=a&n=%C3%BC&bad=%ff"
        )
        body, _ = read(environ(raw, FORM + "; charset=utf-8"))
        assert body.form is body.fields
        assert body.fields.to_dict(flat=False) == {
            "url": ["https://m.example/a?b=1"],
            "label": [" x "],
            "empty": [""],
            "tag": ["b", "a"],
            "n": ["ü"],
            "bad": ["�"],
        }
        assert body.sha256 == hashlib.sha256(raw).hexdigest()

    def test_too_much_is_rejected(self) -> None:
        with pytest.raises(Rejected):
            read(environ(b"&".join([b"a=1"] * (MAX_FIELDS + 1)), FORM))
        with pytest.raises(Rejected):
            read(environ(b"a=" + b"x" * MAX_TEXT_BYTES, FORM))


class TestJson:
    def test_members_are_fields_and_nested_values_are_kept(self) -> None:
        document = {
            "url": "https://m.example/a",
            "channels": 2,
            "list": [1, 2],
            "deep": {"a": None},
        }
        raw = json.dumps(document).encode()
        for kind in (
            "application/json",
            "application/json; charset=utf-8",
            "application/vnd.x+json",
        ):
            body, _ = read(environ(raw, kind))
            assert body.fields.to_dict() == document
            assert body.form is None
            assert body.sha256 == hashlib.sha256(raw).hexdigest()

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"{",
            b"[]",
            b'"text"',
            b"null",
            b"\xff",
            b'{"a": NaN}',
            b'{"a": Infinity}',
            b'{"a": "\\ud800"}',
            b'{"\\udfff": 1}',
            b'{"a": ' + b"9" * 5000 + b"}",
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b'{"a": "' + b"x" * MAX_TEXT_BYTES + b'"}',
        ],
    )
    def test_whatever_is_no_object_is_rejected(self, raw: bytes) -> None:
        with pytest.raises(Rejected):
            read(environ(raw, "application/json"))


class TestOtherKinds:
    @pytest.mark.parametrize("kind", ["text/plain", "audio/x-wav", "", None, ";;;", "multipart"])
    def test_a_body_of_another_kind_is_rejected(self, kind: str | None) -> None:
        with pytest.raises(Rejected, match="must be"):
            read(environ(b"RIFF", kind))

    def test_no_body_is_an_empty_form(self) -> None:
        body, _ = read(environ(b"", None))
        assert body.form is not None
        assert not body.form
        assert body.sha256 == hashlib.sha256(b"").hexdigest()
