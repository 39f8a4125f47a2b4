# Every target sets up what it needs; `make demo` and `make test` work on a fresh machine with Python 3.11+.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help setup demo test test-slow chaos fuzz adversary mutants bench gpu dist check format lint types clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "golf needs Python 3.11 or newer, this is %d.%d; try: make PYTHON=python3.12 ..." % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo,dev]'
	@touch $(READY)

setup: $(READY)  ## create .venv with pinned versions

demo: $(READY)  ## run jobs/quickstart.yaml: three seeds, verified, a record under records/
	$(BIN)/golf run jobs/quickstart.yaml

# Modules are compiled once, and not by each of the hundreds of processes that tests start.
test: $(READY)  ## the fast test suite, in two processes
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m 'not slow' -n 2 --dist loadfile --no-loadscope-reorder

test-slow: $(READY)  ## everything that takes minutes
	$(BIN)/python -m pytest -m slow

TRIALS ?= 50
SEED ?=
chaos: $(READY)  ## kill one part of a run on a cluster of raylets, TRIALS=50 times, at moments drawn from SEED
	$(BIN)/python -m tests.chaos --trials $(TRIALS) $(if $(SEED),--seed $(SEED))

fuzz: $(READY)  ## the property tests with 10,000 cases each
	$(BIN)/python -m pytest -m 'hypothesis' --hypothesis-profile=fuzz

COUNT ?= 10000
adversary: $(READY)  ## attack what reads others' files: by hand, and COUNT=10000 files spoiled at random
	$(BIN)/python -m tests.adversary --count $(COUNT) $(if $(SEED),--seed $(SEED))

FAULTS ?= 20
mutants: $(READY)  ## put FAULTS=20 small faults into each of six subjects and see whether its tests notice (nightly)
	$(BIN)/python -m tests.mutants --count $(FAULTS) $(if $(SEED),--seed $(SEED))

bench: $(READY)  ## a step, scoring, the artifact (coders, quantisers, caps), reading records, tables, many seeds; side by side
	$(BIN)/python benchmarks/train_step.py
	$(BIN)/python benchmarks/evaluate.py
	$(BIN)/python benchmarks/artifact.py
	$(BIN)/python benchmarks/audit.py
	$(BIN)/python benchmarks/tables.py
	$(BIN)/python benchmarks/verify.py
	$(BIN)/python benchmarks/scheduler.py --quick
	$(BIN)/python -m benchmarks.sweep

gpu: $(READY)  ## all that one GPU can tell of our speed, in at most eight minutes: gpu-out/gpu.json
	$(BIN)/python -m benchmarks.gpu

dist: $(READY)  ## the wheel and the sdist, in dist/; needs no network once the environment is there
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .
	@ls -l dist

format: $(READY)  ## rewrite the sources in the one format
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lint: $(READY)
	$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

check: lint types test  ## what CI runs: format, lint, strict types, fast tests

clean:  ## remove the environment and caches (never runs/ or records/)
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
