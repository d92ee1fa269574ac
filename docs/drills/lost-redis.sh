#!/bin/sh
# Drill: Redis is emptied. What is open comes back from the store within seconds, where workers run.
# Run it with the service's settings.
set -eu
python -c 'import os, redis; redis.Redis.from_url(os.environ["REDIS_URL"]).flushall()'
flask ledger
