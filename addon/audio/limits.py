"""Limits of a recording, declared once for every reader and decoder."""

from __future__ import annotations

MAX_CHANNELS = 8
"""More is a damaged header: telephone recordings have one or two channels."""

MIN_RATE_HZ, MAX_RATE_HZ = 2_000, 384_000

MAX_SECONDS = 24 * 3600
"""Twilio ends a call after 24 hours. A few kilobytes of FLAC can hold days of silence, and a header
that was never written announces weeks."""
