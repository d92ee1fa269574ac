"""Metrics, their page, the alert rules and the dashboard speak of the same things."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from addon import errors
from addon.metrics.declarations import ALL_METRICS, PACE_BOUNDS, REDACTIONS, SIGNATURES_REUSED
from addon.requests import admission, lease, scheduling, sla

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "monitoring.md").read_text()
RULES = [
    rule
    for group in yaml.safe_load((DOCS / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((DOCS / "grafana-dashboard.json").read_text())

NAME = re.compile(r"\baddon_[a-z_]+")
MATCHER = re.compile(r'\b([a-z]+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\bby\s*\(([^)]*)\)")
LEGEND = re.compile(r"\{\{(\w+)\}\}")
SUFFIX = re.compile(r"_(bucket|sum|count)$")

KNOWN = {
    "lane": set(scheduling.ALL_QUEUES),
    "length": {*sla.LENGTHS, sla.UNKNOWN},
    "stage": {"queue", "processing", "delivery"},
    "outcome": {
        "delivered", "skipped", "refused", "expired", "unavailable", "unauthorised",
        "finished before", "given up", "disabled", "failed",
    },
    "reason": {name for name, found in vars(errors).items() if isinstance(found, type)},
    "answer": set(SIGNATURES_REUSED.known),
    "status": set(REDACTIONS.known),
    "le": {str(bound) for bound in PACE_BOUNDS},
}  # fmt: skip


def metric(name: str) -> str:
    """The metric that a series belongs to."""
    base = SUFFIX.sub("", name)
    return base if base in ALL_METRICS and ALL_METRICS[base].bounds else name


def targets() -> Iterator[tuple[str, dict[str, Any]]]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield f"{panel['title']} {target['refId']}", target


QUERIES = [(rule["alert"], rule["expr"]) for rule in RULES] + [
    (name, target["expr"]) for name, target in targets()
]
NAMES, EXPRESSIONS = zip(*QUERIES, strict=True)


@pytest.mark.parametrize("query", EXPRESSIONS, ids=NAMES)
def test_a_query_names_metrics_and_labels_that_exist(query):
    used = {metric(name) for name in NAME.findall(query)}
    assert used and used <= set(ALL_METRICS)
    labels = {label for name in used for label in ALL_METRICS[name].labels} | {"le"}
    grouped = {word.strip() for words in GROUPING.findall(query) for word in words.split(",")}
    assert grouped <= labels
    assert {label for label, _, _ in MATCHER.findall(query)} <= labels


@pytest.mark.parametrize("query", EXPRESSIONS, ids=NAMES)
def test_a_query_asks_for_values_that_occur(query):
    for label, operator, value in MATCHER.findall(query):
        wanted = value.split("|") if operator == "=~" else [re.escape(value)]
        for pattern in wanted:
            assert any(re.fullmatch(pattern, known) for known in KNOWN[label]), (label, pattern)


@pytest.mark.parametrize("query", EXPRESSIONS, ids=NAMES)
def test_a_query_is_well_formed(query):
    for opening, closing in ("()", "[]", "{}"):
        assert query.count(opening) == query.count(closing)
    for name in NAME.findall(query):
        kind = ALL_METRICS[metric(name)].kind
        rated = re.search(rf"(rate|increase)\({name}\b", query)
        assert bool(rated) == (kind != "gauge"), f"{name} is a {kind}"


@pytest.mark.parametrize(("name", "target"), list(targets()), ids=[name for name, _ in targets()])
def test_a_legend_names_a_label_of_its_query(name, target):
    assert set(LEGEND.findall(target["legendFormat"])) <= {
        label for used in NAME.findall(target["expr"]) for label in ALL_METRICS[metric(used)].labels
    }


def test_every_metric_is_documented_with_its_labels():
    rows = [line for line in PAGE.splitlines() if line.startswith("| `addon_")]
    found = {
        name: set(re.findall(r"`(\w+)`", row.split("|")[2]))
        for row in rows
        for name in NAME.findall(row.split("|")[1])
    }
    assert found == {name: set(metric.labels) for name, metric in ALL_METRICS.items()}


def test_the_page_names_no_metric_that_does_not_exist():
    assert {metric(name) for name in NAME.findall(PAGE)} <= set(ALL_METRICS)


def test_every_metric_is_on_the_dashboard():
    shown = {metric(name) for _, target in targets() for name in NAME.findall(target["expr"])}
    assert shown == set(ALL_METRICS)


def test_every_alert_has_a_remedy_and_the_same_severity_on_the_page():
    rows = re.findall(r"^\| (Addon\w+) \| (\w+) \| .+ \| .+ \|$", PAGE, re.M)
    assert dict(rows) == {rule["alert"]: rule["labels"]["severity"] for rule in RULES}
    assert len(rows) == len(RULES)


def test_every_lane_is_on_the_page():
    assert {lane for lane in scheduling.ALL_QUEUES if f"`{lane}`" not in PAGE} <= {"q180", "q600"}


def test_panels_neither_overlap_nor_share_an_id():
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_the_thresholds_are_twilios():
    by_name = {rule["alert"]: rule["expr"] for rule in RULES}
    assert by_name["AddonMedianTooSlow"].endswith(f"> {sla.LIMITS[0]:g}")
    assert by_name["AddonSlowestTooSlow"].endswith(f"> {sla.LIMITS[1]:g}")
    assert set(sla.LIMITS) | {scheduling.ANSWER_AT} <= set(PACE_BOUNDS)


def test_somebody_is_called_before_new_work_is_refused():
    by_name = {rule["alert"]: rule["expr"] for rule in RULES}
    assert by_name["AddonRedisNearlyFull"].endswith(f"> {admission.TIGHT:g}")
    assert admission.TIGHT < admission.FULL
    assert f"{admission.FULL:.0%} of".replace("%", " %") in PAGE


def test_a_missing_sweeper_is_told_from_one_that_changes_places():
    rule = next(rule for rule in RULES if rule["alert"] == "AddonNoSweeper")
    assert int(rule["for"].removesuffix("m")) * 60_000 > 5 * lease.TTL_MS


def test_what_is_alerted_at_its_first_occurrence_is_shown_before_it():
    for rule in RULES:
        for name, after in re.findall(r"increase\((\w+)[^)]*\)\) > (\d+)", rule["expr"]):
            found = ALL_METRICS[name]
            assert int(after) > 0 or not found.labels or found.known, rule["alert"]


PROMISES = {
    "results in time": {"addon_deadline_misses_total", "addon_elapsed_per_duration"},
    "nothing accepted is lost": {"addon_requests_stuck_total", "addon_intakes_erased_total"},
    "accepted at any time": {"addon_rejections_total", "addon_accepting"},
    "the store answers": {"addon_rejections_total"},
    "killed jobs run again": {"addon_sweeper_active", "addon_lost_jobs_total"},
    "no queue stands still": {"addon_lane_pressure", "addon_requests_open"},
    "digits are muted": {"addon_redactions_total"},
    "a signature is good for one request": {"addon_signatures_reused_total"},
    "results reach their callback": {"addon_delivery_tries_total", "addon_requests_finished_total"},
    "events reach integrators": {"addon_webhook_tries_total"},
    "the lists show everything": {"addon_catalogue_missed_total"},
    "Redis may be lost": {"addon_requests_adopted_total", "addon_redis_memory_bytes"},
    "jobs of strangers do not run": {"addon_refused_jobs_total"},
}
"""What is promised, and the metrics that tell when it is broken."""


@pytest.mark.parametrize("promise", PROMISES)
def test_a_broken_promise_raises_an_alert(promise):
    alerted = {metric(name) for rule in RULES for name in NAME.findall(rule["expr"])}
    assert PROMISES[promise] <= alerted


def test_every_counter_is_alerted_or_says_only_how_much_there_is():
    alerted = {metric(name) for rule in RULES for name in NAME.findall(rule["expr"])}
    counters = {name for name, one in ALL_METRICS.items() if one.kind == "counter"}
    of_volume = {
        "addon_requests_accepted_total",
        "addon_duplicates_total",
        "addon_audio_seconds_total",
    }
    assert counters - alerted == of_volume
