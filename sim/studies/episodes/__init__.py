"""Episodes of faults: which kinds there are, when they begin, and their runs beside baseline runs."""
