# Every command a developer needs; `make help` lists them. The first one makes .venv from requirements.lock.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo up down status logs token import check test journeys bench bench-receiving docs format lock clean

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/installed
# The machine's own Python and certificates; uv must not fetch or bundle others.
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := true
# Whatever a run leaves behind stays in the checkout.
export TMPDIR := $(CURDIR)/.local/tmp
export KEEP RECEIVING_WORKERS VOLUME

# Pure and quick, and what needs real servers; both of everything there is so far, but for what needs a million rows.
QUICK := $(wildcard tests/lifecycles tests/contracts tests/architecture)
REAL := $(filter-out $(QUICK) tests/volume tests/__pycache__,$(patsubst %/,%,$(wildcard tests/*/)))
# They take both cores and no server, and the longest: begun first, none of them is left to one core at the end.
LONGEST := $(filter tests/properties,$(REAL))

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Run the whole journey on real servers; KEEP=1 leaves it running
	@$(BIN)/python -m deploy.demo

up: $(READY) ## Start the servers and the four services, and leave them running; RECEIVING_WORKERS=4 for more docks
	@$(BIN)/python -m deploy.local up

down: $(READY) ## Stop everything that `make up` started; the data stays
	@$(BIN)/python -m deploy.local down

status: $(READY) ## Show what runs, on which ports, and whether it is ready
	@$(BIN)/python -m deploy.local status

logs: $(READY) ## Follow what the services say
	@$(BIN)/python -m deploy.local logs

token: $(READY) ## Print a token of the running stack: make token PERSON=person-17 ROLE=requester (or "a b")
	@$(BIN)/python -m deploy.issuer token --person "$(or $(PERSON),person-17)" $(foreach role,$(or $(ROLE),requester),--role $(role))

import: $(READY) ## Import vendors, items, offers or shipments into the running stack: make import FILE=catalog.csv (or vendors…, offers…, shipments…)
	@$(BIN)/python -m deploy.imports "$(or $(FILE),examples/catalog.csv)" $(if $(KIND),--kind $(KIND))

check: $(READY) ## Format, lint, types, architecture and the pure tests: under a minute, no server
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports >.local/tmp/lint-imports 2>&1 || { cat .local/tmp/lint-imports; exit 1; }
	@$(BIN)/pytest -q $(QUICK)

test: check ## Everything `check` does, then every test that needs real servers
	@$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder $(LONGEST) $(filter-out $(LONGEST),$(REAL))

journeys: $(READY) ## Only the whole journeys through all four services
	@$(BIN)/pytest -q tests/journeys

bench: $(READY) ## Measure flows per second against the baseline
	@$(BIN)/python -m bench

bench-receiving: $(READY) ## Measure the dock: 10,000 units of one order, and 1, 2 and 4 workers on many
	@$(BIN)/python -m bench.docks

docs: $(READY) ## Bring those parts of documents up to date that are made from the code
	@$(BIN)/python -m deploy.documents

volume: $(READY) ## Judge every query at a million requests, orders and invoices; floods and large imports: an hour; VOLUME=200000 for fewer
	@$(BIN)/pytest -q -s -n 0 --timeout 3600 tests/volume

format: $(READY) ## Put the code into the house's shape
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format --quiet .

lock: $(READY) ## Resolve pyproject.toml anew into requirements.lock (hashes, no package host)
	@$(BIN)/uv lock --quiet
	@$(BIN)/uv export --quiet --all-groups --no-emit-project --no-header --no-annotate --format requirements.txt -o requirements.lock
	@! grep -n "://" requirements.lock

clean: ## Stop everything, then remove what the machine made: .venv, .local, caches
	@if [ -x $(BIN)/python ] && [ -d .local ]; then $(BIN)/python -m deploy.local down; fi
	@rm -rf .venv .local .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .schemathesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock deploy/bootstrap
	@PYTHON=$(PYTHON) deploy/bootstrap
