"""boto3 sessions that share the descriptions of services, which are read once for the process."""

from __future__ import annotations

from functools import cache

import boto3
import botocore.session
from botocore.loaders import Loader, create_loader


def aws_session() -> boto3.session.Session:
    """A session with credentials and configuration of its own, as the environment has them now."""
    core = botocore.session.get_session()
    core.register_component("data_loader", _descriptions(core.get_config_variable("data_path")))
    return boto3.session.Session(botocore_session=core)


@cache
def _descriptions(folders: str | None) -> Loader:
    """The descriptions of services. To read them anew costs each client 90 ms of CPU."""
    return create_loader(folders)
