# `make help` explains each target. Everything that is downloaded or built lies outside the tree, in $(CACHE).
SHELL := /bin/bash
.SHELLFLAGS := -Eeuo pipefail -c
.DEFAULT_GOAL := help

CACHE := $(or $(OPENSTACK_PAAS_CACHE),$(HOME)/.cache/openstack-paas)
VENV := $(CACHE)/venv
PYTHON := $(VENV)/bin/python
STACK ?= lab
# The stack's engine, plugins, credentials and state: see dev/scripts/environment.sh.
IN_STACK := source dev/scripts/environment.sh $(STACK) &&
# Much of the tests is waiting. The tests of a file stay in one process: what is made once for them is made once.
SIDE_BY_SIDE := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: help
help: ## Explain the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.PHONY: up
up: toolchain lab-up ## From nothing to a replicating MariaDB on the lab, then prove it
	@$(IN_STACK) dev/scripts/up.sh

.PHONY: preview
preview: toolchain lab-up ## What `make up` would change
	@$(IN_STACK) PULUMI_SKIP_CHECKPOINTS=true pulumi preview --diff

.PHONY: destroy
destroy: toolchain ## Remove the platform from the lab's cloud
	@$(IN_STACK) dev/scripts/destroy.sh

.PHONY: lab-up
lab-up: ## Start the embedded cloud, or bring it back
	@/usr/bin/python3 -m dev.lab up

.PHONY: lab-down
lab-down: ## Stop the embedded cloud and remove every trace of it but its caches
	@/usr/bin/python3 -m dev.lab down --wipe

.PHONY: test
test: ahead test-fast test-lab ## Linters, unit, preview, and the real platform on the lab (DRILLS=1: all that is long, too)

.PHONY: ahead
# The lab's tests go up to a release of Kubernetes that is compiled meanwhile, with the time that nothing else needs.
ahead:
	@dev/scripts/ahead.sh

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
# The toolchain first: what its builds leave in the Go cache makes the Go programs of the tests cheap.
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
test-drills: toolchain lab-up ## Every failure drill, and all else that is long, on the lab's platform, which is left standing
	@DRILLS=1 dev/scripts/ahead.sh
	@$(IN_STACK) DRILLS=1 $(VENV)/bin/pytest tests/lab -m "drill or long" --timeout 1500

.PHONY: bench
bench: toolchain lab-up ## Timeline of an `up` from nothing: a table, a picture, the critical path
	@$(IN_STACK) dev/scripts/bench.sh

.PHONY: bench-preview
bench-preview: toolchain lab-up ## Time, memory and state of previews of 10 to 1,000 machines, and where the time goes
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
toolchain: venv ## The engine and its plugins: official ones, or built here
	@$(PYTHON) -m dev.toolchain build

.PHONY: tools-installed
tools-installed:
	@dev/scripts/packages.sh

.PHONY: clean
clean: lab-down ## Stop the lab and delete every cache
	@rm -rf "$(CACHE)"
