"""What every scenario and 300 generated networks gave before the house was rebuilt, frozen as files.

`scenarios/` holds copies of `configs/` and of `sim init`'s template, `networks/` generated networks with their plans
and traces. `columns.json` holds digests of the columns of their runs, `figures.json` what `predict` says of scenarios.
`python -m tests.golden` compares, `python -m tests.golden freeze` writes anew: only where numbers are meant to change.
"""
