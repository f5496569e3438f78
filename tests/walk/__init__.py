"""A walk over everything that may be written: small scenarios that use every key and every choice, and run."""
