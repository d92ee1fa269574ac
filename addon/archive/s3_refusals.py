"""Asks a bucket again that refuses a request for a moment, within a second of the call's beginning.

Only quick refusals (500, 502, 503, 429) are asked again, as S3 does under load (503 SlowDown); what
is slow is not waited for. boto3's own tries know no limit in time.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REFUSALS = (429, 500, 502, 503)

FIRST_PAUSE_S = 0.05
"""Doubled with each try, half of it left to chance: others were refused together with this one."""

_BEGAN = "addon_began"


def ask_again(client: S3Client, seconds: float) -> None:
    """Have the client ask again what is refused within so many seconds of a call's beginning."""

    def begin(context: dict[str, Any], **_: Any) -> None:
        context[_BEGAN] = time.monotonic()

    def pause(
        response: tuple[Any, Any] | None, attempts: int, request_dict: dict[str, Any], **_: Any
    ) -> float | None:
        if response is None or response[0].status_code not in REFUSALS:
            return None
        began: float = request_dict["context"][_BEGAN]
        wait = FIRST_PAUSE_S * 2.0 ** (attempts - 1) * random.uniform(0.5, 1.0)
        return wait if time.monotonic() + wait < began + seconds else None

    events: Any = client.meta.events
    events.register("before-call.s3", begin, unique_id="addon-s3-began")
    events.register_first("needs-retry.s3", pause, unique_id="addon-s3-refused")
