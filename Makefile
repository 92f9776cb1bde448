# `make help` explains each target. Everything that is downloaded or built goes to $(CACHE), outside the tree.
SHELL := /bin/bash
.SHELLFLAGS := -Eeuo pipefail -c
.DEFAULT_GOAL := help

CACHE := $(or $(OPENSTACK_PAAS_CACHE),$(HOME)/.cache/openstack-paas)
VENV := $(CACHE)/venv
PYTHON := $(VENV)/bin/python
STACK ?= lab
# Sets the stack's engine, plugins, credentials and state: see dev/scripts/environment.sh.
IN_STACK := source dev/scripts/environment.sh $(STACK) &&
# Tests spend much of their time waiting. The tests of a file stay in one process, so that they share their fixtures.
SIDE_BY_SIDE := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: help
help: ## Explain the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.PHONY: up
up: toolchain lab-up ## Make the platform with its replicating MariaDB on the lab, then prove that it works
	@$(IN_STACK) dev/scripts/up.sh

.PHONY: preview
preview: toolchain lab-up ## Show what `make up` would change
	@$(IN_STACK) PULUMI_SKIP_CHECKPOINTS=true pulumi preview --diff

.PHONY: destroy
destroy: toolchain ## Remove the platform from the lab's cloud
	@$(IN_STACK) dev/scripts/destroy.sh

.PHONY: lab-up
lab-up: ## Start or repair the embedded cloud
	@/usr/bin/python3 -m dev.lab up

.PHONY: lab-down
lab-down: ## Stop the embedded cloud and remove everything except its caches
	@/usr/bin/python3 -m dev.lab down --wipe

.PHONY: test
test: compile-ahead test-fast test-lab ## Linters, unit and preview tests, and the lab's tests (DRILLS=1: the long ones too)

.PHONY: compile-ahead
# Compiles the Kubernetes release to which the lab's tests upgrade in the background, with idle processor time.
compile-ahead:
	@dev/scripts/compile-ahead.sh

.PHONY: test-fast
test-fast: lint test-unit test-preview ## Linters, unit and preview tests

.PHONY: check
check: venv ## Linters, and the unit tests that need no root, no toolchain and no Debian packages but shellcheck
	@dev/scripts/lint.sh $(VENV)/bin
	@$(VENV)/bin/pytest tests/unit -m "not system" $(SIDE_BY_SIDE)

.PHONY: lint
lint: venv tools-installed ## ruff, mypy, shellcheck
	@dev/scripts/lint.sh $(VENV)/bin

.PHONY: test-unit
# The toolchain comes first: its builds fill Go's cache, so that the Go programs of the tests build quickly.
test-unit: toolchain tools-installed
	@$(VENV)/bin/pytest tests/unit $(SIDE_BY_SIDE)

.PHONY: golden
golden: venv ## Write the golden files of the unit tests again, after a change that is intended
	@UPDATE_GOLDEN=1 $(VENV)/bin/pytest -q $$(grep -rl UPDATE_GOLDEN tests/unit --include='test_*.py')

.PHONY: test-preview
test-preview: toolchain lab-up
	@$(IN_STACK) $(VENV)/bin/pytest tests/preview -m "not alone" $(SIDE_BY_SIDE)
	@$(IN_STACK) $(VENV)/bin/pytest tests/preview -m alone

.PHONY: test-lab
test-lab: toolchain lab-up
	@$(IN_STACK) $(VENV)/bin/pytest tests/lab --timeout 1500 --durations 15

.PHONY: test-drills
test-drills: toolchain lab-up ## Every failure drill and all other long tests on the lab's platform, which keeps running
	@DRILLS=1 dev/scripts/compile-ahead.sh
	@$(IN_STACK) DRILLS=1 $(VENV)/bin/pytest tests/lab -m "drill or long" --timeout 1500

.PHONY: bench
bench: toolchain lab-up ## Measure an `up` from nothing: a timeline as table and picture, the critical path
	@$(IN_STACK) dev/scripts/bench.sh

.PHONY: bench-preview
bench-preview: toolchain lab-up ## Measure time, memory and state of previews of 10 to 1,000 machines
	@$(IN_STACK) $(PYTHON) -m dev.bench

.PHONY: venv
venv: $(VENV)/.stamp ## The virtual environment of the program, its tests and tools; `venv` is a link to it
# Where Pulumi.yaml says that it is. One that `pulumi install` has made stays.
	@[ -e venv ] || ln -sfn $(VENV) venv

.PHONY: lock
lock: venv ## Write requirements*.txt from their .in files (OPTIONS=--upgrade raises what those do not pin)
	@dev/scripts/lock.sh $(VENV)/bin $(OPTIONS)

$(VENV)/.stamp: requirements.txt requirements-dev.txt
	@dev/scripts/venv.sh $(VENV)

.PHONY: toolchain
toolchain: venv ## Get the engine and its plugins: official ones, or built here
	@$(PYTHON) -m dev.toolchain build

.PHONY: tools-installed
tools-installed:
	@dev/scripts/install-test-packages.sh

.PHONY: clean
clean: lab-down ## Stop the lab and delete every cache
	@rm -rf "$(CACHE)"
