"""`/media/<grant>`: bytes by ranges, conditions, CORS, downloads, denials."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from addon.archive.reader import RangeReader
from addon.errors import StoreUnavailable
from addon.factory import create_app
from addon.playback import tokens
from tests.playback.sounds import CALL, RECORDING, TENANT, archived, decoded, file_of
from tests.web.documented import DocumentedClient
from tests.web.playing import ORIGIN, access_log, address_name, inside, link

CONTENT = file_of(70_000)
LENGTH = len(CONTENT)


@pytest.fixture
def app(app):
    app.test_client_class = DocumentedClient
    archived(inside(app).archive, CONTENT)
    return app


@pytest.fixture
def url(app) -> str:
    return link(app)


def test_all_of_it(client, url):
    answer = client.get(url)
    assert (answer.status_code, answer.data) == (200, CONTENT)
    assert answer.headers["Content-Length"] == str(LENGTH)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Type"] == "audio/x-wav"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Disposition" not in answer.headers
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-1", 0, 2),
        ("bytes=0-", 0, LENGTH),
        ("bytes=65530-65545", 65_530, 65_546),
        ("bytes=-7", LENGTH - 7, LENGTH),
        ("bytes=200000-", 200_000, LENGTH),
        (f"bytes=0-{LENGTH * 2}", 0, LENGTH),
    ],
)
def test_one_range(client, url, header, start, stop):
    answer = client.get(url, headers={"Range": header})
    assert (answer.status_code, answer.data) == (206, CONTENT[start:stop])
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{LENGTH}"
    assert answer.headers["Content-Length"] == str(stop - start)


def parts_of(answer) -> list[tuple[str, bytes]]:
    """The parts of multipart/byteranges: Content-Range and bytes, parsed by hand."""
    boundary = answer.headers["Content-Type"].partition("boundary=")[2].encode()
    first, *parts, end = answer.data.split(b"\r\n--" + boundary)
    assert (first, end) == (b"", b"--\r\n")
    found = []
    for part in parts:
        head, _, body = part.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ") for line in head.strip().split(b"\r\n"))
        assert fields[b"Content-Type"] == b"audio/x-wav"
        found.append((fields[b"Content-Range"].decode(), body))
    return found


def test_several_ranges(client, url):
    answer = client.get(url, headers={"Range": "bytes=200000-200009,0-3,-2"})
    assert answer.status_code == 206
    assert answer.mimetype == "multipart/byteranges"
    assert "Content-Range" not in answer.headers
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert parts_of(answer) == [
        (f"bytes 200000-200009/{LENGTH}", CONTENT[200_000:200_010]),
        (f"bytes 0-3/{LENGTH}", CONTENT[:4]),
        (f"bytes {LENGTH - 2}-{LENGTH - 1}/{LENGTH}", CONTENT[-2:]),
    ]


def test_ranges_that_overlap_become_one(client, url):
    answer = client.get(url, headers={"Range": "bytes=0-9,5-14,15-19"})
    assert (answer.status_code, answer.data) == (206, CONTENT[:20])
    assert answer.headers["Content-Range"] == f"bytes 0-19/{LENGTH}"


@pytest.mark.parametrize("header", [f"bytes={LENGTH}-", "bytes=-0", "bytes=999999999-"])
def test_a_range_behind_the_end(client, url, header):
    answer = client.get(url, headers={"Range": header})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{LENGTH}"
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("header", ["bytes=5-1", "seconds=0-1", "bytes=x", "bytes=0-1;"])
def test_what_is_no_range_is_ignored(client, url, header):
    assert client.get(url, headers={"Range": header}).status_code == 200


def test_head_gives_the_headers_of_the_whole(client, url):
    answer = client.head(url, headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == str(LENGTH)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"] == client.get(url).headers["ETag"]


def test_an_empty_recording_is_an_empty_answer(app, client):
    archived(inside(app).archive, b"", recording_id="REempty", format="unknown")
    url = link(app, recording_id="REempty")
    answer = client.get(url)
    assert (answer.status_code, answer.data, answer.headers["Content-Length"]) == (200, b"", "0")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert client.get(url, headers={"Range": "bytes=0-"}).status_code == 416


def test_if_range_holds_only_for_this_very_content(client, url):
    etag = client.get(url).headers["ETag"]
    for condition, status in {
        etag: 206,
        '"another"': 200,
        f"W/{etag}": 200,
        "Fri, 20 Nov 2026 10:00:00 GMT": 200,
        etag.strip('"'): 200,
        "": 200,
    }.items():
        answer = client.get(url, headers={"Range": "bytes=0-1", "If-Range": condition})
        assert answer.status_code == status, condition
        assert len(answer.data) == (2 if status == 206 else LENGTH)


def test_conditions_on_the_content(client, url):
    etag = client.get(url).headers["ETag"]
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.get(url, headers={"If-Match": etag}).status_code == 200
    assert client.get(url, headers={"If-Match": '"other"'}).status_code == 412
    unmatched = {"If-Match": '"other"', "Range": "bytes=0-1"}
    assert client.get(url, headers=unmatched).status_code == 412


def test_the_etag_belongs_to_the_content(app, client, url):
    archived(inside(app).archive, CONTENT, recording_id="REtwin")
    archived(inside(app).archive, CONTENT[:-2], recording_id="REother")
    tags = [client.head(u).headers["ETag"] for u in (url, link(app, recording_id="REtwin"))]
    assert tags[0] == tags[1] != client.head(link(app, recording_id="REother")).headers["ETag"]


# CORS


def test_a_player_s_script_may_read_it(client, url):
    for answer in (
        client.get(url, headers={"Origin": ORIGIN, "Range": "bytes=0-1"}),
        client.get(url, headers={"Origin": ORIGIN, "Range": "bytes=9999999-"}),
        client.get("/media/forged", headers={"Origin": ORIGIN}),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Origin" in answer.headers["Vary"]
        exposed = answer.headers["Access-Control-Expose-Headers"]
        assert {"Content-Range", "Accept-Ranges", "Content-Length"} <= set(exposed.split(", "))
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://flex.twilio.com.evil.example",
        "http://flex.twilio.com",
        "https://flex.twilio.com:8443",
        "https://FLEX.twilio.com",
        "null",
        "*",
        "",
    ],
)
def test_no_other_origin_may(client, url, origin):
    for answer in (
        client.get(url, headers={"Origin": origin}),
        client.options(url, headers={"Origin": origin, "Access-Control-Request-Method": "GET"}),
    ):
        assert not [name for name in dict(answer.headers) if name.startswith("Access-Control")]
        assert answer.headers["Vary"] == "Origin"


def test_the_preflight_needs_no_grant(client):
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "range,x-player",
    }
    answer = client.options("/media/anything", headers=asked)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Headers"] == "range,x-player"
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize("asked", ["a b", "a\x0bb", "é", ",", "x" * 2000])
def test_nothing_but_field_names_is_echoed(client, asked):
    headers = {"Origin": ORIGIN, "Access-Control-Request-Headers": asked}
    answer = client.options("/media/x", headers=headers)
    allowed = answer.headers["Access-Control-Allow-Headers"]
    assert allowed == "Range, If-Range, If-None-Match" or set(allowed) == {"x"}


def test_further_origins_can_be_set(settings, url):
    ours = settings.replace(player_origins=("https://a.example", "https://b.example"))
    client = create_app(ours).test_client()
    for origin in ours.player_origins:
        answer = client.head(url, headers={"Origin": origin})
        assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "Access-Control-Allow-Origin" not in client.head(url, headers={"Origin": ORIGIN}).headers


# Grants


def test_a_forged_link_is_403(client, url):
    answer = client.get(url[:-3] + "abc")
    assert answer.status_code == 403
    assert answer.get_json()["code"] == 64702


def test_an_expired_link_is_410_and_noted(app, client):
    old = link(app, now=time.time() - 5000)
    assert client.get(old).status_code == 410
    assert client.get(old).status_code == 410
    (event,) = access_log(app)
    assert (event["event"], event["listener"], event["times"]) == ("denied", "agent9", 2)


def test_a_person_reads_on_a_page_that_a_link_has_expired_and_a_player_is_told_by_a_problem(app):
    old = link(app, now=time.time() - 5000)
    browser = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document"}
    page = app.test_client().get(old, headers=browser)
    assert (page.status_code, page.mimetype) == (410, "text/html")
    assert "No longer valid" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for program in ({"Accept": "*/*"}, {**browser, "Sec-Fetch-Dest": "audio"}):
        answer = app.test_client().get(old, headers=program)
        assert (answer.status_code, answer.mimetype) == (410, "application/problem+json")


def test_a_link_opens_nothing_else(app, client, url):
    archived(inside(app).archive, file_of(10), recording_id="REother")
    for path in (f"{url}/../REother", f"{url}?recording_id=REother", f"{url}?key=recordings/x"):
        answer = client.get(path)
        assert answer.status_code == 404 or answer.data == CONTENT


def test_an_erased_recording_is_gone_though_the_link_holds(app, client, url):
    assert client.get(url).status_code == 200
    inside(app).archive.erase(TENANT, RECORDING, by="test", reason="test")
    assert client.get(url).status_code == 404


def test_no_other_method(client, url):
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE"):
        assert client.open(url, method=method).status_code == 405


# Downloads


def test_a_download_is_a_file_and_works_once(app, client):
    url = link(app, purpose="download")
    assert client.head(url).status_code == 200
    answer = client.get(url)
    assert (answer.status_code, answer.data) == (200, CONTENT)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{RECORDING}.wav"'
    again = client.get(url)
    assert again.status_code == 410
    assert "used already" in again.get_json()["detail"]
    assert [event["event"] for event in access_log(app)] == ["heard", "denied"]


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {"Range": f"bytes={LENGTH}-"}, 416),
        ("", {"If-Match": '"another"'}, 412),
        ("", {"If-None-Match": "*"}, 304),
        ("?format=mp3", {}, 422),
    ],
)
def test_an_answer_without_a_byte_of_it_uses_no_download_up(app, client, query, headers, status):
    content = b"no audio".ljust(LENGTH) if query else CONTENT
    archived(inside(app).archive, content, recording_id="REonce")
    url = link(app, recording_id="REonce", purpose="download")
    assert client.get(url + query, headers=headers).status_code == status
    assert client.get(url).data == content
    assert client.get(url).status_code == 410


def test_a_store_that_was_away_uses_no_download_up(app, client, monkeypatch):
    url = link(app, purpose="download")
    client.head(url)

    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as troubled:
        troubled.setattr(RangeReader, "read", away)
        assert client.get(url).status_code == 503
    assert client.get(url).data == CONTENT


def test_a_link_for_listening_can_be_used_again_and_again(client, url):
    assert [client.get(url).status_code for _ in range(3)] == [200] * 3


def test_without_redis_downloads_wait_and_listening_goes_on(settings, redis_server, tmp_path):
    alone = create_app(settings.replace(redis_url=f"unix://{tmp_path}/nobody.sock"))
    archived(inside(alone).archive, CONTENT)
    client = alone.test_client()
    assert client.get(link(alone, purpose="download")).status_code == 503
    assert client.get(link(alone)).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "kind"), [("flac", "audio/flac"), ("mp3", "audio/mpeg"), ("opus", "audio/ogg")]
)
def test_a_download_can_be_converted(app, client, wanted, kind):
    url = link(app, purpose="download")
    answer = client.get(f"{url}?format={wanted}", headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
    assert answer.headers["Accept-Ranges"] == "none"
    assert "Content-Length" not in answer.headers
    assert f'filename="{RECORDING}.{wanted}"' in answer.headers["Content-Disposition"]
    found, rate = decoded(answer.data)
    assert (rate, found.shape[1]) == (8000, 2)
    if wanted == "flac":
        assert (found == decoded(CONTENT)[0]).all()


def test_a_link_for_listening_is_not_converted(client, url):
    assert client.get(f"{url}?format=mp3").status_code == 403


@pytest.mark.parametrize("wanted", ["", "wav", "exe", "FLAC"])
def test_a_format_that_is_none(app, client, wanted):
    url = link(app, purpose="download")
    assert client.get(f"{url}?format={wanted}").status_code == 400
    assert client.get(url).status_code == 200, "a refused request uses nothing up"


def test_what_cannot_be_converted_is_422(app, client):
    archived(inside(app).archive, b"no audio", recording_id="REnone", format="unknown")
    url = link(app, recording_id="REnone", purpose="download")
    assert client.get(f"{url}?format=mp3").status_code == 422


def test_a_call_is_one_file(app, client):
    second = file_of(5000, seed=2)
    archived(inside(app).archive, second, recording_id="REsecond")
    answer = client.get(link(app, call_sid=CALL))
    assert len(decoded(answer.data)[0]) == 75_000
    half = client.get(link(app, call_sid=CALL), headers={"Range": "bytes=280000-280099"})
    assert half.data == answer.data[280_000:280_100]


# What goes wrong


def stored_audio(app) -> Path:
    root = Path(urlsplit(inside(app).settings.archive_url).path)
    return root / "recordings" / TENANT / RECORDING / "audio.esdk"


def damage(app, place: int) -> None:
    path = stored_audio(app)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_a_damaged_beginning_is_502_and_not_a_byte(app, client, url):
    damage(app, 2000)
    answer = client.get(url)
    assert answer.status_code == 502
    assert answer.get_json()["code"] == 64604


def test_damage_elsewhere_does_not_touch_what_is_whole(app, client, url):
    damage(app, 200_000)
    assert client.get(url, headers={"Range": "bytes=0-99"}).data == CONTENT[:100]


def test_damage_on_the_way_is_raised_and_nothing_behind_it_is_sent(app, client, url):
    from addon.errors import Tampered

    damage(app, 200_000)
    answer = client.get(url, buffered=False)
    sent = b""
    with pytest.raises(Tampered):
        for block in answer.response:
            sent += block
    assert answer.status_code == 200
    assert 65_536 <= len(sent) < 200_000
    assert CONTENT.startswith(sent)


def test_without_a_key_that_opens_it_is_503(settings, redis_server, url):
    blind = create_app(settings.replace(archive_private_keys=()))
    answer = blind.test_client().get(url)
    assert (answer.status_code, answer.get_json()["code"]) == (503, 64603)


def test_a_store_that_is_away_is_503(settings, redis_server, url, tmp_path):
    (tmp_path / "file").write_text("")
    away = create_app(settings.replace(archive_url=(tmp_path / "file" / "x").as_uri()))
    assert away.test_client().get(url).status_code in (404, 503)


# The access log


def test_what_was_heard_is_on_record(app, client, url):
    client.get(url, headers={"Range": "bytes=0-999"})
    client.get(url, headers={"Range": "bytes=1000-1999"})
    client.get(url, headers={"Range": "bytes=100000-100099,200000-200099"})
    (event,) = access_log(app)
    assert event["event"] == "heard"
    assert event["ranges"] == [[0, 2000], [100_000, 100_100], [200_000, 200_100]]
    assert (event["of_bytes"], event["listener"]) == (LENGTH, "agent9")
    assert event["address"] == address_name(app, "127.0.0.1")
    assert event["right"] == "link"


def test_only_what_was_sent_counts_as_heard(app, client, url):
    answer = client.get(url, buffered=False)
    next(answer.response)
    answer.close()
    (event,) = access_log(app)
    ((start, stop),) = event["ranges"]
    assert (start, stop) == (0, 65_536)


def test_looking_is_not_listening(app, client, url):
    client.head(url)
    assert client.get(url, headers={"Range": "bytes=999999-"}).status_code == 416
    assert access_log(app) == []


def test_a_converted_download_is_on_record(app, client):
    client.get(link(app, purpose="download") + "?format=flac")
    (event,) = access_log(app)
    assert (event["form"], event["purpose"], event["ranges"]) == ("flac", "download", [[0, LENGTH]])


def test_the_proxy_s_word_about_the_address_is_kept_beside_ours(app, client, url):
    client.get(url, headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.4"})
    forwarded, peer = (address_name(app, one) for one in ("198.51.100.4", "127.0.0.1"))
    assert access_log(app)[0]["address"] == f"{forwarded} via {peer}"


def test_no_address_is_stored_in_the_clear(app, client, url):
    client.get(url, headers={"X-Forwarded-For": "198.51.100.4"})
    client.get(link(app, now=time.time() - 5000), headers={"X-Forwarded-For": "198.51.100.4"})
    assert len(access_log(app)) == 2
    store = inside(app).store
    for stat in store.list("audit/"):
        assert b"198.51.100.4" not in store.get(stat.key)
        assert b"127.0.0.1" not in store.get(stat.key)


def test_a_hearing_is_on_record_before_its_first_byte_and_costs_one_object(app, client, url):
    store = inside(app).store
    answer = client.get(url, buffered=False)
    (stat,) = store.list("audit/")
    assert b'"began"' in store.get(stat.key)
    answer.close()
    for start in range(0, 50_000, 1000):
        client.get(url, headers={"Range": f"bytes={start}-{start + 999}"})
    events = list(inside(app).archive.access_log.events(TENANT, RECORDING))
    assert [event["event"] for event in events].count("began") == 1


@pytest.mark.parametrize("query", ["", "?format=flac"])
def test_a_hearing_that_cannot_be_recorded_is_not_played(app, client, monkeypatch, query):
    store, url = inside(app).store, link(app, purpose="download" if query else "listen")
    put = store.put

    def away(key, *args, **kwargs):
        if key.startswith("audit/"):
            raise StoreUnavailable("away")
        return put(key, *args, **kwargs)

    monkeypatch.setattr(store, "put", away)
    answer = client.get(url + query)
    assert answer.status_code == 503
    assert "not played" in answer.get_json()["detail"]
    monkeypatch.setattr(store, "put", put)
    assert client.get(url + query).status_code == 200, "nothing was used up"


def test_the_links_of_a_token_that_was_revoked_die_with_it(app, client, monkeypatch):
    monkeypatch.setattr(tokens, "VALID_FOR_S", 0.0)
    text, token = inside(app).tokens.issue(TENANT, "crm")
    other, _ = inside(app).tokens.issue(TENANT, "other")
    urls = [
        client.get(
            f"/api/v1/recordings/{RECORDING}/file_url", headers={"Authorization": f"Bearer {one}"}
        ).get_json()["signed_url"]
        for one in (text, other)
    ]
    paths = [one.removeprefix("https://hooks.example.net") for one in urls]
    assert [client.get(path).status_code for path in paths] == [200, 200]
    inside(app).tokens.revoke(token.name)
    assert [client.get(path).status_code for path in paths] == [403, 200]
    assert access_log(app)[-1]["reason"] == "the API token that this link was made with has ended"
