"""How fast the reference engine is against idiomatic SimPy: those rows of the table, `python bench/reference.py`.

All draws are named, all accounting is on, events are counted. Exits with 1 when the engine is slower than half of
SimPy, which is what the oracle may cost.
"""

from __future__ import annotations

import sys

from table import main

if __name__ == "__main__":
    sys.exit(main(["--only", ":reference", *sys.argv[1:]]))
