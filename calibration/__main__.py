"""`python -m calibration`: the command line of the laboratory."""

from calibration.cli import main

main()
