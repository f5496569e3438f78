"""The yardsticks M1 to M4 in the hands of others: SimPy, C++ written by hand, Cimba, Ciw. Nothing of the product."""
