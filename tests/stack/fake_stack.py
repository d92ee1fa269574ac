"""A supervisor over the children that its argument describes, for tests to signal and kill.

Each child is `{"name": …, "code": <Python source>, "probe": <path that must exist>, …}`.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from addon.errors import StackFailed
from addon.stack.child import Child
from addon.stack.console import Console
from addon.stack.supervisor import Patience, Supervisor


def child_of(spec: dict[str, Any]) -> Child:
    return Child(
        name=spec["name"],
        argv=[sys.executable, "-u", "-c", spec["code"]],
        probe=probe_of(spec.get("probe")),
        gate=spec.get("gate", False),
        grace=spec.get("grace", 5.0),
    )


def probe_of(path: str | None) -> Callable[[], str | None] | None:
    if path is None:
        return None
    return lambda: None if Path(path).exists() else f"there is no {Path(path).name}"


def main() -> None:
    stack = json.loads(sys.argv[1])
    console = Console(sys.stdout, readable=False)
    patience = Patience(**{"settled_after": 0.2, **stack.get("patience", {})})
    supervisor = Supervisor([child_of(spec) for spec in stack["children"]], console, patience)
    try:
        supervisor.run(lambda: console.say("READY"))
        if supervisor.restart_wanted:
            console.say("RESTART")
    except StackFailed as error:
        console.say(error.message, level="error")
        sys.exit(1)


if __name__ == "__main__":
    main()
