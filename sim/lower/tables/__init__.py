"""Data stores as such: what queries and ingest touch, and what that takes. The words for it live in `sim.scenario`.

| file | what is known there |
|---|---|
| `pages` | how many pages rows take in PostgreSQL: heaps, B-trees |
| `shape` | a table in numbers: rows of a node, partitions, selectivity |
| `planner` | what a query touches; PostgreSQL's choice among plans |
| `columnar` | TimescaleDB's compressed chunks |
| `wide_rows` | Cassandra's partitions |
| `held` | bytes on disk and in memory |
| `site` | a data store's nodes as places of a network |
| `queries`, `ingest` | a query and a batch as steps there |
| `faults` | the crash of a database |
| `tables` | all of it together |
"""

from sim.lower.tables.tables import Stores, add_stores, database_fault, database_fault_problems, full_disks

__all__ = ["Stores", "add_stores", "database_fault", "database_fault_problems", "full_disks"]
