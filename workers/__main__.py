"""`python -m workers`: all worker processes of one machine, until SIGTERM."""

from workers.launcher import main

if __name__ == "__main__":
    raise SystemExit(main())
