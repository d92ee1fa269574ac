"""Playback: who may hear a recording, which bytes of it, and who did.

It stands on the archive and knows nothing of HTTP. It must never give out a byte that the archive
has not verified, nor find a recording by anything but its tenant and id.
"""
