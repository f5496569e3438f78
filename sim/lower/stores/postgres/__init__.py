"""PostgreSQL as stations: connections, cores, write-ahead log, volume, failover."""
