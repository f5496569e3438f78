"""Closed forms that only tests ask: chains of any shape, further laws of durations, further single stations, an
interrupted server's sojourns, retry storms in the fluid limit, lengths of runs."""
