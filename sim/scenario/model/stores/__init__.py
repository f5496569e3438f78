"""Models of the stores: PostgreSQL, pgbouncer, RDS, Cassandra, SQLite."""
