# Two commands for a newcomer: `make serve` and `make test`. The rest is for contributors.
PYTHON ?= python3
VENV := .venv
TORCH := .venv-torch
PIP_FLAGS := --quiet --disable-pip-version-check
ARGS ?=

.PHONY: serve test check fix parity bench smoke docs builtin lock clean help

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

serve: $(VENV)/.base  ## set up, then serve the built-in model (ARGS="MODEL --port 8080")
	$(VENV)/bin/goldcrest serve $(ARGS)

test: $(VENV)/.test  ## set up, then run the tests that need no torch
	$(VENV)/bin/python -m pytest -m "not parity" $(ARGS)

check: $(VENV)/.lint  ## format, lint, types, import directions
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

fix: $(VENV)/.lint  ## format, and mend what the linter can
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

parity: $(TORCH)/.parity  ## compare with transformers (installs torch in its own environment)
	$(TORCH)/bin/python -m pytest -m parity tests/parity $(ARGS)

bench: $(VENV)/.bench  ## compare with other servers, side by side in one run
	$(VENV)/bin/python -m benchmarks.compare $(ARGS)

smoke: $(VENV)/.bench  ## a short benchmark of the built-in model that fails on any wrong answer
	$(VENV)/bin/python -m benchmarks.compare --quick $(ARGS)

docs: $(VENV)/.test  ## regenerate the reference pages
	$(VENV)/bin/python -m docs.generate

builtin: $(TORCH)/.parity  ## make a built-in model anew: NAME=sentiment DATA=FOLDER BASE=FOLDER [WORK=FOLDER]
	$(TORCH)/bin/python -m recipes $(NAME) --data $(DATA) --base $(BASE) --work $(or $(WORK),build/$(NAME)) $(ARGS)

lock:  ## pin the newest versions of everything the project's own tests install
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install $(PIP_FLAGS) -e '.[optimize,grpc]' -r requirements/test.in -r requirements/clients.in -r requirements/lint.in -r requirements/bench.in
	.venv-lock/bin/pip freeze --exclude-editable > requirements/constraints.txt
	rm -rf .venv-lock

clean:  ## remove what was installed and built here
	rm -rf $(VENV) $(TORCH) .bench dist build

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Goldcrest needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(VENV)/bin/python pyproject.toml requirements/constraints.txt
	$(VENV)/bin/pip install $(PIP_FLAGS) -c requirements/constraints.txt -e .
	@touch $@

$(VENV)/.test: $(VENV)/.base requirements/test.in requirements/clients.in requirements/test-no-deps.in
	$(VENV)/bin/pip install $(PIP_FLAGS) -c requirements/constraints.txt -r requirements/test.in -r requirements/clients.in
	$(VENV)/bin/pip install $(PIP_FLAGS) --no-deps -r requirements/test-no-deps.in
	@touch $@

$(VENV)/.lint: $(VENV)/.test requirements/lint.in
	$(VENV)/bin/pip install $(PIP_FLAGS) -c requirements/constraints.txt -r requirements/lint.in
	@touch $@

$(VENV)/.bench: $(VENV)/.base requirements/bench.in
	$(VENV)/bin/pip install $(PIP_FLAGS) -c requirements/constraints.txt -r requirements/bench.in -e '.[optimize,grpc]'
	@touch $@

$(TORCH)/.parity: pyproject.toml requirements/constraints.txt requirements/parity.in
	$(PYTHON) -m venv $(TORCH)
	$(TORCH)/bin/pip install $(PIP_FLAGS) torch==2.13.0
	$(TORCH)/bin/pip install $(PIP_FLAGS) -c requirements/constraints.txt -r requirements/parity.in -r requirements/test.in -e '.[optimize,grpc]'
	@touch $@
