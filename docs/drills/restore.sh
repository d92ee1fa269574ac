#!/bin/sh
# Drill: back up an archive in a directory, and restore it into an empty folder.
# Run it with the service's settings. BACKUP is a file that is made, RESTORED an empty folder.
set -eu
# What is unfinished goes first: a request that ends meanwhile is then in the backup twice, never not at all.
tar --create --file "$BACKUP" --directory "$DATA_DIR" keys $(cd "$DATA_DIR" && ls -d archive/intake archive/results 2>/dev/null) archive
tar --extract --file "$BACKUP" --directory "$RESTORED"
DATA_DIR="$RESTORED" flask archive verify --all
DATA_DIR="$RESTORED" flask archive check-index
# The catalogue is not in the backup: it follows from the archive.
DATA_DIR="$RESTORED" flask catalogue rebuild
DATA_DIR="$RESTORED" flask catalogue status
