#!/bin/sh
# Drill: one recording was damaged; its objects come back from the backup, and nothing else changes.
# Run it with the service's settings. BACKUP is of docs/drills/restore.sh, RECORDING as <install>/<id>.
set -eu
if flask archive verify --all; then exit 1; fi
tar --extract --file "$BACKUP" --directory "$DATA_DIR" "archive/recordings/$RECORDING"
flask archive verify --all
flask archive check-index
