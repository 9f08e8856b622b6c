# Action Ladder. `make help` lists what there is.

PYTHON ?= python3
VENV ?= .venv
DATA ?= ./data
PORT ?=
ARGS ?=

BIN := $(VENV)/bin
STAMPS := $(VENV)/.made
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Versions come from constraints.txt; with no isolation that holds for the build's own tool too.
INSTALL := $(PIP) install --constraint constraints.txt
SPEC := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help run install test test-slow lint format lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  run takes PORT=8090, DATA=./data and ARGS=\"--camera game.mp4 --table 8ft\""

run: $(STAMPS)/run ## the demo: a box on a simulated table at http://localhost:8080, and its cloud
	@$(BIN)/ladder run --demo --data "$(DATA)" $(if $(PORT),--port $(PORT)) $(ARGS)

install: $(STAMPS)/run ## what running needs, into .venv

test: $(STAMPS)/test ## the tests, without the slow ones
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(ARGS)

test-slow: $(STAMPS)/test ## the slow tests
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow $(ARGS)

lint: $(STAMPS)/test ## style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMPS)/test ## formats the code and mends what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMPS)/python ## writes constraints.txt anew, from the newest versions that pyproject.toml allows
	@rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip --disable-pip-version-check install --upgrade "setuptools>=77"
	build/lock/bin/python -m pip --disable-pip-version-check install --no-build-isolation --editable ".[test]"
	@{ echo "# Exact versions of all that running and testing installs. Written by make lock."; \
	   build/lock/bin/python -m pip freeze --all --exclude pip --exclude-editable; } > build/constraints.txt
	@mv build/constraints.txt constraints.txt && rm -rf build/lock
	@echo "constraints.txt has $$(grep -c == constraints.txt) versions"

clean: ## removes what was made here, save the data
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMPS)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Action Ladder needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo not there)." >&2; \
	  echo "Install one and name it: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) can't make virtual environments: apt-get install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "Making $(VENV) …"; $(PYTHON) -m venv $(VENV); }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/run: $(SPEC) | $(STAMPS)/python
	@echo "Installing what running needs, once …"
	@$(INSTALL) setuptools
	@$(INSTALL) --no-build-isolation --editable ".[cloud]"
	@$(BIN)/python -c 'import cv2' || { \
	  echo "OpenCV needs two libraries of the system: apt-get install libgl1 libglib2.0-0" >&2; exit 1; }
	@touch $@

$(STAMPS)/test: $(SPEC) | $(STAMPS)/python
	@echo "Installing what the tests need, once …"
	@$(INSTALL) setuptools
	@$(INSTALL) --no-build-isolation --editable ".[test]"
	@touch $@ $(STAMPS)/run
