# `make up` and `make test` need Python 3.11+, make and the package registries, nothing else. They write to this folder only.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two more than there are cores: many tests wait for other processes.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 2)')

.PHONY: help up down report environment demo-rotation live test lint types contracts unit strangers bench newer-sdks faults dist sdks plugin-archives docs site lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

# $(call with_progress,TITLE,COMMAND,PROGRESS): print TITLE, run COMMAND, and print a line every 5 seconds while it runs, with what the
# command PROGRESS prints.
# The loop ends when the recipe's shell does, also if that is killed. `sleep` must not hold make's output open: it can outlive the command.
define with_progress
echo "$(1)"; began=$$SECONDS; \
	(while sleep 5 > /dev/null 2>&1 && kill -0 $$$$; do echo "  $$((SECONDS - began)) s: $$($(or $(3),echo still working))"; done) & ticker=$$!; \
	$(2); code=$$?; kill $$ticker 2> /dev/null; exit $$code
endef

# Two stamps, because `make up` needs no test tools.
# Only what `make up` imports is compiled: a few of azure-native's 6,000 files, and no package that is not used here. Python compiles
# the rest when it is imported. Some packages contain templates that can't be compiled; that is not an error.
USED_OF_AZURE_NATIVE := __init__|_|iothub|deviceprovisioningservices|authorization|keyvault|resources
NOT_COMPILED := pulumi_azure_native/(?!($(USED_OF_AZURE_NATIVE))[^/]*(/|$$))|site-packages/(pip|setuptools|debugpy|pygments/lexers)/
# Ctrl-C ends these at once: by default each process of Python prints a traceback. pip takes back what it has half installed, and says so;
# only where it is still being imported it would print one.
QUIETLY := -c 'import runpy, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); del sys.argv[0]; runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)'
PIP := -c 'import runpy, sys; shown = sys.excepthook; sys.excepthook = lambda kind, *rest: kind is KeyboardInterrupt or shown(kind, *rest); runpy.run_module("pip", run_name="__main__", alter_sys=True)' install --disable-pip-version-check
# A lock names every package, so pip need not look for more: it installs these files, or nothing.
LOCKED_PIP := $(PIP) --quiet --require-hashes --no-deps
# The same, with its lines in a log, from which the progress is read.
LOGGED_PIP := $(PIP) --require-hashes --no-deps
FETCHED = awk '/^Collecting|^Requirement/ { n++ } /^Installing/ { i = 1 } END { print i ? "installing packages" : "fetching package " n + 0 " of $(shell grep -c '^[a-z].*==' $(1))" }' $(VENV)/pip.log
$(VENV)/sandbox.stamp: requirements/sandbox.txt pyproject.toml sandbox/local-azure-iot/pyproject.toml
	@test -x $(BIN)/pip || ($(call with_progress,Creating the virtual environment $(VENV),$(PYTHON) $(QUIETLY) venv $(VENV)))
	@$(call with_progress,Installing the program's packages into $(VENV) (30 s to 2 minutes),$(BIN)/python $(LOGGED_PIP) --no-compile -r requirements/sandbox.txt > $(VENV)/pip.log,$(call FETCHED,requirements/sandbox.txt))
	@$(BIN)/python $(PIP) --quiet --no-deps --no-build-isolation --no-index -e . -e sandbox/local-azure-iot
	@$(call with_progress,Compiling these packages,$(BIN)/python $(QUIETLY) compileall -qq -j 0 -x '$(NOT_COMPILED)' $(VENV)/lib || true)
	@touch $@

$(VENV)/dev.stamp: $(VENV)/sandbox.stamp requirements/dev.txt
	@$(call with_progress,Installing the test tools into $(VENV),$(BIN)/python $(LOGGED_PIP) -r requirements/dev.txt > $(VENV)/pip.log,$(call FETCHED,requirements/dev.txt))
	@touch $@

up: $(VENV)/sandbox.stamp ## start local Azure and deploy a hub that trusts a CA by proof of possession
	@$(BIN)/python -m sandbox up

down: $(VENV)/sandbox.stamp ## destroy what `up` deployed, and stop local Azure
	@$(BIN)/python -m sandbox destroy
	@$(BIN)/python -m sandbox stop

# POLICIES=policies/prod.json judges the stack as it would be in prod. Findings need the state's secrets, which go through a pipe and into no file.
POLICIES ?= policies/sandbox.json
EXPORT := $(BIN)/python -m sandbox pulumi stack export
report: $(VENV)/sandbox.stamp ## write the trust map of what `up` deployed: .sandbox/report.html and report.json
	@set -o pipefail; folder=$${SANDBOX_HOME:-.sandbox}; mkdir -p $$folder; \
	$(EXPORT) --show-secrets | $(BIN)/python policies/findings.py - $(POLICIES) > $$folder/findings.json && \
	$(EXPORT) | $(BIN)/python -m hubtrust.cli report --state - --findings $$folder/findings.json --output $$folder/report.html --json $$folder/report.json

# SET="key=value …" gives settings of the new stack: docs/environments.md.
environment: $(VENV)/sandbox.stamp ## create a stack from a deployed one: make environment FROM=prod TO=staging
	@$(BIN)/python -m environments $(if $(FROM),$(FROM),$(error FROM is missing: make environment FROM=prod TO=staging)) $(if $(TO),$(TO),$(error TO is missing: make environment FROM=prod TO=staging)) $(foreach each,$(SET),--set '$(each)')

demo-rotation: $(VENV)/sandbox.stamp ## rotate a CA while devices are connected, on a local Azure of its own
	@$(BIN)/python examples/rotation/demo.py

# On real Azure, in the subscription that is named: docs/live.md. YES=1 agrees to the cost without being asked.
live: $(VENV)/sandbox.stamp ## run once on real Azure and compare it with local Azure: make live SUBSCRIPTION=<id>
	@$(BIN)/python -m live $(if $(SUBSCRIPTION),--subscription '$(SUBSCRIPTION)') $(if $(LOCATION),--location '$(LOCATION)') $(if $(filter 1,$(YES)),--yes)

test: ## check format, lint, types and import contracts, and run the tests
	@$(MAKE) --no-print-directory --jobs=2 lint contracts types $(VENV)/tests.stamp
	@$(MAKE) --no-print-directory unit

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff format --quiet --check . || ($(BIN)/ruff format --diff . 2>&1 | head -40; exit 1)
	@$(BIN)/ruff check --quiet .

types: $(VENV)/dev.stamp
	@$(BIN)/mypy --no-error-summary

contracts: $(VENV)/dev.stamp
	@$(BIN)/lint-imports --no-cache > $(VENV)/contracts.log || (cat $(VENV)/contracts.log; exit 1)

# pytest compiles tests anew for their assertions, and each of its workers reads all of them: they are compiled once, beside the type checker.
$(VENV)/tests.stamp: $(VENV)/dev.stamp $(shell find tests -name '*.py')
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --collect-only -q > /dev/null 2>&1 || true
	@touch $@

# Each run executes a random sample of the fault sweep, and of other long sweeps (tests/kit/samples.py). The same HUBTRUST_SEED selects the
# same sample. HUBTRUST_FAULTS=http runs every HTTP fault of half of the scenarios, each call in one of the two shells; HUBTRUST_SAMPLES=all runs all cases of all sweeps.
# Both together run the whole HTTP matrix. HUBTRUST_PAGES=all runs the commands of every page.
# Our own files are compiled first: where PYTHONDONTWRITEBYTECODE is set, each of the tests' processes would compile them again.
unit: $(VENV)/dev.stamp
	@$(BIN)/python -m compileall -q components environments policies sandbox settings tests
	@export HUBTRUST_SEED=$${HUBTRUST_SEED:-$$RANDOM}; echo "fault sweep: $${HUBTRUST_FAULTS:-sample}, other sweeps: $${HUBTRUST_SAMPLES:-sample}, HUBTRUST_SEED=$$HUBTRUST_SEED"; \
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

# mosquitto_pub, libnss_wrapper and SoftHSM come from the system's packages: see .ci/run.
strangers: $(VENV)/amqp.stamp .strangers/amqp.stamp .strangers/axe.stamp .strangers/az.stamp .strangers/azurite.stamp .strangers/device.stamp .strangers/evidence.stamp .strangers/go.stamp .strangers/java.stamp .strangers/lowest.stamp .strangers/node.stamp .strangers/previews.stamp .strangers/release.stamp .strangers/site.stamp .strangers/typescript.stamp .strangers/lowest-local-azure.stamp ## install the third-party clients that the tests run (the az CLI alone: a minute, 700 MB)

# AMQP's library is an extra of local Azure, and has no wheel: with gcc and Python's headers it takes half a minute. Without it the tests of
# AMQP are skipped, and local Azure refuses AMQP.
$(VENV)/amqp.stamp: $(VENV)/dev.stamp requirements/build.txt requirements/amqp.txt
	@$(call with_progress,Compiling AMQP's library into $(VENV),$(BIN)/python $(LOCKED_PIP) -r requirements/build.txt && $(BIN)/python $(LOCKED_PIP) --no-build-isolation -r requirements/amqp.txt)
	@touch $@

.strangers/amqp.stamp: requirements/amqp_clients.txt
	@mkdir -p .strangers
	@test -x .strangers/amqp/bin/pip || ($(call with_progress,Creating a virtual environment for clients that speak AMQP,$(PYTHON) $(QUIETLY) venv .strangers/amqp))
	@$(call with_progress,Installing clients that speak AMQP into .strangers,.strangers/amqp/bin/python $(LOCKED_PIP) -r requirements/amqp_clients.txt)
	@touch $@

# In its folder: with --prefix npm does not find what a lock file names through a symbolic link.
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --loglevel error

.strangers/az.stamp: requirements/az.txt
	@mkdir -p .strangers
	@test -x .strangers/az/bin/pip || ($(call with_progress,Creating a virtual environment for the az CLI,$(PYTHON) $(QUIETLY) venv .strangers/az))
	@$(call with_progress,Installing the az CLI into .strangers,.strangers/az/bin/python $(LOCKED_PIP) -r requirements/az.txt)
	@touch $@

.strangers/device.stamp: requirements/build.txt requirements/device.txt
	@mkdir -p .strangers
	@test -x .strangers/device/bin/pip || ($(call with_progress,Creating a virtual environment for Microsoft's device SDK,$(PYTHON) $(QUIETLY) venv .strangers/device))
	@$(call with_progress,Installing Microsoft's device SDK into .strangers,.strangers/device/bin/python $(LOCKED_PIP) -r requirements/build.txt && .strangers/device/bin/python $(LOCKED_PIP) --no-build-isolation -r requirements/device.txt)
	@touch $@

.strangers/lowest.stamp: requirements/lowest.txt
	@mkdir -p .strangers
	@test -x .strangers/lowest/bin/pip || ($(call with_progress,Creating a virtual environment for the lowest versions,$(PYTHON) $(QUIETLY) venv .strangers/lowest))
	@$(call with_progress,Installing the package's lowest versions into .strangers,.strangers/lowest/bin/python $(LOCKED_PIP) --no-compile -r requirements/lowest.txt)
	@touch $@

.strangers/lowest-local-azure.stamp: requirements/lowest-local-azure.txt
	@mkdir -p .strangers
	@test -x .strangers/lowest-local-azure/bin/pip || ($(call with_progress,Creating a virtual environment for local Azure's lowest versions,$(PYTHON) $(QUIETLY) venv .strangers/lowest-local-azure))
	@$(call with_progress,Installing local Azure's lowest versions into .strangers,.strangers/lowest-local-azure/bin/python $(LOCKED_PIP) --no-compile -r requirements/lowest-local-azure.txt)
	@touch $@

.strangers/node.stamp: tests/strangers/node/package.json tests/strangers/node/package-lock.json
	@mkdir -p .strangers/node
	@cp tests/strangers/node/package.json tests/strangers/node/package-lock.json .strangers/node
	@$(call with_progress,Installing the Node clients into .strangers,(cd .strangers/node && $(NPM_CI)) > .strangers/npm.log 2>&1 || (cat .strangers/npm.log; exit 1))
	@touch $@

.strangers/azurite.stamp: tests/strangers/azurite/package.json tests/strangers/azurite/package-lock.json
	@mkdir -p .strangers/azurite
	@cp tests/strangers/azurite/package.json tests/strangers/azurite/package-lock.json .strangers/azurite
	@$(call with_progress,Installing Azurite into .strangers,(cd .strangers/azurite && $(NPM_CI)) > .strangers/azurite.log 2>&1 || (cat .strangers/azurite.log; exit 1))
	@touch $@

.strangers/axe.stamp: tests/strangers/axe/package.json tests/strangers/axe/package-lock.json
	@mkdir -p .strangers/axe
	@cp tests/strangers/axe/package.json tests/strangers/axe/package-lock.json .strangers/axe
	@$(call with_progress,Installing axe-core into .strangers,(cd .strangers/axe && $(NPM_CI)) > .strangers/axe.log 2>&1 || (cat .strangers/axe.log; exit 1))
	@touch $@

.strangers/typescript.stamp: tests/strangers/typescript/package.json tests/strangers/typescript/package-lock.json
	@mkdir -p .strangers/typescript
	@cp tests/strangers/typescript/package.json tests/strangers/typescript/package-lock.json .strangers/typescript
	@$(call with_progress,Installing TypeScript and Pulumi's SDK for it into .strangers,(cd .strangers/typescript && $(NPM_CI)) > .strangers/typescript.log 2>&1 || (cat .strangers/typescript.log; exit 1))
	@touch $@

.strangers/evidence.stamp: requirements/evidence.txt
	@mkdir -p .strangers
	@test -x .strangers/evidence/bin/pip || ($(call with_progress,Creating a virtual environment for readers of evidence,$(PYTHON) $(QUIETLY) venv .strangers/evidence))
	@$(call with_progress,Installing readers of evidence into .strangers,.strangers/evidence/bin/python $(LOCKED_PIP) -r requirements/evidence.txt)
	@touch $@

.strangers/previews.stamp: requirements/previews.txt
	@mkdir -p .strangers
	@test -x .strangers/previews/bin/pip || ($(call with_progress,Creating a virtual environment for previews of Microsoft's SDKs,$(PYTHON) $(QUIETLY) venv .strangers/previews))
	@$(call with_progress,Installing previews of Microsoft's SDKs into .strangers,.strangers/previews/bin/python $(LOCKED_PIP) -r requirements/previews.txt)
	@touch $@

# go.sum has a hash for each module, which Go compares. Everything it fetches and builds stays here.
GO_BUILD := GOPATH=$(CURDIR)/.strangers/go/path GOCACHE=$(CURDIR)/.strangers/go/cache GOFLAGS='-mod=readonly -modcacherw -buildvcs=false' CGO_ENABLED=0 go build
.strangers/go.stamp: $(wildcard tests/strangers/go/*)
	@mkdir -p .strangers/go
	@if ! command -v go > /dev/null; then echo "Go is not installed: its client is left out"; exit 0; fi; \
	$(call with_progress,Building the Go client in .strangers (a minute or two),cd tests/strangers/go && $(GO_BUILD) -o $(CURDIR)/.strangers/go/arm . && touch $(CURDIR)/$@)

# Maven knows no locks, so what it fetched is compared with the list of hashes beside the pom: these jars, or nothing.
MVN := mvn --batch-mode --quiet --strict-checksums -Dmaven.repo.local=$(CURDIR)/.strangers/java/repository
JARS := $(CURDIR)/.strangers/java/jars
.strangers/java.stamp: $(wildcard tests/strangers/java/*)
	@mkdir -p .strangers/java
	@if ! command -v mvn > /dev/null || ! command -v javac > /dev/null; then echo "Java or Maven is not installed: its clients are left out"; exit 0; fi; \
	rm -rf $(JARS) .strangers/java/classes; \
	$(call with_progress,Installing the Java clients into .strangers,$(MVN) -f tests/strangers/java/pom.xml dependency:copy-dependencies -DoutputDirectory=$(JARS) \
		&& (cd $(JARS) && sha256sum *.jar) | diff $(CURDIR)/tests/strangers/java/jars.sha256 - \
		&& javac -d .strangers/java/classes -cp '$(JARS)/*' tests/strangers/java/*.java && touch $@)

.strangers/release.stamp: requirements/release.txt
	@mkdir -p .strangers
	@test -x .strangers/release/bin/pip || ($(call with_progress,Creating a virtual environment for what builds a release,$(PYTHON) $(QUIETLY) venv .strangers/release))
	@$(call with_progress,Installing what builds a release into .strangers,.strangers/release/bin/python $(LOCKED_PIP) -r requirements/release.txt)
	@touch $@

SBOM_CHECK ?= --validate
SBOM := .strangers/release/bin/cyclonedx-py requirements $(SBOM_CHECK) --mc-type library --output-reproducible --spec-version 1.6 --output-format JSON
# An SBOM lists the locked versions, with their hashes: those that a release was tested with. Packages lie apart, because all files beside
# them would be published too. VERSION is what a tag says; the shell reads it as a variable, so that no name is a command. Git has the last
# word: it knows whether the files are the tag's. A published source has its version in pyproject.toml, which the SBOM is told.
RELEASE := .strangers/release/bin/python
PLUGIN_VERSION := $(RELEASE) -P components/hubtrust/version.py --plugin
dist: .strangers/release.stamp ## build the packages and plugin archives of a release and their CycloneDX SBOMs into dist/ (VERSION=1.2.3: refuse any other version)
	@rm -rf dist
	@found=$$($(PLUGIN_VERSION)); test -z "$$VERSION" || test "$$VERSION" = "$$found" || (echo "the tag says version $$VERSION, and Git has version $$found here: tag this commit, with no file changed"; exit 1)
	@for each in . $(LOCAL_AZURE); do SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(RELEASE) -m build --no-isolation --outdir dist/packages $$each > dist.log 2>&1 || (cat dist.log; exit 1) || exit 1; done
	@rm dist.log
	@tar --extract --gzip --to-stdout --file dist/packages/hubtrust-*.tar.gz --wildcards --no-wildcards-match-slash '*/pyproject.toml' > dist/pyproject.toml
	@$(SBOM) --pyproject dist/pyproject.toml --output-file dist/hubtrust.cdx.json requirements/program.txt 2> /dev/null
	@tar --extract --gzip --to-stdout --file dist/packages/local_azure_iot-*.tar.gz --wildcards --no-wildcards-match-slash '*/pyproject.toml' > dist/pyproject.toml
	@$(SBOM) --pyproject dist/pyproject.toml --output-file dist/local-azure-iot.cdx.json $(LOCAL_AZURE)/requirements.txt 2> /dev/null
	@rm dist/pyproject.toml
	@$(MAKE) --no-print-directory --old-file=.strangers/release.stamp plugin-archives

# What `pulumi plugin install` takes: the plugin's folder with the package in it and its lock. The same files for every platform, because
# Pulumi looks for an archive by platform, and Python has none.
PLATFORMS := darwin-amd64 darwin-arm64 linux-amd64 linux-arm64 windows-amd64 windows-arm64
plugin-archives: .strangers/release.stamp
	@mkdir -p dist/plugin dist/plugins && $(RELEASE) -m zipfile -e dist/packages/hubtrust-*.whl dist/plugin && rm -r dist/plugin/*.dist-info
	@cp LICENSE plugin/PulumiPlugin.yaml plugin/__main__.py dist/plugin && cp requirements/program.txt dist/plugin/requirements.txt
	@tar --sort=name --owner=0 --group=0 --numeric-owner --mode='u+rw,go+r-w,a+X' --mtime="@$$(git log -1 --format=%ct)" --directory dist/plugin --create . | gzip -9n > dist/plugin.tar.gz
	@version=$$($(PLUGIN_VERSION)) && for each in $(PLATFORMS); do cp dist/plugin.tar.gz dist/plugins/pulumi-resource-hubtrust-v$$version-$$each.tar.gz; done
	@rm -r dist/plugin dist/plugin.tar.gz

# From the checked-in schema, by Pulumi's CLI on PATH: an archive for each language. A released SDK says its version, and that the plugin
# is a file of that release, so that an engine fetches it; one that `package add` writes has the plugin that it was made from.
SDKS ?= dotnet go java nodejs python
sdks: .strangers/release.stamp ## generate the SDKs of a release into dist/sdks (needs Pulumi's CLI)
	@rm -rf dist/sdks dist/sdk && mkdir -p dist/sdks
	@version=$$($(PLUGIN_VERSION)) && $(RELEASE) -c 'import json, sys; found = json.load(open(sys.argv[1])); where = found["repository"].replace("https://github.com", "github://api.github.com"); print(json.dumps(found | {"version": sys.argv[2], "pluginDownloadURL": where}))' components/hubtrust/plugin/schema.json "$$version" > dist/schema.json \
	&& for each in $(SDKS); do pulumi package gen-sdk dist/schema.json --language $$each --out dist/sdk && tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$$(git log -1 --format=%ct)" --directory dist/sdk --create $$each | gzip -9n > dist/sdks/hubtrust-sdk-$$each-v$$version.tar.gz || exit 1; done
	@rm -r dist/sdk dist/schema.json

docs: $(VENV)/dev.stamp ## write the pages and the docstrings that are generated from the code
	@$(BIN)/python -m docs.azure_coverage
	@$(BIN)/python -m docs.constructor_arguments
	@$(BIN)/python -m docs.troubleshooting
	@$(BIN)/python -m hubtrust.plugin.schema
	@if command -v pulumi > /dev/null; then rm -rf sdk/nodejs && pulumi package gen-sdk components/hubtrust/plugin/schema.json --language nodejs -o sdk > /dev/null; \
	else echo "Pulumi's CLI is not on PATH: sdk/nodejs is left as it is"; fi

.strangers/site.stamp: requirements/site.txt
	@mkdir -p .strangers
	@test -x .strangers/site/bin/pip || ($(call with_progress,Creating a virtual environment for the documentation site,$(PYTHON) $(QUIETLY) venv .strangers/site))
	@$(call with_progress,Installing what builds the documentation site into .strangers,.strangers/site/bin/python $(LOCKED_PIP) -r requirements/site.txt)
	@touch $@

site: .strangers/site.stamp ## build the documentation as a site into site/; a broken link or anchor is an error
	@NO_MKDOCS_2_WARNING=1 .strangers/site/bin/mkdocs build --strict --quiet
	@echo "site/index.html is the first page; to read it with its search: $(PYTHON) -m http.server --directory site"

.strangers/moto.stamp: requirements/bench.txt
	@mkdir -p .strangers
	@test -x .strangers/moto/bin/pip || ($(call with_progress,Creating a virtual environment for moto,$(PYTHON) $(QUIETLY) venv .strangers/moto))
	@$(call with_progress,Installing moto into .strangers,.strangers/moto/bin/python $(LOCKED_PIP) -r requirements/bench.txt)
	@touch $@

newer-sdks: $(VENV)/dev.stamp ## compare what local Azure answers with the newest SDKs in the registry: a minute
	@$(BIN)/python -m docs.newer_sdks

bench: $(VENV)/dev.stamp .strangers/moto.stamp ## run the benchmarks, each beside another project's way of doing the same work
	@for each in $(filter-out __%,$(notdir $(basename $(wildcard benchmarks/*.py)))); do echo "== $$each"; $(BIN)/python -m benchmarks.$$each || exit 1; done

faults: $(VENV)/dev.stamp ## run the whole fault sweep and write docs/faults.md (HUBTRUST_FAULTS=http: only HTTP faults, no killed processes)
	@$(BIN)/python -m tests.faults

# The order matters: each file pins what those before it pinned. Every lock but requirements.txt has the hash of each file that may be
# installed, and every installation here asks for them. UPGRADE= (empty) keeps the pins that are there, to add or remove one requirement.
UV ?= uv
UPGRADE ?= --upgrade
LOCKED := program sandbox dev amqp amqp_clients az build device bench audit evidence previews release site
COMPILE := pip compile --quiet $(UPGRADE) --python-version 3.11 --universal --no-header
LOCAL_AZURE := sandbox/local-azure-iot
HASHED := --generate-hashes --emit-build-options --no-emit-package hubtrust
lock: ## pin the newest versions of all requirements, with hashes (needs uv; UPGRADE= keeps the pins that are there)
	$(UV) $(COMPILE) requirements.in -o requirements.txt
	@for each in $(LOCKED); do echo "requirements/$$each.txt"; \
		$(UV) $(COMPILE) $(HASHED) requirements/$$each.in -o requirements/$$each.txt || exit 1; done
	$(UV) $(COMPILE) $(HASHED) --resolution lowest-direct pyproject.toml requirements/lowest.in -o requirements/lowest.txt
	$(UV) $(COMPILE) $(HASHED) $(LOCAL_AZURE)/pyproject.toml $(LOCAL_AZURE)/requirements.in -o $(LOCAL_AZURE)/requirements.txt
	$(UV) $(COMPILE) $(HASHED) --extra testing --resolution lowest-direct $(LOCAL_AZURE)/pyproject.toml requirements/lowest-local-azure.in -o requirements/lowest-local-azure.txt

clean: ## remove everything that make created
	rm -rf $(VENV) .strangers .sandbox .cache dist site
