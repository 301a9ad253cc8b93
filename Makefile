# Every target sets up what it needs in .venv; `make` alone lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
DATA ?= .evenkeel
# How long `make chaos` runs, and with which seed.
MINUTES ?= 5
SEED ?= 1

LOCKING := --quiet --python-version 3.12 --universal --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.PHONY: help setup lock run test check contracts traps bench chaos chaos-planted up down clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.complete ## Build .venv from the hashed lock

$(VENV)/.complete: requirements.lock pyproject.toml deploy/find-python
	@python=$$(deploy/find-python) && rm -rf $(VENV)/.complete && $$python -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps -r requirements.lock 2>$(VENV)/pip.log \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
	@touch $@

lock: setup ## Resolve the dependencies anew, with hashes and without index addresses
	$(BIN)/uv pip compile $(LOCKING) --extra local --extra dev pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile $(LOCKING) --constraint requirements.lock pyproject.toml -o deploy/requirements.lock

run: setup ## Start everything, load the demonstration, print what to try
	@$(BIN)/evenkeel up --detach --once --data $(DATA)
	@$(BIN)/evenkeel demo --data $(DATA) --once
	@$(BIN)/evenkeel try --data $(DATA)

test: setup ## Run the tests (a real Kafka, a real PostgreSQL, real processes)
	$(BIN)/pytest -m "not chaos and not bench" --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup ## Lint, types, imports, contracts, sizes, traps
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/evenkeel contracts check
	$(BIN)/python -m deploy.sizes
	$(BIN)/python -m tests.faults.traps --check

contracts: setup ## Generate docs/contracts from the code
	$(BIN)/evenkeel contracts generate

traps: setup ## Write docs/reliability/traps.md: which test stands behind which trap
	$(BIN)/python -m tests.faults.traps

bench: setup ## Measure against the named peers; prints a table
	$(BIN)/python -m tests.benchmarks

chaos: setup ## Kill things for MINUTES=5 with SEED=1 under load, then check that nothing was lost
	$(BIN)/python -m tests.faults --minutes $(MINUTES) --seed $(SEED) $(ARGS)

chaos-planted: setup ## Take one guard after the other away; the checker of `make chaos` must notice each time
	$(BIN)/python -m tests.faults.planting $(ARGS)

up: ## Start the containers and wait until they are healthy
	docker compose up --build --detach --wait

down: ## Stop the containers; the data stays (docker compose down --volumes removes it)
	docker compose down

clean: ## Remove what was built; the data folder asks first
	@if [ -d "$(DATA)" ] && [ -x $(BIN)/evenkeel ]; then \
		$(BIN)/evenkeel down --data $(DATA) && { $(BIN)/evenkeel erase --data $(DATA) || echo "The data stays in $(DATA)"; }; fi
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info $(VENV)
