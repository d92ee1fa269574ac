"""One BLAS thread, as in production: the matrices are small and more threads only wait."""

import os

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
