"""MySQL 8 as stations: redo log and binary log in group commit, semi-synchronous replicas, failover."""
