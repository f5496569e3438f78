-- What the constants of sim/scenario/presets/storage-2026.yaml (sources scan, copy, wal) and the oracles of
-- tests/unit/test_tables_*.py were read from. PostgreSQL 15.20, two virtual cores shared with others, 2026-11:
--
--   initdb -D D -A trust
--   pg_ctl -D D -o "-c shared_buffers=1GB -c max_wal_size=8GB -c checkpoint_timeout=30min
--          -c max_parallel_workers_per_gather=0 -c jit=off" start
--   psql -d postgres -v csv=/tmp/m.csv -f calibration/tables.sql
--
-- Pages and costs do not depend on the machine; CPU times do, and were read twice, on a host with neighbours.
\timing on
create table m (t timestamptz, d int, a float8, b float8, c float8, e float8, f float8, g float8, h float8, i float8, j float8, k float8);
insert into m select '2026-01-01'::timestamptz + (n / 1000) * interval '10 s', n % 1000, random() * 100,
  random(), random(), random(), random(), random(), random(), random(), random(), random()
  from generate_series(0, 1999999) n;
copy m to :'csv';
create index m_t on m (t);
create index m_dt on m (d, t);
vacuum analyze m;
-- 30770 pages; 1789 and 7703 of the indexes
select relname, relpages from pg_class where relname in ('m', 'm_t', 'm_dt');

-- COPY: CPU from getrusage, of two runs (3.6 and 3.8 us a row; 4.8 and 4.3 with the first index; 7.8 and 6.7 with the second), bytes of log a row (105.6 without an index)
create table plain (like m);
create table ordered (like m);
create index on ordered (t);
create table scattered (like m);
create index on scattered (d, t);
checkpoint;
set client_min_messages = log;
set log_statement_stats = on;
select pg_current_wal_lsn() as before \gset
copy plain from :'csv';
select pg_wal_lsn_diff(pg_current_wal_lsn(), :'before') / 2e6 as bytes_a_row;
copy ordered from :'csv';
copy scattered from :'csv';
-- in sequence: 0.19 s for 2,000,000 rows, 15 ns more for each further value of the 1,000,000 that fit
select avg(a) from m where b < 0.5;
select avg(a) from m where b < 0.5;
select avg(a), avg(b), avg(c), avg(e), avg(f) from m where b < 0.5;
set log_statement_stats = off;
vacuum analyze scattered;
-- 10296 pages of the index whose entries came in no order
select relname, relpages from pg_class where relname like 'scattered%';

-- plans, their costs and the pages that they touched
explain (analyze, buffers, timing off) select avg(a) from m where b < 0.5;
explain (analyze, buffers, timing off) select avg(a) from m where t >= '2026-01-01' and t < '2026-01-01 01:00';
explain (analyze, buffers, timing off) select avg(a) from m where d = 7 and t >= '2026-01-01' and t < '2026-01-01 01:00';
explain (analyze, buffers, timing off) select avg(a) from m where d = 7;
set enable_bitmapscan = off;
-- 1.78 ms for 2000 rows on a page each: 0.89 us
explain (analyze, buffers, timing off) select avg(a) from m where d = 7;
