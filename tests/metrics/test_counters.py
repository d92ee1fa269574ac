"""Counting into a real Redis."""

from __future__ import annotations

import pytest
import redis

from addon.metrics import declarations
from addon.metrics.counters import Counters, field, observed


@pytest.fixture
def counters(redis_server) -> Counters:
    return Counters(redis_server)


def test_counts_add_up_over_processes(counters, redis_url):
    counters.count(declarations.TRIES, "delivered")
    Counters(redis.Redis.from_url(redis_url)).count(declarations.TRIES, "delivered")
    counters.count(declarations.TRIES, "refused")
    assert counters.read() == {
        "addon_delivery_tries_total|delivered": 2,
        "addon_delivery_tries_total|refused": 1,
    }


def test_a_metric_has_all_its_labels():
    with pytest.raises(ValueError, match="labels"):
        field(declarations.TRIES)


def test_a_redis_that_is_away_costs_nothing_but_the_count(tmp_path):
    counters = Counters(redis.Redis.from_url(f"unix://{tmp_path}/nobody.sock", retry=None))
    counters.count(declarations.ADOPTED)
    assert counters.add({"a": 1}) is False


@pytest.mark.parametrize(
    ("value", "bound"), [(0.0, "0.05"), (3.0, "3.0"), (3.1, "5.0"), (11, "+Inf")]
)
def test_an_observation_falls_into_one_bucket(value, bound):
    assert dict(observed(declarations.PACE, value, "30s")) == {
        f"addon_elapsed_per_duration|30s|{bound}": 1,
        "addon_elapsed_per_duration|30s|sum": value,
    }
