#!/bin/sh
# Drill: an epoch's key is changed, and everything is encrypted anew to the next one.
# Run it with the settings of a reader and of a writer. KEYS is a folder for the new keys.
set -eu
if flask archive new-epoch; then exit 1; fi
flask archive new-epoch --recovery-key "$KEYS/offline.pub.pem" --private-key "$KEYS/next.pem" -o "$KEYS/next.pub.pem"
# Readers hold both before a writer uses the next.
cat "$DATA_DIR/keys/archive_private_key.pem" "$KEYS/next.pem" > "$KEYS/both.pem"
ARCHIVE_PRIVATE_KEYS="$KEYS/both.pem" flask archive verify --all
ARCHIVE_PUBLIC_KEYS="$KEYS/next.pub.pem" ARCHIVE_PRIVATE_KEYS="$KEYS/both.pem" flask archive reencrypt --all
ARCHIVE_PRIVATE_KEYS="$KEYS/next.pem" flask archive verify --all
# INTAKE_KEY, in three steps: each process has both, then the new one is first, then it is alone.
INTAKE_KEY="$OLD_INTAKE_KEY,$NEW_INTAKE_KEY" flask ledger
INTAKE_KEY="$NEW_INTAKE_KEY,$OLD_INTAKE_KEY" flask archive sign-controls
INTAKE_KEY="$NEW_INTAKE_KEY" flask archive sign-controls
