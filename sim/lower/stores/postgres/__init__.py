"""PostgreSQL as stations: connections, cores, buffers, write-ahead log, volume, failover."""
