# `make up` and `make test` need Python 3.11+, make and the package registries; nothing else. All they make lies in this folder.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One more than there are cores: many tests wait for processes and for Azure.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

.PHONY: help up down environment test lint types contracts unit strangers bench faults docs lock clean
.DEFAULT_GOAL := help

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

# Two stamps: `make up` needs no test tools, and must be ready in under two minutes with downloads.
# Of azure-native's 6,000 files only these parts are compiled: all of them would take longer than everything else here. A file of
# somebody's package that does not compile (a template) is no reason to stop.
USED_OF_AZURE_NATIVE := __init__|_|iothub|deviceprovisioningservices|authorization|resources
$(VENV)/sandbox.stamp: requirements.txt requirements/sandbox.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements/sandbox.txt
	@$(BIN)/python -m compileall -qq -j 0 -x 'pulumi_azure_native/(?!($(USED_OF_AZURE_NATIVE))[^/]*(/|$$))' $(VENV)/lib || true
	@touch $@

$(VENV)/dev.stamp: $(VENV)/sandbox.stamp requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	@touch $@

up: $(VENV)/sandbox.stamp ## an Azure of your own on this machine, and on it a hub that trusts a CA by proof of possession
	@$(BIN)/python -m sandbox up

down: $(VENV)/sandbox.stamp ## destroy what `up` made, and stop
	@$(BIN)/python -m sandbox destroy
	@$(BIN)/python -m sandbox stop

# FROM, TO, and SET="key=value …" for settings of the new one: docs/environments.md.
environment: $(VENV)/sandbox.stamp ## another stack from one that is up: make environment FROM=prod TO=staging
	@$(BIN)/python -m environments $(if $(FROM),$(FROM),$(error FROM is missing: make environment FROM=prod TO=staging)) $(if $(TO),$(TO),$(error TO is missing: make environment FROM=prod TO=staging)) $(foreach each,$(SET),--set '$(each)')

demo-rotation: $(VENV)/sandbox.stamp ## a CA rotated under connected devices, on a local Azure of its own
	@$(BIN)/python examples/rotation/demo.py

test: lint types contracts unit ## everything that must hold: format, lint, types, import contracts, tests

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff format --quiet --check . || ($(BIN)/ruff format --diff . 2>&1 | head -40; exit 1)
	@$(BIN)/ruff check --quiet .

types: $(VENV)/dev.stamp
	@$(BIN)/mypy --no-error-summary

contracts: $(VENV)/dev.stamp
	@$(BIN)/lint-imports --no-cache > $(VENV)/contracts.log || (cat $(VENV)/contracts.log; exit 1)

# Of the fault sweep a tenth is drawn anew each time; HUBTRUST_SEED draws the same again, HUBTRUST_FAULTS=http all of its matrix.
unit: $(VENV)/dev.stamp
	@export HUBTRUST_SEED=$${HUBTRUST_SEED:-$$RANDOM}; echo "fault sweep: $${HUBTRUST_FAULTS:-tenth}, HUBTRUST_SEED=$$HUBTRUST_SEED"; \
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

# mosquitto_pub and libnss_wrapper come from the system's packages: see .ci/run.
strangers: .strangers/az.stamp .strangers/device.stamp .strangers/node.stamp ## install the other people's clients that the tests drive (the az CLI: a minute, 700 MB)

.strangers/az.stamp: requirements/az.txt
	@mkdir -p .strangers
	@test -x .strangers/az/bin/python || $(PYTHON) -m venv .strangers/az
	@.strangers/az/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/az.txt
	@touch $@

.strangers/device.stamp: requirements/device.txt
	@mkdir -p .strangers
	@test -x .strangers/device/bin/python || $(PYTHON) -m venv .strangers/device
	@.strangers/device/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/device.txt
	@touch $@

.strangers/node.stamp: tests/strangers/node/package.json tests/strangers/node/package-lock.json
	@mkdir -p .strangers/node
	@cp tests/strangers/node/package.json tests/strangers/node/package-lock.json .strangers/node
	@npm ci --prefix .strangers/node --ignore-scripts --no-audit --no-fund --loglevel error > .strangers/npm.log 2>&1 || (cat .strangers/npm.log; exit 1)
	@touch $@

docs: $(VENV)/dev.stamp ## make the pages that are made from the code
	@$(BIN)/python docs/azure_coverage.py

.strangers/moto.stamp: requirements/bench.txt
	@mkdir -p .strangers
	@test -x .strangers/moto/bin/python || $(PYTHON) -m venv .strangers/moto
	@.strangers/moto/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/bench.txt
	@touch $@

bench: $(VENV)/dev.stamp .strangers/moto.stamp ## figures, beside a peer's way of doing the same work
	@for each in benchmarks/*.py; do echo "== $$each"; $(BIN)/python $$each || exit 1; done

faults: $(VENV)/dev.stamp ## every fault at every call, death at every call, and docs/faults.md (HUBTRUST_FAULTS=http: without the deaths)
	@$(BIN)/python -m tests.faults

lock: ## pin the newest versions of everything (needs uv)
	uv pip compile -q --upgrade --python-version 3.11 --universal --no-header requirements.in -o requirements.txt
	uv pip compile -q --upgrade --python-version 3.11 --universal --no-header requirements/sandbox.in -o requirements/sandbox.txt
	uv pip compile -q --upgrade --python-version 3.11 --universal --no-header requirements/dev.in -o requirements/dev.txt
	uv pip compile -q --upgrade --python-version 3.11 --universal --no-header requirements/az.in -o requirements/az.txt
	uv pip compile -q --upgrade --python-version 3.11 --universal --no-header requirements/device.in -o requirements/device.txt
	uv pip compile -q --upgrade --python-version 3.11 --universal --no-header requirements/bench.in -o requirements/bench.txt

clean: ## remove everything that make made
	rm -rf $(VENV) .strangers .sandbox .cache
