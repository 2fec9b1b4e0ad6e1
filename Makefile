# Everything here sets itself up: it needs Python 3.11-3.13, make and (for Numba's cache) nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint types verify bench clean help

help:  ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.core: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), "lnherd needs Python 3.11 to 3.13; set PYTHON=..."'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	touch $@

$(VENV)/.dev: $(VENV)/.core
	$(PIP) -e '.[dev,l402]'
	touch $@

demo: $(VENV)/.core  ## Train a herder on a small L402 network, compare it with the rules, write a report
	$(BIN)/lnherd demo

test: $(VENV)/.dev  ## Run all tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(VENV)/.dev  ## Style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev  ## Strict type check
	$(BIN)/mypy

verify: $(VENV)/.dev  ## Closed forms, published marginals, recorded runs of other simulators
	for script in theory generator cloth fitter; do $(BIN)/python verification/$$script.py || exit 1; done

$(VENV)/.bench: $(VENV)/.dev
	$(PIP) -e '.[dev,l402,bench]'
	touch $@

bench: $(VENV)/.bench  ## Speed, side by side with textbook versions and Stable-Baselines3
	$(BIN)/python -m benchmarks

clean:  ## Remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
