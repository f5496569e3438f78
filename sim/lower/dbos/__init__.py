"""DBOS as a network: executors that poll a queue in PostgreSQL, and its transactions."""
