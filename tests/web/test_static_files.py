"""Static files are kept by browsers until they change, and never longer."""

from __future__ import annotations

import re

from flask import Flask

from addon.web import static_files


def test_a_page_names_files_by_an_address_that_changes_with_them(app: Flask):
    page = app.test_client().get("/docs").text
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(addresses) >= 3
    for address in addresses:
        assert address.startswith(f"/static/{static_files.release()}/")
        answer = app.test_client().get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_page_of_another_release_gets_the_file_and_does_not_keep_it(app: Flask):
    answer = app.test_client().get("/static/000000000000/base.css")
    assert answer.status_code == 200
    assert "immutable" not in answer.headers["Cache-Control"]
    assert answer.headers["Cache-Control"] == "no-cache, max-age=0"


def test_the_address_changes_with_any_file(tmp_path, monkeypatch):
    monkeypatch.setattr(static_files, "FOLDER", tmp_path)
    (tmp_path / "a.css").write_text("a")
    fresh = static_files.release.__wrapped__
    versions = {fresh()}
    (tmp_path / "a.css").write_text("b")
    versions.add(fresh())
    (tmp_path / "a.css").rename(tmp_path / "b.css")
    versions.add(fresh())
    assert len(versions) == 3


def test_nothing_outside_the_folder_is_served(app: Flask):
    for name in ("../pages.py", "..%2fpages.py", "%2e%2e/pages.py", "vendor/../../pages.py"):
        address = f"/static/{static_files.release()}/{name}"
        assert app.test_client().get(address).status_code == 404
