"""The writer beside a job: it never fails the job, and leaves a broken database alone."""

from __future__ import annotations

from addon.catalogue.writer import PAUSE_S, CatalogueWriter
from addon.errors import CatalogueUnavailable
from addon.settings import Settings
from tests.catalogue.recordings import ONE, contents, document, found, manifest


class Broken:
    """A catalogue that does not answer; counts who asks."""

    asked = 0

    def row(self, *_: object) -> None:
        return None

    def write(self, _: object) -> None:
        self.asked += 1
        raise CatalogueUnavailable("gone")

    def remove(self, *_: object) -> None:
        self.write(None)


def test_a_failure_is_counted_and_the_next_jobs_do_not_ask():
    now, missed, broken = [0.0], [], Broken()
    writer = CatalogueWriter(broken, lambda: missed.append(1), clock=lambda: now[0])  # type: ignore[arg-type]
    writer.write(manifest(), document())
    writer.remove(ONE, "RE1")
    assert (broken.asked, len(missed)) == (1, 2)
    now[0] = PAUSE_S
    writer.remove(ONE, "RE1")
    assert (broken.asked, len(missed)) == (2, 3)


def test_what_comes_and_goes_is_written(catalogue):
    writer = CatalogueWriter(catalogue)
    described = manifest()
    writer.write(described, document())
    assert len(contents(catalogue)["recordings"]) == 1
    writer.remove(ONE, described.recording_id)
    assert contents(catalogue)["recordings"] == set()


def test_a_defect_fails_no_job():
    missed: list[int] = []

    class Defect(Broken):
        def row(self, *_: object) -> None:
            raise KeyError("a defect")

    CatalogueWriter(Defect(), lambda: missed.append(1)).write(manifest(), document())  # type: ignore[arg-type]
    assert missed == [1]


def test_without_a_key_nothing_is_written():
    writer = CatalogueWriter.from_settings(Settings())
    writer.write(manifest(), document())
    writer.remove(ONE, "RE1")
    writer.close()


def test_a_recording_without_figures_gets_them_when_it_is_opened_and_no_other_is_written(catalogue):
    writer, described = CatalogueWriter(catalogue), manifest()
    writer.complete(described, document())
    assert contents(catalogue)["recordings"] == set(), "it is the comparison that adds"
    catalogue.write([catalogue.row(described, None)])
    writer.complete(described, document("some words"))
    key = (ONE, described.recording_id)
    assert catalogue.find([key])[key].state == "analysed"
    writer.complete(described, document("other words"))
    assert [found(catalogue, words=one) for one in ("some", "other")] == [[1], []]
