"""Connections to the web server: a gunicorn worker in which no client can hold a thread.

`worker.py` waits for all clients in one thread and answers complete requests in a few others. Why
it is our own: decision 0409.
"""
