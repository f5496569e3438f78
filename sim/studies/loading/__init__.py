"""A scenario's file: read, checked as a whole, its mistakes all said at once."""
