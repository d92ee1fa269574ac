"""File formats of recordings: one reader for everything that is analysed, muted, converted, joined.

It knows nothing of HTTP, Redis, the archive or what a recording is analysed for.
"""
