"""From a scenario to a network: everything known about Temporal, DBOS and the stores lives here.

| room | what becomes a network there |
|---|---|
| `temporal` | services, task queues, worker pools; workflows and activities as routines |
| `dbos` | executors that poll a queue in PostgreSQL |
| `stores` | the stores under a platform: what a state transition costs in each product |
| `tables` | data stores as such: tables, queries, ingest |
| `placement` | hosts, Kubernetes nodes, zones, regions, several masters |
| `faults` | what fails, by what it hits; random faults as classes |
| `checks` | what cannot work, told from the lowered parts |

`lower` puts them together, `load` does so from a file. `context` is what every part is given: the scenario, the
presets' numbers with their sources (`constants`), the network in the making (`parts`). `names` are those that files
share, `steps` and `sums` how steps and times are written, `setting` what an operator sets and sees of each resource.
"""

from sim.lower.lower import lower
from sim.lower.lowered import Lowered

__all__ = ["Lowered", "lower"]
