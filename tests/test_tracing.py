"""Traces: one a request, from the web to its delivery; off by default, and nothing of the call."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from addon import tracing
from addon.requests.queues import DeadlineQueue, RequestJob
from addon.settings import Settings
from addon.tracing import Tracing
from tests.calls import wav
from tests.web import requests as send
from workers.services import Services
from workers.worker import QueueWorker

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


class FileExporter(SpanExporter):
    """Writes spans to a file: what a job's own process exported can be read afterwards."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def export(self, spans):
        with self.path.open("a") as file:
            for span in spans:
                names = (span.name, f"{span.context.trace_id:x}", str(dict(span.attributes)))
                file.write("\t".join(names) + "\n")
        return SpanExportResult.SUCCESS


@pytest.fixture
def exported():
    exporter = InMemorySpanExporter()
    tracing.use(Tracing("test", lambda: exporter))
    yield lambda: (tracing.flush(), exporter.get_finished_spans())[1]
    tracing.use(Tracing())


@pytest.fixture
def traced_file(tmp_path):
    path = tmp_path / "spans"
    tracing.use(Tracing("test", lambda: FileExporter(path)))
    yield path
    tracing.use(Tracing())


def test_without_an_exporter_nothing_happens():
    with tracing.span("work", request_sid="XR1") as span:
        assert span is None
        assert tracing.carrier() == {}
    tracing.flush()


def test_it_is_off_unless_an_endpoint_is_named():
    tracing.configure("test", Settings.load({}))
    with tracing.span("work") as span:
        assert span is None


def test_an_endpoint_without_the_packages_is_a_warning_and_no_more(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.exporter.otlp.proto.http", None)
    tracing.configure("test", Settings.load(ENDPOINT))
    with tracing.span("work") as span:
        assert span is None


def test_a_span_carries_its_attributes(exported):
    with tracing.span("work", request_sid="XR1", lane="express"):
        pass
    (span,) = exported()
    assert (span.name, dict(span.attributes)) == (
        "work",
        {"addon.request_sid": "XR1", "addon.lane": "express"},
    )
    assert span.resource.attributes["service.name"] == "test"


def test_an_error_is_named_by_its_class_and_by_nothing_else(exported):
    with pytest.raises(ValueError, match="secret"), tracing.span("work"):
        raise ValueError("a secret")
    (span,) = exported()
    assert (span.status.is_ok, span.status.description) == (False, "ValueError")
    assert span.events == ()


def test_a_carrier_joins_two_processes_to_one_trace(exported):
    with tracing.span("accept"):
        carried = tracing.carrier()
    assert set(carried) == {"traceparent"}
    with tracing.span("process", carrier=carried):
        pass
    first, second = exported()
    assert second.context.trace_id == first.context.trace_id
    assert second.parent.span_id == first.context.span_id


def trace_before_and_after_a_fork(path: Path) -> None:
    tracing.use(Tracing("test", lambda: FileExporter(path)))
    with tracing.span("parent"):
        pass
    tracing.flush()
    child = os.fork()
    if child == 0:
        with tracing.span("child"):
            pass
        tracing.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_a_fork_gets_an_exporter_of_its_own(tmp_path, children):
    assert children.run(trace_before_and_after_a_fork, tmp_path / "spans") == 0
    assert [line.split("\t")[0] for line in (tmp_path / "spans").read_text().splitlines()] == [
        "parent",
        "child",
    ]


def test_the_context_is_in_the_jobs_meta_and_not_in_its_arguments(client, exported, redis_server):
    sid = send.new_sid()
    send.first_sample(wav(1.0)).post(client, sid)
    (accept,) = exported()
    (name,) = DeadlineQueue("express", connection=redis_server).get_job_ids()
    job = RequestJob.fetch(name, connection=redis_server)
    assert job.args == [sid]
    assert job.meta["traceparent"].split("-")[1] == f"{accept.context.trace_id:032x}"


def work_off(settings: Settings, path: Path) -> None:
    """A worker that forks a work-horse for each job. Each ends with os._exit."""
    tracing.use(Tracing("test", lambda: FileExporter(path)))
    ours = Services.from_settings(settings.for_worker())
    for module in ("services", "process", "deliver"):
        import_module(f"workers.{module}").services = lambda: ours
    worker = QueueWorker(["express", "deliver"], connection=ours.redis)
    worker.work(burst=True, logging_level="WARNING")


def test_one_trace_goes_from_the_web_through_the_workers(client, traced_file, settings, children):
    sid = send.new_sid()
    send.first_sample(wav(1.0)).post(client, sid)
    tracing.flush()
    assert children.run(work_off, settings, traced_file) == 0
    spans = [line.split("\t") for line in traced_file.read_text().splitlines()]
    # The delivery runs beside the end of the job that began it: either may end first.
    assert sorted(span[0] for span in spans) == ["accept", "deliver", "process"]
    assert len({span[1] for span in spans}) == 1
    assert all(f"'addon.request_sid': '{sid}'" in span[2] for span in spans)
