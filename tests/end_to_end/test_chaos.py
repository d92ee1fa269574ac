"""A short run of benchmarks/chaos.py: kill -9 everywhere, an emptied Redis, and nothing lost."""

import pytest

from benchmarks.chaos import Chaos
from tests.end_to_end.deployment import deployed

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def test_nothing_accepted_is_lost(tmp_path):
    with deployed(tmp_path) as deployment:
        report = Chaos(deployment, seed=20).run(requests=16, kills=10, wipe=True)
    assert report.lost == []
    assert report.accepted == report.archived == report.delivered == 16
    assert report.wipes > 0
    # Sent twice only where a kill fell between the POST and its record.
    assert report.delivered_again <= report.kills.get("job", 0) + report.kills.get("worker", 0)
