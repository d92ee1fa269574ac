"""Playback: links, access policy, access log, and audio whose ranges can be read.

It uses the archive and knows nothing of HTTP. It must never give out a byte that the archive has
not verified, nor find a recording by anything but its tenant and id.
"""
