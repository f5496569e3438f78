"""Measuring real PostgreSQL, Temporal and DBOS on this machine: `python -m calibration.measure`, or `make measure`.

Needs the packages of `requirements.txt` and, for PostgreSQL and DBOS, the server's own programs. Nothing of it is
needed to simulate, to fit or to test.
"""
