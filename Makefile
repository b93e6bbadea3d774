# Everything a person or CI runs. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
.NOTPARALLEL:

PY := .venv/bin/python
LOCKS := requirements.txt requirements-local.txt requirements-dev.txt
PORT ?= 8000
REGISTRY ?=
# What the settings insist on, for tools that import them and never connect.
NOWHERE := SECRET_KEY=lint PLIMSOLL_CREDENTIAL_KEYS=lint DATABASE_URL=postgres://nowhere/lint REDIS_URL=redis://nowhere

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUNBUFFERED := 1

.PHONY: help setup run stop test lint format stories bench fuzz lock clean

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/ready ## make .venv and install the pinned requirements into it

# Touched last, so that an install which was cut off is not taken for a whole one.
.venv/ready: $(LOCKS) .ci/make-venv
	@.ci/make-venv
	touch $@

run: setup ## start everything and scan the demo, or REGISTRY=https://... (PORT=8000)
	@exec $(PY) manage.py up --port $(PORT) $(if $(REGISTRY),--no-demo --registry "$(REGISTRY)",--demo)

stop: setup ## stop local servers that were told to stay
	@$(PY) -m compliance.localstack stop

test: setup system lint ## what CI runs: packages, lint, types, architecture, tests, a browser
	@$(PY) -m pytest -n 2 --dist loadgroup $(PYTEST)

.PHONY: system
system:
	@.ci/system-packages

lint: setup ## ruff, mypy, import-linter, djlint
	@echo "== ruff";           .venv/bin/ruff check .
	echo "== ruff format";     .venv/bin/ruff format --check .
	echo "== mypy";            $(NOWHERE) .venv/bin/mypy
	echo "== import-linter";   .venv/bin/lint-imports
	echo "== djlint";          .venv/bin/djlint --quiet --lint templates
	echo "== shell";           for file in .ci/* tests/deploy/*.sh; do bash -n "$$file"; done

format: setup ## put Python and imports into shape
	@.venv/bin/ruff check --fix-only --quiet .
	.venv/bin/ruff format .

stories: setup system ## click through the stories and draw their pictures in docs/stories again
	@STORIES=docs/stories $(PY) -m pytest -q tests/browser/test_stories.py

bench: setup ## measure against peers, each figure as a ratio (BENCH="name arguments" for one)
	@.ci/bench $(BENCH)

fuzz: setup ## look for inputs that break a parser (SECONDS=60 for each, FUZZ=name for one)
	@for name in $(or $(FUZZ),$$($(PY) -m tests.fuzz)); do
		echo "== $$name"
		$(PY) -m tests.fuzz "$$name" -max_total_time=$(or $(SECONDS),60)
	done

lock: setup ## compile the .in files into hashed locks (UPGRADE=1 for newer versions)
	@.ci/lock $(if $(UPGRADE),--upgrade)

clean: ## remove what was made here, data of the local servers included
	@[ ! -x $(PY) ] || $(PY) -m compliance.localstack stop
	rm -rf .venv .local .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
