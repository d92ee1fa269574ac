"""RingCentral's APIs: signing in, tokens, recordings, the call log, notifications.

A person's own token decides what that person hears. A token goes to RingCentral's own hosts only,
never reaches a browser, and is stored encrypted.
"""
