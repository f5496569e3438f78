# Every command a developer or a newcomer needs; `make help` lists them.
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNS := $(VENV)/.runs
STAMP := $(VENV)/.stamp
PIP = $(BIN)/python -m pip install -q --disable-pip-version-check --no-compile
MEASURE := .venv-measure
MEASURE_STAMP := $(MEASURE)/.stamp
LOCK = uv pip compile pyproject.toml --universal --generate-hashes --no-header --python-version 3.11
HOST ?= here

.DEFAULT_GOAL := help
.PHONY: help setup demo check quick test evidence evidence-ci test-long bench measure lock wheel clean

help:  ## list the commands
	@grep -E '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/; s/%/NAME/' | expand -t 15

$(RUNS): requirements.lock pyproject.toml
	@$(PY) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PY) -m venv $(VENV) || { echo "python3 lacks venv; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps -e .
	@touch $@

$(STAMP): $(RUNS) requirements-dev.lock
	$(BIN)/sim compile & $(PIP) --require-hashes -r requirements-dev.lock && wait $$!
	@touch $@

setup: $(STAMP)  ## create the virtual environment (.venv) with everything, and compile the engine meanwhile

demo: $(RUNS)  ## the main job: predict configs/coinbase.yaml and write out/coinbase.html
	@mkdir -p out
	$(BIN)/sim run configs/coinbase.yaml --report out/coinbase.html

check: $(STAMP)  ## ruff, mypy --strict, the layering test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_house.py

quick: $(STAMP)  ## a minute: layers, worked timelines, invalid files, a slice of golden, swarm and seeded faults
	$(BIN)/python -m pytest -q -n 2 -m "not long" tests/test_house.py tests/worked tests/invalid tests/golden tests/swarm/test_swarm.py tests/cli/test_compare.py
	$(BIN)/python -m pytest -q -n 2 tests/swarm/test_seeded_faults.py -k "lines or areas"

test: $(STAMP)  ## the fast tests, under four minutes on two cores
	$(BIN)/python -m pytest -q -n 2 -m "not long"

bench: $(STAMP)  ## the speed table: the fast engine beside SimPy, C++ and others; about 15 minutes
	$(BIN)/python bench/table.py

bench-%: $(STAMP)  ## what else is measured: configs, demo, memory, start_up
	$(BIN)/python bench/$*.py $(ARGS)

evidence: $(STAMP)  ## check every long claim whose evidence is missing or stale; most of an hour on 2 cores for all
	$(BIN)/python -m calibration.evidence make

evidence-ci: $(STAMP)  ## fail where evidence is missing or stale, and repeat a fiftieth of the claims
	$(BIN)/python -m calibration.evidence check
	$(BIN)/python -m calibration.evidence slice

evidence-%: $(STAMP)  ## the same as `evidence` for one folder of tests
	$(BIN)/python -m calibration.evidence make $*

test-long: $(STAMP)  ## check every long claim again, whatever its evidence
	$(BIN)/python -m pytest -q -n 2 -m long

$(MEASURE_STAMP): calibration/measure/requirements.txt
	$(PY) -m venv $(MEASURE)
	$(MEASURE)/bin/python -m pip install -q --disable-pip-version-check -r calibration/measure/requirements.txt
	@touch $@

measure: $(MEASURE_STAMP)  ## measure real PostgreSQL, Temporal and DBOS; HOST=name of this machine, ARGS='postgres --quick'
	$(MEASURE)/bin/python -m calibration.measure --host $(HOST) $(ARGS)

validate-%: $(STAMP)  ## hold predictions against: figures, decisions, theory, postgres, temporal, dbos
	$(BIN)/python -m calibration validate $* $(ARGS)

study-%: $(STAMP)  ## fit the model to measured cells: postgres, temporal, dbos
	$(BIN)/python -m calibration study calibration/studies/$*.yaml $(ARGS)

lock:  ## rewrite requirements.lock, and with all for development requirements-dev.lock (needs uv)
	$(LOCK) --all-extras --group dev -o requirements-dev.lock
	$(LOCK) -c requirements-dev.lock -o requirements.lock

wheel: $(STAMP)  ## write dist/durasim-*.whl; the engine's machine code for Linux on x86-64-v3 is in it
	$(BIN)/sim compile --portable sim/machine_code
	$(BIN)/python -m pip wheel -q --disable-pip-version-check --no-deps -w dist .; \
	  ended=$$?; rm -rf sim/machine_code; exit $$ended

clean:  ## remove the environment and what the tools left behind
	rm -rf $(VENV) $(MEASURE) out dist .pytest_cache .mypy_cache .ruff_cache
