"""The checks of `flask check`: one module a subject, a check is a function that gives findings.

The table of all is in `table.py`. A check may write to the store and to Redis under names of its
own, which it removes again; it never changes anything else.
"""
