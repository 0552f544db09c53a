# make run: the product on http://127.0.0.1:8000   make test: everything CI checks
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
TEST_DATA_DIR ?= var/test
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
  --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host $(if $(UPGRADE),--upgrade)

.PHONY: run test check-code check-wiring format lock messages screenshots bench simulate fuzz

run: .venv/run.stamp
	@exec $(BIN)/python manage.py up

# One database server for all steps; DATA_DIR keeps it apart from the one of `make run`.
test: export DATA_DIR := $(abspath $(TEST_DATA_DIR))
test: .venv/dev.stamp
	@$(MAKE) --no-print-directory -j2 check-code check-wiring
	$(BIN)/python -m pytest $(PYTEST)

check-code:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	DATABASE_URL=postgresql:///unused EMBEDDED=1 $(BIN)/mypy

check-wiring:
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py messages --check
	$(BIN)/python manage.py compile_translations
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file $(DATA_DIR)/openapi.yaml

format: .venv/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Take new versions into the lock files; without UPGRADE=1 only what requirements*.in asks for changes.
lock: .venv/dev.stamp
	$(COMPILE) requirements.in --output-file requirements.txt
	$(COMPILE) requirements-dev.in --output-file requirements-dev.txt

messages: .venv/dev.stamp
	$(BIN)/python manage.py messages

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Recourse needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) -V 2>&1`. Name another: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/run.stamp: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev.stamp: requirements-dev.txt .venv/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

screenshots: .venv/dev.stamp
	$(BIN)/python -m tools.screenshots

bench: .venv/dev.stamp
	$(BIN)/python -m bench

# Random histories of orders and refunds, processes killed on the way; SEED=n runs one again, CONTROL=name without a safeguard.
simulate: .venv/dev.stamp
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),1000) $(if $(SEED),--seed $(SEED)) $(if $(CONTROL),--control $(CONTROL))

# The API document played against the program: every operation, data that fits and data that does not, walks along links.
# SEED=n plays a run again, ONLY=operation_id one operation alone.
fuzz: .venv/dev.stamp
	@$(BIN)/python -W ignore -m tests.fuzz --cases $(or $(CASES),2000) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))
