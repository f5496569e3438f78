"""Everything that the table measures, each in a process of its own. What is made of it stands in `rows`.

A measurement gives a dictionary of numbers, or raises NotMeasured with the reason.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sim_run import SimRun

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
Numbers = dict[str, float]

EVENTS_PER_JOB = {"m1": 3.0, "m2": 7.0, "m3": 7.168, "m4": 3.0}
"""Model events a job; that of M3 was counted over 100 million jobs of loops.cpp, and depends a little on the seed."""


class NotMeasured(Exception):
    """A peer, a compiler or a second core is missing; says which."""


class Engines:
    """Runs the product and the peers.

    folder: for compiled programs and caches. engine: the product's. peers: the interpreter that runs Cimba and Ciw.
    """

    def __init__(self, folder: Path, engine: str = "fast", peers: str = sys.executable) -> None:
        self.folder = folder
        self.engine = engine
        self.peers = peers
        self._missing: dict[str, str] = {}

    # -- the product ------------------------------------------------------------------------------------------

    def product(
        self, file: str, simulated_s: float, seed: int, *options: str, engine: str | None = None, model: str = ""
    ) -> Numbers:
        """One run of a file. model: the one whose count of events a job it must have."""
        words = [file, str(simulated_s), str(seed), "--engine", engine or self.engine, *options]
        return _counted(model, _told([sys.executable, "-m", "product", *words]))

    def start(self, seed: int) -> Numbers:
        """Wall times of `sim run` on a small file: of the first one on a machine, and of the next."""
        cache = self.folder / f"cache-{seed}-{time.monotonic_ns()}"
        cache.mkdir()
        command = [sys.executable, "-m", "sim", "run", str(ROOT / "configs" / "network" / "m1.yaml"), "--quiet"]
        if self.engine == "reference":
            command += ["--engine", "reference"]
        seconds = []
        for _ in range(2):
            began = time.perf_counter()
            _output(command, {"NUMBA_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": ""})  # as Python usually is
            seconds.append(time.perf_counter() - began)
        shutil.rmtree(cache)
        return {"first": seconds[0], "next": seconds[1]}

    def command(self, processes: int, at_once: int = 1) -> Numbers:
        """CPU seconds of `sim run` of the demo's scenario on so many processes, each of so many such runs at once."""
        _needs_two_cores()
        if self.engine == "reference":
            raise NotMeasured("the reference engine would take some 20 minutes for it")
        runs = [SimRun("configs/coinbase.yaml", "--processes", str(processes)) for _ in range(at_once)]
        return {"cpu": sum(run.ended().cpu_s for run in runs) / at_once}

    def pool(self, simulated_s: float, seed: int) -> Numbers:
        """Seconds of two replications through the product's pool of two processes."""
        _needs_two_cores()
        return {"seconds": float(_output([sys.executable, "-m", "processes", "pool", str(simulated_s), str(seed)]))}

    def alone(self, simulated_s: float, seed: int) -> Numbers:
        """Seconds of the same two replications in two processes that know nothing of each other."""
        _needs_two_cores()
        command = [sys.executable, "-m", "processes", "alone", str(simulated_s), str(seed)]
        both = [
            subprocess.Popen([*command, index], cwd=BENCH, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for index in ("0", "1")
        ]
        try:
            for one in both:
                assert one.stdout is not None
                assert one.stdout.readline() == "ready\n", "a process died before it began"
            for one in both:
                assert one.stdin is not None
                one.stdin.write("go\n")
                one.stdin.flush()
            times = [[float(word) for word in one.communicate()[0].split()] for one in both]
        finally:
            for one in both:
                one.kill()
        return {"seconds": max(end for _, end in times) - min(begin for begin, _ in times)}

    # -- the peers --------------------------------------------------------------------------------------------

    def simpy(self, model: str, jobs: int, seed: int, in_flight: float = 1e6) -> Numbers:
        """SimPy, in the product's own interpreter: the product's reference engine needs it anyway."""
        words = [model, str(jobs), str(seed), str(in_flight)]
        return _counted(model, _told([sys.executable, "-m", "peers.simpy_models", *words]))

    def cimba(self, model: str, jobs: int, seed: int) -> Numbers:
        """Cimba, where its interpreter has it."""
        return _counted(model, self._optional("cimba", model, jobs, seed))

    def ciw(self, model: str, jobs: int, seed: int) -> Numbers:
        """Ciw, where its interpreter has it."""
        return _counted(model, self._optional("ciw", model, jobs, seed))

    def loops(self, model: str, jobs: int, seed: int, in_flight: float = 1e6, ziggurat: bool = False) -> Numbers:
        """The loops written in C++, where there is a compiler."""
        program = self._compiled(ziggurat)
        return _counted(model, _told([str(program), model, str(jobs), str(seed), str(in_flight)]))

    def _optional(self, package: str, model: str, jobs: int, seed: int) -> Numbers:
        if package not in self._missing:
            found = subprocess.run([self.peers, "-c", f"import {package}"], capture_output=True, check=False)
            self._missing[package] = "" if found.returncode == 0 else f"{package} is not installed"
        if self._missing[package]:
            raise NotMeasured(self._missing[package])
        return _told([self.peers, "-m", f"peers.{package}_models", model, str(jobs), str(seed)])

    def _compiled(self, ziggurat: bool) -> Path:
        known = (os.environ.get("CXX", ""), "g++", "clang++", "c++")
        compiler = next((one for one in known if shutil.which(one)), None)
        if compiler is None:
            raise NotMeasured("there is no C++ compiler")
        program = self.folder / ("loops-ziggurat" if ziggurat else "loops")
        if not program.exists():
            flags = ["-O3", "-march=native", "-std=c++17", *(["-DZIGGURAT"] if ziggurat else [])]
            _output([compiler, *flags, "-o", str(program), str(BENCH / "peers" / "loops.cpp")])
        return program


def _needs_two_cores() -> None:
    if (os.cpu_count() or 1) < 2:
        raise NotMeasured("there is one core only")


def _output(command: Sequence[str], environment: dict[str, str] | None = None) -> str:
    ended = subprocess.run(
        command, cwd=BENCH, env=os.environ | (environment or {}), capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}\n{ended.stderr}")
    return ended.stdout


def _told(command: Sequence[str]) -> Numbers:
    told: Numbers = json.loads(_output(command).splitlines()[-1])
    return told


def _counted(model: str, told: Numbers) -> Numbers:
    """What was told, if as many events took place as the model has: nothing is fast by leaving work out."""
    if model:
        off = told["events"] / told["jobs"] / EVENTS_PER_JOB[model] - 1
        assert abs(off) <= (0.01 if model == "m3" else 1e-9), f"{model}: {told['events']} events, {told['jobs']} jobs"
    return told
