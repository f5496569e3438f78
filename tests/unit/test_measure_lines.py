"""What measuring writes down: samples to quantiles, /proc to CPU seconds, pgbench's and PostgreSQL's logs to lines.

Goal: a line says what its run did. Method: texts recorded from real programs, and lines on one host beside the samples
that they were made of. Nothing is started.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from calibration.measure import machine, noise, pgbench_output, quantiles, server_log, sheet

EPYC = Path(__file__).parents[2] / "calibration/measured/epyc"

REPORT = """\
pgbench (15.20 (Debian 15.20-0+deb12u1))
transaction type: <builtin: select only>
number of transactions actually processed: 1187
number of failed transactions: 0 (0.000%)
latency average = 0.116 ms
initial connection time = 2.065 ms
tps = 8592.723236 (without initial connection time)
SQL script 1: <builtin: select only>
 - weight: 1 (targets 100.0% of total)
statement latencies in milliseconds and failures:
         0.001           0  \\set aid random(1, 100000 * :scale)
         0.125           0  SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
"""

RESTART = """\
LOG:  database system was interrupted; last known up at 2026-11-26 23:10:00 UTC
LOG:  database system was not properly shut down; automatic recovery in progress
LOG:  redo starts at 0/FFFFFF28
LOG:  invalid record length at 1/28F6A0: wanted 24, got 0
LOG:  redo done at 1/28F678 system usage: CPU: user: 0.07 s, system: 0.10 s, elapsed: 0.18 s
LOG:  checkpoint starting: end-of-recovery immediate wait
LOG:  checkpoint complete: wrote 13718 buffers (10.5%); 0 WAL file(s) added, 6 removed, 0 recycled; write=0.118 s, \
sync=0.001 s, total=0.122 s; sync files=19, longest=0.001 s, average=0.001 s; distance=110740 kB, estimate=110740 kB
LOG:  database system is ready to accept connections
"""


# -- samples --------------------------------------------------------------------------------------------------------


def test_a_table_has_103_quantiles_each_in_its_place() -> None:
    table = quantiles.table(np.arange(1001.0))
    assert len(table) == len(quantiles.PROBABILITIES) == 103
    assert table == pytest.approx([1000 * p for p in quantiles.PROBABILITIES])


def test_a_summary_divides_by_n_less_one() -> None:
    assert quantiles.summary([1.0, 2.0, 3.0])["sd"] == 1.0


def test_an_empty_sample_is_its_count_alone() -> None:
    assert quantiles.both("lag", "ms", []) == {"lag_ms": {"n": 0}}


# -- /proc ----------------------------------------------------------------------------------------------------------


def test_a_process_name_with_brackets_and_blanks_does_not_shift_the_columns() -> None:
    stat = "42 (pg ) bench (x)) S 7 42 42 0 -1 4194560 100 0 0 0 150 50 20 5 20 0 1 0 100 0 0"
    assert machine.parent_of_stat(stat) == 7
    assert machine.cpu_of_stat_s(stat) == pytest.approx((150 + 50 + 20 + 5) / machine.TICKS_PER_S)


def test_the_machine_s_seconds_are_those_of_all_its_cores() -> None:
    text = "cpu  100 20 30 4000 50 0 6 7 0 0\ncpu0 50 10 15 2000 25 0 3 3 0 0\n"
    seconds = machine.machine_cpu_s(text)
    assert {kind: s * machine.TICKS_PER_S for kind, s in seconds.items()} == pytest.approx(
        {"user": 100, "nice": 20, "system": 30, "idle": 4000, "iowait": 50, "irq": 0, "softirq": 6, "steal": 7}
    )


def test_this_process_is_below_its_parent_and_runs() -> None:
    assert os.getpid() in machine.descendants(os.getppid())
    assert machine.is_running(os.getpid())
    assert machine.tree_cpu_s(os.getpid()) > 0


def test_seconds_of_nobody_are_not_negative() -> None:
    assert machine.foreign_cpu_s({"busy": 2.07}, 1.79, 0.665) == 0.0


# -- pgbench --------------------------------------------------------------------------------------------------------


def test_the_report_is_read_with_each_statement() -> None:
    assert pgbench_output.report(REPORT) == {
        "tps_reported": 8592.723236,
        "lat_avg_reported_ms": 0.116,
        "initial_connection_ms": 2.065,
    }
    assert pgbench_output.statements(REPORT) == [
        [0.001, "\\set aid random(1, 100000 * :scale)"],
        [0.125, "SELECT abalance FROM pgbench_accounts WHERE aid = :aid;"],
    ]


def test_a_log_is_read_in_the_order_of_starts_and_failures_are_counted_by_kind(tmp_path: Path) -> None:
    path = tmp_path / "log.1"
    path.write_text(
        "0 1 3000 0 1795526242 5000\n"  # from 2 ms to 5 ms
        "1 1 serialization 0 1795526242 6000\n"
        "1 2 6000 0 1795526242 7000\n"  # from 1 ms to 7 ms
    )
    log = pgbench_output.read_log([path])
    assert log.start_us.tolist() == [0, 1000]
    assert log.latency_us.tolist() == [6000, 3000]
    assert log.end_us.tolist() == [6000, 4000]
    assert log.first_start_epoch_us == 1795526242001000
    assert log.failed == {"serialization": 1}


def test_with_a_rate_the_latency_is_lag_and_service() -> None:
    log = pgbench_output.read_log([EPYC / "pgbench-log/tpcb_c8_rate1750.log.gz"])
    line = pgbench_output.line(log, 0.0, has_rate=True)
    assert line["latency_ms"]["n"] == 10448
    assert line["latency_ms"]["mean"] == pytest.approx(line["lag_ms"]["mean"] + line["service_ms"]["mean"], abs=2e-4)
    assert sum(count for _, count, _ in line["series_0.5s"]) == 10448


@pytest.mark.parametrize(
    ("file", "name", "samples"),
    [
        ("pg_a2_open.jsonl", "a2-tpcb-like-on-c8-50-r0", "pg_a2_tpcb-like_c8_50"),
        ("pg_a2_open.jsonl", "a2-hold-on-c8-50-r0", "pg_a2_hold_c8_50"),
        ("pg_a3_service.jsonl", "a3-tpcb-like-on-r0", "pg_a3_tpcb-like_on"),
        ("pg_a3_service.jsonl", "a3-hold-on-r0", "pg_a3_hold_on"),
    ],
)
def test_lines_measured_elsewhere_follow_from_their_samples(file: str, name: str, samples: str) -> None:
    said = next(line for line in sheet.lines(EPYC / file) if line["id"] == name)
    with gzip.open(EPYC / f"{samples}.samples.csv.gz", "rt") as packed:
        rows = np.array([list(map(int, row)) for row in list(csv.reader(packed))[1:]])
    log = pgbench_output.Log(rows[:, 0], rows[:, 1], rows[:, 2], said["first_start_epoch_us"], {})
    line = pgbench_output.line(log, said["dropped_first_s"], "lag_ms" in said)
    assert {key: said[key] for key in line} == line


def test_samples_are_written_as_they_were_elsewhere() -> None:
    with gzip.open(EPYC / "pg_a2_hold_c8_50.samples.csv.gz", "rt", newline="") as packed:
        text = packed.read().replace("\r\n", "\n")
    rows = np.array([list(map(int, row.split(","))) for row in text.splitlines()[1:]])
    assert pgbench_output.samples_csv(pgbench_output.Log(rows[:, 0], rows[:, 1], rows[:, 2], 0, {})) == text


# -- the server's log -----------------------------------------------------------------------------------------------


def test_a_recovery_is_read_from_the_server_s_log_across_a_boundary_of_4_gib() -> None:
    assert server_log.recovery(RESTART) == {
        "wal_bytes_since_redo": float(0x10028F678 - 0xFFFFFF28),
        "redo_user_s": 0.07,
        "redo_sys_s": 0.10,
        "redo_elapsed_s": 0.18,
        "eor_ckpt_buffers": 13718,
        "eor_ckpt_write_s": 0.118,
        "eor_ckpt_sync_s": 0.001,
        "eor_ckpt_total_s": 0.122,
        "was_interrupted": True,
    }


def test_a_log_without_a_recovery_is_refused() -> None:
    with pytest.raises(ValueError, match="does not tell of a recovery"):
        server_log.recovery("LOG:  database system is ready to accept connections\n")


# -- files ----------------------------------------------------------------------------------------------------------


def test_a_line_takes_the_place_of_the_one_with_its_id(tmp_path: Path) -> None:
    path = tmp_path / "host" / "lines.jsonl"
    for line in ({"id": "a-r0", "x": 1}, {"id": "b-r0", "x": 2}, {"id": "a-r0", "x": 3}):
        sheet.put(path, line)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"id": "a-r0", "x": 3},
        {"id": "b-r0", "x": 2},
    ]


# -- noise ----------------------------------------------------------------------------------------------------------


def test_the_noise_in_the_readme_is_that_of_the_files() -> None:
    readme = (EPYC.parents[1] / "README.md").read_text(encoding="utf-8").splitlines()
    table = noise.table(["epyc", "xeon"]).splitlines()
    for line in table:
        if line.startswith(("%", "PostgreSQL", "DBOS")):
            assert line in readme, (
                f"write there what   python -m calibration.measure.noise epyc xeon   prints:\n{line}"
            )


def test_noise_is_told_of_three_repeats_and_not_of_two(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    for name, value in [("a-r0", 1.0), ("a-r1", 2.0), ("a-r2", 3.0), ("b-r0", 1.0), ("b-r1", 2.0)]:
        sheet.put(path, {"id": name, "tps_steady": value})
    assert noise.variation(path, ("tps_steady",)) == {"a": 0.5}
