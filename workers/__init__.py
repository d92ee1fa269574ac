"""What happens after the 202: the queues, their worker processes, and one module a job.

Nothing here is imported by the rooms of `addon/` other than the web's thin use of `queue.py`, and
nothing here may import `addon/web/`. Job arguments carry a request SID and nothing else.
"""
