"""Small scenarios that the walk begins with: each union's members, one by one, and the parts that others refer to."""

from __future__ import annotations

TEMPORAL = """
name: temporal
run: {horizon: 1 s, warmup: none, follow: 500 ms, drain: 2 min, replications: 2, drill_window: 1 s}
workflows:
  order:
    arrivals: {poisson: 12/s}
    task_queue: orders
    steps:
      - activity: {name: charge, service: 10 ms, effect: charged}
      - activity: {name: tell, service: 10 ms, local: true}
      - wait: {signal: confirmed, after: 30 ms}
      - sleep: 20 ms
      - child: {workflow: ship}
      - sequence: [{activity: {name: pack, service: 10 ms}}]
      - parallel: [[{activity: {name: weigh, service: 10 ms}}], [{sleep: 30 ms}]]
      - race: [[{activity: {name: seal, service: 10 ms}}], [{sleep: 30 ms}]]
      - fan_out: {items: 2, activity: {name: label, service: 10 ms}}
      - repeat: {times: 2, steps: [{activity: {name: probe, service: 10 ms, calls: [bank]}}]}
  ship:
    task_queue: orders
    steps: [{activity: {name: book, service: 10 ms, task_queue: all}}]
  job:
    schedule: {every: 1 s, count: 3}
    task_queue: jobs
    steps: [{activity: {name: work, service: 10 ms}}]
workers:
  orders: {replicas: 2, cpu: 2}
  jobs: {replicas: 2, cpu: 2}
  near: {replicas: 1, cpu: 2}
  far: {replicas: 1, cpu: 2}
federations:
  all: {pools: [near, far], spill_after: 10 ms}
dependencies:
  bank: {latency: 5 ms}
temporal:
  history_shards: 4
  frontend: {replicas: 2, cpu: 2}
  history: {replicas: 2, cpu: 2}
  matching: {replicas: 2, cpu: 2}
objectives:
  - {metric: latency.order.mean, below: 5 s}
  - {sli: outcome.order, above: 90 %}
"""
"""Beside it comes a store."""

POSTGRES = f"{TEMPORAL}postgres: {{nodes: 2, cpu: 4}}\n"
MYSQL = f"{TEMPORAL}mysql: {{nodes: 3, cpu: 4}}\n"
CASSANDRA = f"{TEMPORAL}cassandra: {{nodes: 3, cpu: 4}}\n"
SQLITE = f"{TEMPORAL}sqlite: {{disk: {{type: gp3, size: 100 GB}}}}\n"

RENTED = f"""{TEMPORAL}postgres: {{rds: {{class: db.r6g.2xlarge, storage: 1000 GB}}}}
pgbouncer: {{cpu: 1, pool_mode: transaction}}
prices: {{catalogue: aws-us-east-1}}
kubernetes: {{node: m7g.2xlarge, nodes: 4}}
machines: {{bastion: {{node: m7g.large}}}}
"""
"""On machines of a cloud."""

ZONED = f"""{POSTGRES}zones: {{names: [a, b], rtt: 1 ms}}
kubernetes: {{node: m7g.2xlarge, nodes: 8}}
prices: {{catalogue: aws-us-east-1}}
faults:
  zone: {{target: zone.a, at: 500 ms, repair: 1 s}}
  any: {{target: zone, mttf: 1 min, repair: 1 s}}
  cut: {{target: partition.b, at: 500 ms, repair: 300 ms}}
  node: {{target: kubernetes.node, nodes: [0], at: 500 ms, repair: 300 ms}}
"""

COPIED = f"""{POSTGRES}regions: {{names: [eu, us], rtt: 20 ms, replication: {{to: us, failover: 200 ms}}}}
faults: {{lost: {{target: region.eu, at: 500 ms, repair: 1 s}}}}
"""

MASTERED = f"""{POSTGRES}regions: {{names: [eu, us], rtt: 20 ms, masters: {{at: [eu, us]}}}}
"""

FAULTS = """
faults:
  crash: {target: workers.orders, at: 500 ms, repair: 300 ms}
  crash_of_all: {target: workers.orders, nodes: all, at: 500 ms, repair: 300 ms}
  listed: {target: workers.orders, nodes: [0], at: 500 ms, repair: 300 ms}
  together: {target: [workers.near, workers.far], at: 500 ms, repair: 300 ms}
  pause: {target: temporal.history, effect: pause, at: 500 ms, repair: 300 ms}
  slow: {target: workers.orders, effect: slow, speed: 0.5, at: 500 ms, repair: 300 ms}
  errors: {target: workers.orders, effect: errors, probability: 50 %, at: 500 ms, repair: 300 ms}
  hang: {target: dependencies.bank, effect: hang, at: 500 ms, repair: 300 ms}
  spike: {target: workflows.order, factor: 3, at: 500 ms, repair: 300 ms}
  clock: {target: temporal.clock, jump: -20 ms, at: 500 ms}
  rollout: {target: workers.orders, nodes: rolling, at: 500 ms, repair: 200 ms}
  partition: {target: partition.workers.near, at: 500 ms, repair: 300 ms}
  wear: {target: workers.orders, mttf: 10 s, repair: 200 ms}
  rate: {target: workers.orders, rate: 10/min, repair: 200 ms}
  seen: {target: workers.orders, seen: 2 in 1 min, repair: 200 ms}
  releases: {target: workers.orders, nodes: rolling, rate: 10/min, repair: 200 ms, change_failure_rate: 50 %,
    bad: {error_rate: 30 %, detected_after: 200 ms}}
"""
"""What may befall them, with any store."""

OF_POSTGRES = """  failover: {target: postgres.primary, at: 500 ms}
  full: {target: postgres.disk, at: 500 ms, repair: 300 ms}
"""

DBOS = """
name: dbos
run: {horizon: 1 s, warmup: none, follow: 500 ms, drain: 2 min, replications: 2, drill_window: 1 s}
workflows:
  pay:
    arrivals: 5/s
    task_queue: payments
    steps:
      - activity: {name: authorize, service: 10 ms, effect: authorized}
      - sleep: 20 ms
      - repeat: {times: 2, steps: [{activity: {name: capture, service: 10 ms}}]}
workers: {payments: {replicas: 2, cpu: 2}}
dbos: {}
postgres: {nodes: 2, cpu: 4}
"""

STORES = """
name: stores
run: {horizon: 1 s, warmup: none, follow: 500 ms, replications: 2, drill_window: 1 s}
databases:
  plain: {kind: postgres, cpu: 4, memory: 16 GB, disk: {profile: gp3}}
  series: {kind: timescaledb, cpu: 4, memory: 16 GB, disk: {profile: gp3}}
  ring: {kind: cassandra, nodes: 3, copies: 3, cpu: 4, memory: 16 GB, disk: {profile: gp3}}
tables:
  readings:
    database: plain
    rows: 200k
    columns: {t: {width: 8 B, span: 20000 s}, d: {width: 4 B, distinct: 1000}, a: {width: 8 B}}
    indexes: {by_device: {columns: [d, t]}}
  old:
    database: plain
    rows: 200k
    columns: {t: {width: 8 B, span: 20000 s}, a: {width: 8 B}}
    partition: {by: t, every: 2000 s}
  packed:
    database: series
    rows: 200k
    columns: {t: {width: 8 B, span: 20000 s}, d: {width: 4 B, distinct: 1000}, a: {width: 8 B}}
    partition: {by: t, every: 2000 s}
    packed: {order_by: t}
  wide:
    database: ring
    rows: 200k
    columns: {t: {width: 8 B, span: 20000 s}, d: {width: 4 B, distinct: 1000}}
    key: {partition: [d], order: t}
queries:
  look: {table: readings, arrivals: 5/s, where: {d: {equal: 1}}}
  share: {table: readings, arrivals: 1/s, where: {d: {share: 1 %}}}
  within: {table: readings, arrivals: 1/s, where: {t: {within: 1 %}}}
  newest: {table: packed, arrivals: 1/s, where: {t: {range: 100 s}}}
  row: {table: wide, arrivals: 5/s, where: {d: {equal: 1}}}
ingest:
  append: {table: readings, rows: 500/s}
  insert: {table: wide, rows: 500/s}
"""

NETWORK = """
name: network
run: {horizon: 1 s, warmup: none, follow: 500 ms, drain: 2 min, replications: 2, drill_window: 1 s}
network:
  nodes: {hosts: {count: 2}, pods: {count: 2}}
  sources:
    walk: {routine: walk, arrivals: {poisson: 8/s}}
    renewal: {routine: step, arrivals: {renewal: 100 ms}}
    states: {routine: step, arrivals: {mmpp: [{rate: 5/s, stay: 1 s}, {rate: 20/s, stay: 1 s}]}}
    burst: {routine: step, arrivals: {burst: {geometric: 3}}}
    between: {routine: step, arrivals: {burst: {between: [1, 4]}}}
    poisson: {routine: step, arrivals: {burst: {poisson: 3}}}
    clients: {routine: step, arrivals: {closed: 2, think: 100 ms}}
    replay: {routine: step, arrivals: {trace: arrivals.csv}}
    spike: {routine: step, arrivals: 50/s, during: load}
  resources:
    slots: {units: 4, nodes: hosts}
    pool: {units: 4}
    lock: {units: 1}
    seat: {units: 4, nodes: hosts}
  stations:
    cpu: {cores: 2, service: 2 ms}
    desk: {kind: server, servers: 2, service: 5 ms}
    desk2: {kind: server, servers: 2, service: 5 ms, nodes: pods}
    near: {kind: server, servers: 2, service: 5 ms, nodes: hosts}
    wal: {kind: group_commit, flush: 1 ms}
    way: {kind: delay, service: 1 ms}
    log: {kind: group_commit, flush: 1 ms}
    feed: {kind: polled, interval: 10 ms}
    limit: {kind: token_bucket, rate: 500/s}
  caches: {memory: {nodes: hosts, capacity: 10}}
  timers: {server: {ahead: 20 ms}}
  attributes: {history: 3}
  breakers: {guard: {}}
  budgets: {tries: {}}
  routines:
    step: [{use: desk}, {delay: 1 ms}]
    kid: [{use: way}, {tell: parent}, {set: {history: {add: 1}}}]
    walk:
      - acquire: {resource: slots, affinity: home}
      - cached: {cache: memory, at: slots, hit: [{use: way}], miss: [{use: cpu}]}
      - use: {station: near}
      - acquire: {resource: seat}
      - release: seat
      - use: wal
      - release: slots
      - forget: home
      - use: {station: cpu, demand: 1 ms}
      - use: log
      - use: feed
      - use: limit
      - delay: {exponential: 2 ms}
      - delay: {mean: 2 ms, cv: 1}
      - delay: {p50: 2 ms, p99: 5 ms}
      - delay: {p50: 2 ms, p90: 5 ms}
      - delay: {p50: 2 ms, p95: 5 ms}
      - delay: {p1: 2 ms, p99: 5 ms}
      - delay: {uniform: [1 ms, 2 ms]}
      - delay: {gamma: {mean: 2 ms, cv: 0.5}}
      - delay: {hyperexponential: {mean: 2 ms, cv: 2}}
      - delay: {weibull: {scale: 2 ms, shape: 2}}
      - delay: {pareto: {min: 1 ms, alpha: 3}}
      - delay: {empirical: {values: [1 ms, 2 ms]}}
      - delay: {mixture: [{weight: 50 %, of: 1 ms}, {weight: 50 %, of: 2 ms}]}
      - delay: {residual: {uniform: [1 ms, 2 ms]}}
      - delay: {fastest: {k: 1, n: 2, of: {exponential: 2 ms}}}
      - delay: {constant: 1 ms}
      - {name: timed, delay: 5 ms, kind: timer, timers: server}
      - branch: [{probability: 50 %, steps: [{use: way}]}, {steps: [{delay: 1 ms}]}]
      - branch: [{attribute: history, above: 2, steps: [{use: way}]}, {steps: []}]
      - loop: {times: {attribute: history}, steps: [{use: way}]}
      - fork: {items: 2, steps: [{use: way}]}
      - fork: {branches: [[{use: way}], [{delay: 1 ms}]]}
      - race: [[{use: way}], [{delay: 5 ms}]]
      - attempt: {steps: [{start: true}, {delay: 2 ms}, {fail: broken, probability: 10 %}], start_to_close: 50 ms,
          retry: {initial_interval: 10 ms, maximum_attempts: 3}, on_failure: []}
      - attempt: {steps: [{acquire: slots}, {delay: 2 ms}, {release: slots}], heartbeat: {timeout: 20 ms},
          on_failure: []}
      - acquire: {resource: pool, patience: 50 ms, otherwise: []}
      - release: pool
      - saga: [{use: way}, {compensate: [{mark: undone}]}, {mark: done}]
      - call: step
      - child: {routine: kid, wait: false, on_close: abandon}
      - child: {routine: kid, takes: [history], gives: [history], told: [{use: way}], after: [{use: way}]}
      - mark: {name: begun}
      - mark: ended
      - count: {statements: 2}
      - set: {history: {add: 1}}
      - set: {history: {to: 3}}
      - notify: server
      - prompt: feed
  monitors:
    once: {at_most_once: done}
    follows: {when: begun, eventually: [ended]}
    either: {never_both: [done, undone]}
    sums: {conserve: {done: 0}}
  spans: {part: {start: begun, end: ended}}
  faults:
    crash: {targets: [{group: hosts}], at: 500 ms, duration: 500 ms}
    slow: {targets: [{group: cpu}], effect: slow, speed: 0.5, at: 500 ms, duration: 500 ms}
    errors: {targets: [{group: desk}], effect: errors, probability: 10 %, at: 500 ms, duration: 500 ms}
    load: {effect: load, at: 500 ms, duration: 500 ms}
    clock: {effect: clock, jump: 10 ms, at: 500 ms, duration: 500 ms}
    wear: {targets: [{group: hosts, nodes: any}], mttf: 10 s, duration: 100 ms}
  controllers:
    keeper: {nodes: pods, of: [desk2], interval: 500 ms, utilisation: 0.5, minimum: 1}
"""

SEEDS = {
    "temporal": POSTGRES,
    "failing": POSTGRES.replace("cpu: 4}\n", "cpu: 4, failover: {detect: 100 ms, promote: 100 ms}}\n")
    + FAULTS
    + OF_POSTGRES,
    "rented": RENTED,
    "zoned": ZONED,
    "copied": COPIED,
    "mastered": MASTERED,
    "mysql": MYSQL,
    "cassandra": CASSANDRA,
    "sqlite": SQLITE,
    "dbos": DBOS,
    "stores": STORES,
    "network": NETWORK,
}
