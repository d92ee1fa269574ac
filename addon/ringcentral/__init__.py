"""The wire with RingCentral: signing in, tokens, recordings, the call log, notifications.

A person's own token decides what that person hears. A token must never leave for a host that is
not RingCentral's own, reach a browser, or lie anywhere in the clear.
"""
