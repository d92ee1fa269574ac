"""The whole service on one machine: Redis, web and workers under one supervisor.

Nothing here knows what the children do; a deployment that starts them itself (Heroku, systemd)
needs none of this.
"""
