"""Gunicorn's settings, for `flask serve`, the Procfile and the container alike (decision 0403)."""

import gc
from importlib import import_module
from pathlib import Path

from gunicorn.arbiter import Arbiter

from addon.settings import Settings
from addon.weak_settings import weak_settings
from addon.web.connections.limits import lack_of_files

settings = Settings.load_or_exit("web")

bind = f"0.0.0.0:{settings.port}" if settings.port else "127.0.0.1:8080"
worker_class = "addon.web.connections.worker.ConnectionWorker"
workers = settings.web_concurrency
threads = settings.web_threads

# A worker's main thread that is silent for this long is replaced. It does not bound a request, nor
# does a client: limits.py in addon/web/connections does.
timeout = 60

# Heroku kills 30 s after SIGTERM.
graceful_timeout = 25

# Heroku's router and a reverse proxy on this machine set X-Forwarded-*. On Heroku a dyno can be
# reached through its router alone, and the router's address is not known beforehand.
forwarded_allow_ips = "*" if settings.dyno else "127.0.0.1,::1"

# Grants are part of the path (/media/<grant>) and tokens of queries: no access log here. The
# service logs each request itself, under its request SID and without the address.
accesslog = None
errorlog = "-"
loglevel = "warning"

# In a file below $HOME by default: nothing here uses it, and two stacks would share it.
control_socket_disable = True

# A heartbeat on a slow disk would have healthy workers killed.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108


def on_starting(server: Arbiter) -> None:
    """Import what the processes have in common, and name what protects too little, and a limit of
    files that is too low, once at the start.
    """
    gc.disable()  # what is imported stays
    for module in ("addon.factory", "addon.web.blueprints"):
        import_module(module)
    gc.freeze()  # else a collection in each process copies the pages that all of them share
    gc.enable()
    for sentence in weak_settings(settings):
        server.log.warning("%s", sentence)
    if sentence := lack_of_files(settings.web_connections):
        server.log.warning("%s", sentence)
