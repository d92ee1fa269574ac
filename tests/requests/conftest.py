"""The requests that the workers' tests make, for tests of what happens before and after a job."""

from tests.workers.conftest import accept, market, settings

__all__ = ["accept", "market", "settings"]
