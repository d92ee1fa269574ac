#!/bin/sh
# Drill: the catalogue is lost, and made anew of the archive. Run it with the service's settings and a reader's keys.
set -eu
rm -f "$DATA_DIR"/catalogue.sqlite3*
flask catalogue rebuild
flask catalogue status
flask archive erase --number +4930123456 --dry-run
