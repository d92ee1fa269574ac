"""The hourly comparison: a task of its own, which tells a failure's code from what was answered."""

from __future__ import annotations

from addon.errors import UnreadableAudio
from addon.requests import results
from addon.requests.results import StoredResult
from tests.catalogue.conftest import KEY
from workers.catalogue_check import compare, failure_code
from workers.periodic_tasks import PERIODIC_TASKS


def test_it_is_a_periodic_task_where_there_is_a_catalogue(settings):
    every = PERIODIC_TASKS["catalogue"].every
    assert every(settings) == 0
    assert every(settings.replace(catalogue_key=KEY)) == 3600


def test_without_a_catalogue_nothing_is_compared(as_worker):
    compare(as_worker)


def test_a_code_is_that_of_the_outcome_or_of_the_result_that_waits(as_worker):
    kept = as_worker.intake_store
    assert failure_code(kept, "XRnone") is None
    document = results.failed("XRwaits", UnreadableAudio("noise"))
    kept.store_result("XRwaits", StoredResult(document, final=True, archivable=True))
    assert failure_code(kept, "XRwaits") == 64401
    kept.record_outcome("XRover", {"code": 64402, "status": "failed"})
    assert failure_code(kept, "XRover") == 64402
