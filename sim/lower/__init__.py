"""The bridge from a scenario to a network: all that is known about Temporal and PostgreSQL lives here.

| file | what becomes a network there |
|---|---|
| `constants` | the presets' numbers, each noted with its source as it is used |
| `store` | PostgreSQL: cores, write-ahead log, connections; state transitions as steps |
| `platform` | shards' transfer queues, frontend, history and matching |
| `workers`, `workflow_tasks`, `activities` | worker pools; what runs on them, as steps |
| `activity_work`, `dependencies`, `calls` | what an activity does on its worker, whom it calls, and how |
| `workflow` | workflows: sources, routines, work in progress |
| `asked`, `branches` | what steps ask for and get; steps at the same time |
| `children`, `as_child` | child workflows; steps with a shard and a state of their own |
| `schedules`, `messages` | starts by the clock; queries and updates |
| `failures`, `fault_targets`, `fault_classes` | what fails, by its target; random faults as classes |
| `faults`, `node_faults`, `place_faults` | pods and stores; nodes of Kubernetes; zones and regions |
| `rollouts`, `load_spikes` | pods one after the other, with a bad version; more load than usual |
| `machines` | what is billed |
| `progress` | work under way at the start |
| `feasible` | what cannot work |
| `lower`, `load` | all of it together; from a file |
"""

from sim.lower.lower import lower
from sim.lower.lowered import Lowered

__all__ = ["Lowered", "lower"]
