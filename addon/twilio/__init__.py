"""The wire with Twilio: what arrives is verified and read here, and what we ask leaves from here.

This room knows forms, signatures and REST paths; it must never learn of queues, archives or audio.
"""
