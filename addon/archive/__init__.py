"""The encrypted archive: ciphertext, keys, store and manifests.

It knows nothing of HTTP, Redis or Twilio, and must never let plaintext reach a disk by itself.
"""
