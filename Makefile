# Everything runs in .venv, made on first use with PYTHON (3.11 or later) and a package index.
PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo lint types unit test slow wheel test-rest test-all bench model clean

help:           ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

# --- environments ---------------------------------------------------------------------------
$(VENV)/base: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "opgsent needs Python 3.11 or later: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	@touch $@

# the versions that the figures and the bundled model were made with
$(VENV)/dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/base

$(VENV)/engines: $(VENV)/dev
	$(PIP) --constraint constraints.txt --editable '.[dev,dask,spark]'
	@touch $@

# --- use ------------------------------------------------------------------------------------
demo: $(VENV)/base  ## read the posts of examples/posts.csv and print what was found
	@$(PY) examples/demo.py

# --- tests ----------------------------------------------------------------------------------
lint: $(VENV)/dev   ## ruff: style and likely bugs
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: $(VENV)/dev  ## mypy, strict
	$(PY) -m mypy

unit: $(VENV)/dev   ## the quick tests, doctests and README examples
	$(PY) -m pytest -q -n $(JOBS) -m 'not slow'

test: lint types unit  ## the core: under 5 minutes

slow: $(VENV)/engines  ## the slow tests; Dask and Spark started for real
	$(PY) -m pytest -q -m slow --durations=10

wheel: $(VENV)/dev  ## build the wheel and read a post with it in a fresh environment
	tools/check_wheel.sh $(PY)

test-rest: slow wheel

test-all: test test-rest  ## everything

# --- figures and the bundled model ----------------------------------------------------------
bench: $(VENV)/dev  ## speed beside the peers, learning curves of retraining
	$(PY) -m benchmarks.speed
	$(PY) -m benchmarks.retraining

model: $(VENV)/dev  ## fit the bundled model anew
	$(PY) tools/build_model.py

clean:          ## remove the environment, caches and builds
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .tmp
	find src tests tools benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +
