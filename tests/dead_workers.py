"""A pytest plugin: the run ends at once when a pytest-xdist worker dies, and names its test.

Without it, pytest-xdist starts another worker, lets all workers finish what they were given, and
fails nothing where a worker dies between two tests.
"""

from __future__ import annotations

import pytest
from xdist.dsession import DSession
from xdist.workermanage import WorkerController


def pytest_testnodedown(node: WorkerController, error: object | None) -> None:
    """Called when a worker has ended; `error` is set where nobody had asked it to."""
    if error is None:
        return
    session = node.config.pluginmanager.get_plugin("dsession")
    assert isinstance(session, DSession)
    assert session.sched is not None
    test = session.sched.remove_node(node) if node in session.sched.nodes else None
    if test:
        session.handle_crashitem(test, node)
    pytest.exit(f"the pytest worker {node.gateway.id} died: {error}")
