# Everything below works on a machine with Python 3.11, make and git.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
SCENARIO ?= lint
# Half of the time of the end-to-end tests goes by in waiting, so there are more of them than cores.
WORKERS ?= $(shell echo $$(( 2 * $$(nproc) )))
DATA ?= ../shared/data/logchunks-dev.tar.xz
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11, or name another with PYTHON=" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(RUN): requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing the pinned packages (once) …" >&2
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q activities localhub starter workflows worker.py
	@touch $@

$(DEV): requirements/dev.txt $(RUN)
	@echo "Installing the pinned development packages (once) …" >&2
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

install: $(RUN) ## Set up the virtual environment with the `regreen` command
	@echo "Ready: $(BIN)/regreen --help"

demo: $(RUN) ## Break a real CI run and watch it turn green (SCENARIO=list, KEEP=1, JSON=1, FAULTS=)
	@exec $(BIN)/regreen simulate $(SCENARIO) $(if $(filter 1,$(KEEP)),--keep) $(if $(filter 1,$(JSON)),--json) $(if $(FAULTS),--faults '$(FAULTS)')

test: $(DEV) ## Run the whole test suite (ARGS= goes to pytest, WORKERS= at once)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(DEV) ## Check style and formatting, of the Dockerfile too
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/hadolint deploy/Dockerfile

typecheck: $(DEV) ## Check types, strictly
	@$(BIN)/mypy

format: $(DEV) ## Format the code
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: $(RUN) ## Measure, as ratios against a baseline in the same run
	@$(BIN)/python -m benchmarks.remediation
	@$(BIN)/python -m benchmarks.startup
	@$(BIN)/python -m benchmarks.patching
	@$(BIN)/python -m benchmarks.gate
	@$(BIN)/python -m benchmarks.session

bench-logs: $(RUN) ## Measure excerpts and diagnosis on labelled logs (DATA= a folder or archive of them)
	@$(BIN)/python -m benchmarks.logs $(DATA)

bench-starter: $(RUN) ## Measure the webhook service under load, beside a bare app on the same server
	@$(BIN)/python -m benchmarks.starter

histories: $(DEV) ## Record further workflow histories for the replay tests (NAME= of their folder)
	@PYTHONPATH=.:tests/support $(BIN)/python tests/replay/record.py $(NAME)

settings: $(RUN) ## Write the tables of settings and .env.example anew
	@$(BIN)/python -m starter.settings_tables

requirements: $(DEV) ## Renew the pinned, hashed requirements (no download addresses)
	@$(BIN)/python requirements/renew.py

clean: ## Remove the virtual environment and caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info

.PHONY: help install demo test lint typecheck format bench bench-logs bench-starter histories settings requirements clean
