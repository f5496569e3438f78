"""Studies of a scenario: each a function to a frozen record, what it says, and its JSON document."""
