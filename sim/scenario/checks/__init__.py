"""Whether the parts of a scenario fit together.

`fit` runs every check of the room; `words` has the form of a mistake. `fault_rules` tells which faults a file may
write at all, and is asked while it is read. The checks of other rooms, and the order of all, are in `plan.loading`.
"""
