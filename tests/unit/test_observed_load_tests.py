"""Results of k6 and locust become observations: which column is which, units, and what cannot be fitted."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import InputErrors
from sim.observed.recognise import read
from sim.observed.table import Observations

K6_CSV = """\
metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,service,\
status,subproto,tls_version,url,extra_tags
http_reqs,1595325560,1.000000,,,,true,,GET,http://a/order,HTTP/1.1,default,,200,,,http://a/order,
http_req_duration,1595325560,221.899000,,,,true,,GET,http://a/order,HTTP/1.1,default,,200,,,http://a/order,
http_req_duration,1595325561,30.5,,,,false,,GET,http://a/order,HTTP/1.1,default,,503,,,http://a/order,
http_req_waiting,1595325560,200.25,,,,true,,GET,http://a/order,HTTP/1.1,default,,200,,,http://a/order,
vus,1595325561,10.000000,,,,,,,,,,,,,,,
"""

K6_JSON = """\
{"type":"Metric","data":{"name":"http_req_duration","type":"trend","contains":"time"},"metric":"http_req_duration"}
{"type":"Point","data":{"time":"2026-05-09T14:34:45.625742514+02:00","value":459.865,"tags":{"name":"order"}},\
"metric":"http_req_duration"}
"""

LOCUST_REQUESTS = """\
start_time,request_type,name,response_time,response_length,exception
1700000000.5,GET,/order,12.5,100,
1700000001.0,GET,/order,99.0,100,HTTPError('503')
"""

LOCUST_HISTORY = """\
Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,95%,100%,Total Request Count
1700000000,10,,Aggregated,41.500000,0.000000,12,40,80,415
"""

LOCUST_STATS = """\
Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,\
Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%
GET,/order,1000,0,12,15.5,3,80,100,41.5,0.0,12,14,16,18,24,40,60,70,80,80,80
"""


def seen(folder: Path, text: str) -> Observations:
    path = folder / "result"
    path.write_text(text, encoding="utf-8")
    return read([path])


def test_a_request_of_k6_ends_at_its_time_and_took_so_many_ms(tmp_path: Path) -> None:
    found = seen(tmp_path, K6_CSV)
    latency = found.only("latency.http://a/order")
    assert latency.value.tolist() == [221.899e6]
    assert latency.t_ns.tolist() == [1_595_325_560 * 10**9 - 221_899_000]
    assert found.only("http_req_waiting.http://a/order").value.tolist() == [200.25e6]
    assert found.only("count.failed.http://a/order").n == 1
    assert found.only("level.vus").value.tolist() == [10]
    assert found.only("count.http_reqs").n == 1
    assert any("whole seconds" in note for note in found.notes)


@pytest.mark.parametrize("time", ["1595325560123", "1595325560123000", "1595325560123000000", "1595325560.123"])
def test_the_digits_of_a_time_tell_its_unit(time: str, tmp_path: Path) -> None:
    found = seen(tmp_path, K6_CSV.replace(",1595325560,221", f",{time},221"))
    assert found.only("latency.http://a/order").t_ns.tolist() == [1_595_325_560_123_000_000 - 221_899_000]


def test_points_of_k6_json_keep_their_nanoseconds(tmp_path: Path) -> None:
    found = seen(tmp_path, K6_JSON)
    latency = found.only("latency.order")
    assert latency.value.tolist() == [459.865e6]
    assert latency.t_ns[0] % 10**9 == (625_742_514 - 459_865_000) % 10**9
    assert found.notes == ()


def test_a_log_of_locusts_requests_tells_each_and_which_failed(tmp_path: Path) -> None:
    found = seen(tmp_path, LOCUST_REQUESTS)
    assert found.only("latency./order").value.tolist() == [12.5e6]
    assert found.only("latency./order").t_ns.tolist() == [1_700_000_000_500_000_000]
    assert found.only("count.failed./order").n == 1


def test_locusts_history_has_rates_and_says_that_its_percentiles_are_not_fitted(tmp_path: Path) -> None:
    found = seen(tmp_path, LOCUST_HISTORY)
    assert found.only("rate.Aggregated").value.tolist() == [41.5]
    assert found.only("level.users").value.tolist() == [10]
    assert any("not fitted" in note for note in found.notes)


def test_percentiles_of_a_whole_run_are_counts_between_them(tmp_path: Path) -> None:
    histogram = seen(tmp_path, LOCUST_STATS).binned["latency./order"]
    assert histogram.edges_ns[:3].tolist() == [0, 12e6, 14e6]
    assert histogram.counts[:2].tolist() == pytest.approx([500, 160])
    assert histogram.edges_ns[-1] == 80e6
    assert histogram.n == pytest.approx(1000)
    assert histogram.sum_ns / histogram.n == pytest.approx(15.5e6)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (K6_CSV + "http_req_duration,now,1\n", "result:7:1.*`now` is no time"),
        (K6_JSON + "{\n", "result:3:1.*as   k6 run"),
        (K6_JSON + '{"type":"Point","metric":"x","data":{}}\n', "has no `time`"),
        (LOCUST_REQUESTS + "1,GET,/x,fast,,\n", "result:4:1.*fast.*response_time in ms"),
        (LOCUST_STATS.replace(",1000,0,", ",many,0,"), "result:2:1.*many"),
    ],
)
def test_a_wrong_line_is_told_with_what_is_expected(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputErrors, match="(?s)" + says):
        seen(tmp_path, text)
