"""A Twilio Marketplace recording-analysis add-on; ARCHITECTURE.md names its packages."""

import os

# The one thing done at import: BLAS reads these when numpy is first imported, whoever does that,
# and with more threads than one the analysis is up to ten times slower (decision 0200).
for library in ("OPENBLAS", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
