"""One BLAS thread, as in production: the matrices are small, and more threads only wait.

Set here because this runs before any test module or conftest imports numpy.
"""

import os

for library in ("OPENBLAS", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
