"""Whether what a scenario says about zones and regions fits together: names lead somewhere, nothing is told twice."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import Path, Problem, dotted
from sim.scenario.checks.words import known_hint
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.model.regions import Zones
from sim.scenario.model.stores.registry import only, that_can
from sim.scenario.model.workers import WorkerPool
from sim.scenario.scenario import Scenario


def problems(scenario: Scenario) -> Iterator[Problem]:
    """Everything about places that does not fit, each with its path in the file."""
    yield from _zones(scenario)
    yield from _regions(scenario)
    for path, fault in scenario.failing:
        if fault.of_place:
            yield from (_fault if _of_zone(scenario, fault) else _region_fault)(scenario, dotted(path), fault)
            if fault.nodes != "any" and isinstance(scenario.faults[str(path[1])].targets, str):
                yield Problem(
                    dotted((*path[:2], "nodes")),
                    "chooses pods, but everything in the place fails",
                    "leave it out",
                )


def _of_zone(scenario: Scenario, fault: DeploymentFault) -> bool:
    """Whether a zone is lost or cut off, not a region."""
    kind, _, name = fault.target.partition(".")
    if kind == "partition" and scenario.regions is None:
        return scenario.zones is not None
    return kind == "zone" or (kind == "partition" and scenario.zones is not None and name in scenario.zones.names)


def _zones(scenario: Scenario) -> Iterator[Problem]:
    if scenario.zones is None:
        return
    if not scenario.store_can("zones"):
        yield Problem(
            "zones", f"tell where a primary and its standbys stand, which only {_with_a_primary()}", "leave them out"
        )


def _regions(scenario: Scenario) -> Iterator[Problem]:
    regions = scenario.regions
    if regions is not None and regions.replication is not None and not scenario.store_can("replication"):
        yield Problem("regions.replication", f"is known for {only('replication')} only", "leave it out")
    yield from _masters(scenario)
    for queue in sorted(scenario.reading_queues & scenario.federations.keys()):
        yield Problem(
            dotted(("federations", queue)),
            "has activities that read data, whose place only the `regions` of workers tell",
            "leave out `reads`, or give them a queue of their own",
        )
    for queue in sorted(scenario.reading_queues & scenario.workers.keys()):
        if not scenario.workers[queue].by_site:
            yield Problem(
                dotted(("workers", queue)),
                "has activities that read data, but stands in one place: nothing is ever moved",
                "name its `regions`, or leave out `reads`",
            )
    for queue, pool in scenario.workers.items():
        if pool.regions is None:
            continue
        path: Path = ("workers", queue, "regions")
        if regions is None:
            yield Problem(dotted(path), "are named, but there are none", "add   regions: {names: [eu, us]}")
            continue
        for index, name in enumerate(pool.regions):
            if name not in regions.names:
                yield Problem(
                    dotted((*path, index)),
                    f"is {name}, which is not one of the regions",
                    known_hint(name, regions.names, as_written=True),
                )
        if queue in scenario.reading_queues and pool.by_site:
            yield from _reading(scenario, queue, pool)
        if pool.rtt_ns is not None:
            yield Problem(
                dotted(("workers", queue, "rtt")),
                "is told a second time: it follows from `regions`",
                "keep one of them",
            )


def _reading(scenario: Scenario, queue: str, pool: WorkerPool) -> Iterator[Problem]:
    """Pods that read data act as one worker in each region."""
    regions = pool.regions or ()
    if pool.scales:
        yield Problem(
            dotted(("workers", queue, "replicas")),
            "are those of an autoscaler, but of a queue that reads data the pods of one region act as one",
            "write a plain number",
        )
    elif len(set(regions)) < len(regions) or pool.most % len(regions):
        yield Problem(
            dotted(("workers", queue, "replicas")),
            f"is {pool.most}, in {len(regions)} regions; of a queue that reads data each has as many pods",
            f"write {len(regions) * max(1, round(pool.most / len(regions)))}, and each region once",
        )
    for path, fault in scenario.failing:
        if fault.pool == queue:
            yield Problem(
                dotted(path),
                f"is {fault.target}, whose pods of one region act as one worker",
                f"write   target: region.{regions[0]}",
            )


def _masters(scenario: Scenario) -> Iterator[Problem]:
    masters = None if scenario.regions is None else scenario.regions.masters
    if masters is not None and not scenario.store_can("masters"):
        yield Problem("regions.masters", f"are known for {only('masters')} only", "leave them out")
    if masters is not None and scenario.zones is not None:
        yield Problem("zones", "tell where one primary stands, and `regions.masters` are several", "keep one of them")
    if scenario.records and not scenario.store_can("records"):
        yield Problem("records", f"are rows of {only('records')}", "leave them out")
    written = {
        activity.record: (name, activity.name)
        for name, workflow in scenario.workflows.items()
        for activity in workflow.activities
        if activity.record is not None
    }
    for record, (workflow_name, activity_name) in written.items():
        if record not in scenario.records:
            yield Problem(
                dotted(("workflows", workflow_name)),
                f"has the activity {activity_name}, whose record {record} is not one of `records`",
                known_hint(record, tuple(scenario.records), as_written=True)
                if scenario.records
                else "add   records: {...}",
            )
    for record in scenario.records:
        if record not in written:
            yield Problem(
                dotted(("records", record)), "is changed by no activity", "name it as an activity's `record`"
            )


def _region_fault(scenario: Scenario, target: str, fault: DeploymentFault) -> Iterator[Problem]:
    kind, _, name = fault.target.partition(".")
    regions = scenario.regions
    if regions is None:
        yield Problem(target, f"is {fault.target}, but there are no regions", "add   regions: {names: [eu, us]}")
        return
    if not scenario.store_can("zones"):
        words = f"is a place that a primary stands in, which only {_with_a_primary()}"
        yield Problem(target, words, "name another target")
        return
    if name not in regions.names:
        yield Problem(
            target,
            f"is {fault.target}; {name} is not one of the regions",
            known_hint(name, regions.names, as_written=True),
        )
        return
    at_home = name == regions.at_home
    if kind == "partition" and at_home:
        yield Problem(target, "cuts the home region off from itself", "name the region that cannot reach it")
    elif not at_home and not _stands_in(scenario, name):
        yield Problem(target, f"is {fault.target}, where nothing stands", "choose another region")


def _stands_in(scenario: Scenario, region: str) -> bool:
    """Whether workers, the copy of the store or a master stand in a region."""
    regions = scenario.regions
    assert regions is not None
    stores = () if regions.masters is None else regions.masters.at
    copy = () if regions.replication is None else (regions.replication.to,)
    return region in (*stores, *copy) or any(region in (pool.regions or ()) for pool in scenario.workers.values())


def _fault(scenario: Scenario, target: str, fault: DeploymentFault) -> Iterator[Problem]:
    _, _, name = fault.target.partition(".")
    if scenario.zones is None:
        yield Problem(target, f"is {fault.target}, but there are no zones", "add   zones: {names: [a, b]}")
    elif name and name not in scenario.zones.names:
        yield Problem(
            target,
            f"is {fault.target}; {name} is not one of the zones",
            known_hint(name, scenario.zones.names, as_written=True),
        )
    elif not name and fault.at_ns is not None:
        yield Problem(
            target, "is any zone, but a drill needs a certain one", f"write   target: zone.{scenario.zones.names[0]}"
        )
    elif name and not _felt(scenario, scenario.zones, scenario.zones.names.index(name)):
        yield Problem(target, f"is {fault.target}, where nothing stands whose loss is felt", "choose another zone")


def _felt(scenario: Scenario, zones: Zones, zone: int) -> bool:
    """Whether pods or the primary stand in a zone, or standbys that commits wait for."""
    services = [*scenario.services.values(), scenario.pgbouncer]
    home = "" if scenario.regions is None else scenario.regions.at_home
    pods = [pool.regions_of_pods(home).count(home) for pool in scenario.workers.values()]
    pods += [service.replicas for service in services if service is not None]
    if zone == zones.of_primary or any(zones.of_pod(pod) == zone for number in pods for pod in range(number)):
        return True
    return any(zones.standbys_left(zone, store.nodes - 1) < store.confirming for store in scenario.stores.values())


def _with_a_primary() -> str:
    """Who has a primary that stands somewhere, with the verb."""
    return f"{only('zones')} {'has' if len(that_can('zones')) == 1 else 'have'}"
