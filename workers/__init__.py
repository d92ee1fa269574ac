"""Worker processes and jobs: everything that is done with a request after the 202.

Nothing here is imported by the rooms of `addon/` other than the web's thin use of `queue.py`, and
nothing here may import `addon/web/`. Job arguments carry a request SID and nothing else.
"""
