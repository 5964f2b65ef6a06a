# Everything a person types. `make` alone lists it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PARALLEL := -n 2 --dist worksteal -q
# The machine's own certificates, which a company's proxy may have added to.
export UV_SYSTEM_CERTS := 1
# The product starts no telemetry and neither do its tests.
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false

.DEFAULT_GOAL := help
.PHONY: help setup demo lint check test test-slow test-lowest test-portable core-only bench bench-peers faults fuzz lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv from the lock (skipped when up to date)

# uv is installed first, by pip and with its hash from the lock; it then installs the rest, many times faster.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "necrozma needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is another: make setup PYTHON=python3.12"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@awk '/^uv==/{p=1} p{print} p&&!/\\$$/{exit}' requirements.lock > $(VENV)/uv.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.lock
	@$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes --no-config --compile-bytecode requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation --no-config -e .
	@touch $(STAMP)
	@echo "environment ready: $(BIN)/necrozma --help"

demo: setup ## ten generated pairs x fifty strategies with two workers, and their ranking
	@$(BIN)/necrozma data sample --pairs 10 --ticks 200000 --seed 1 --to demo/data
	@$(BIN)/necrozma backtest --data demo/data --results demo/results --workers 2 --cooldown 0

lint: setup ## format, lint, types, layers
	@$(BIN)/ruff format --check -q .
	@$(BIN)/ruff check -q .
	@for system in linux win32 darwin; do $(BIN)/mypy --platform $$system --cache-dir .mypy_cache/$$system || exit 1; done
	@$(BIN)/lint-imports --no-cache

check: lint ## lint, and the core's fast tests with few examples each
	@HYPOTHESIS_PROFILE=quick $(BIN)/pytest tests/test_necrozma_core -m "not slow and not faults" $(PARALLEL)

test: lint ## everything that is not marked slow
	@$(BIN)/pytest -m "not slow and not faults" $(PARALLEL)
	@$(BIN)/pytest -m "faults and not slow" -q

test-slow: setup ## what is marked slow: the browser, long faults, real loops; and the kernels with their bounds checked
	@$(BIN)/pytest -m "slow and not alone" $(PARALLEL) -vv --durations 10 \
	  || { echo "what failed beside other tests is tried once more, alone"; $(BIN)/pytest -m slow --last-failed --last-failed-no-failures none -q; }
	@$(BIN)/pytest -m alone -q
	@NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(VENV)/bounds-checked $(BIN)/pytest tests/test_necrozma_core/test_kernels \
	  tests/test_necrozma_core/test_engine tests/test_necrozma_core/test_market/test_bars.py tests/test_necrozma_core/test_market/test_bar_grid.py \
	  tests/test_necrozma_core/test_feeds/test_reading/test_plain_lines.py -m "not slow" $(PARALLEL)

test-lowest: setup ## all tests of flows and tasks on the lowest Prefect that pyproject.toml allows, in .venv-lowest
	@test -x .venv-lowest/bin/python || $(PYTHON) -m venv .venv-lowest
	@sed -n 's/.*"prefect>=\([0-9.]*\).*/prefect==\1/p' pyproject.toml > .venv-lowest/lowest.txt
	@test -s .venv-lowest/lowest.txt || { echo "pyproject.toml names no lowest Prefect"; exit 2; }
# What can stay as the lock has it does: uv takes the versions that the file holds before it resolves.
	@cp requirements.lock .venv-lowest/requirements.txt
	@$(BIN)/uv pip compile -q --no-config --generate-hashes --no-header --python .venv-lowest/bin/python --all-extras \
	  -c .venv-lowest/lowest.txt --group dev pyproject.toml -o .venv-lowest/requirements.txt >/dev/null
	@$(BIN)/uv pip sync -q --no-config --require-hashes --compile-bytecode --python .venv-lowest/bin/python \
	  .venv-lowest/requirements.txt
	@$(BIN)/uv pip install -q --python .venv-lowest/bin/python --no-config --no-deps --no-build-isolation -e .
	@echo "flows and tasks on $$(cat .venv-lowest/lowest.txt)"
	@.venv-lowest/bin/python -m pytest tests/test_flows tests/test_tasks $(PARALLEL) --durations 10 \
	  || { echo "what failed beside other tests is tried once more, alone"; .venv-lowest/bin/python -m pytest \
	  tests/test_flows tests/test_tasks --last-failed --last-failed-no-failures none -q; }

test-portable: setup ## what Windows would run, as far as Linux can: storage, workers and the seam, without the calls of POSIX
	@NECROZMA_PORTABLE=1 $(BIN)/pytest tests/test_necrozma_core/test_system tests/test_necrozma_core/test_storage \
	  tests/test_necrozma_core/test_workers tests/test_necrozma_core/test_throttle/test_priority.py \
	  tests/test_necrozma_core/test_throttle/test_capacity.py -m "not slow and not posix" $(PARALLEL)

core-only: setup ## the core by itself: installed and tested without Prefect, in .venv-core
	@test -x .venv-core/bin/python || $(PYTHON) -m venv .venv-core
	@$(BIN)/uv pip compile -q --no-config --generate-hashes --no-header --python .venv-core/bin/python \
	  -c requirements.lock --group core-test pyproject.toml -o .venv-core/requirements.txt >/dev/null
	@$(BIN)/uv pip sync -q --no-config --require-hashes --python .venv-core/bin/python .venv-core/requirements.txt
	@$(BIN)/uv pip install -q --python .venv-core/bin/python --no-config --no-deps --no-build-isolation -e .
	@.venv-core/bin/python -c 'import importlib.util as i, sys; sys.exit(any(map(i.find_spec, ("prefect", "pydantic_settings", "rich", "typer"))))'
	@.venv-core/bin/python -m pytest tests/test_necrozma_core -m "not slow and not faults" -n 2 --dist worksteal -q
	@.venv-core/bin/python -m pytest tests/test_necrozma_core/test_sweep -m "faults and not slow" -q

bench: setup ## parity first, then time: prints the tables of docs/performance.md (an hour; WRITE=--write keeps them)
	@$(BIN)/python -m benchmarks $(WRITE)
	@$(BIN)/python -m benchmarks.tick_encoding $(WRITE)
	@$(BIN)/python -m benchmarks.governor.simulation $(WRITE)
	@$(BIN)/python -m benchmarks.governor.gate $(WRITE)
	@$(BIN)/python -m benchmarks.governor.short $(WRITE)
	@$(BIN)/python -m benchmarks.governor.visits $(WRITE)
	@$(BIN)/python -m benchmarks targets $(WRITE)

bench-peers: setup ## the same bars and settings in other backtesters, from their own environment .venv-peers
	@test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	@$(BIN)/uv pip sync -q --no-config --require-hashes --python .venv-peers/bin/python benchmarks/peers/requirements.lock
	@$(BIN)/python -m benchmarks.peers $(WRITE)
	@$(BIN)/python -m benchmarks.peers orders $(WRITE)

faults: setup ## kill and interrupt by the thousand, for three quarters of an hour: the table of docs/reliability.md
	@$(BIN)/python -m tests.faults --write

fuzz: setup ## spoil files of every layout a hundred thousand times, for a quarter of an hour: the table of docs/reliability.md
	@$(BIN)/python -m tests.fuzz --write

lock: ## resolve the dependencies anew, the newest that fit, for every supported Python, without an index address
	@$(BIN)/uv pip compile pyproject.toml --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-config --all-extras --group dev --no-header -q -o requirements.lock
	@cd benchmarks/peers && $(CURDIR)/$(BIN)/uv pip compile requirements.in --upgrade --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-config --no-header -q -o requirements.lock

clean: ## remove the environments and everything generated
	rm -rf .venv .venv-core .venv-lowest .venv-peers demo .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis benchmarks/cache
