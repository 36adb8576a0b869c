# What a developer types. `make run` and `make test` install what they need first.

PYTHON ?= python3
PORT ?= 8000
ARGS ?=
BIN := .venv/bin
# The tools read the settings; .env.example holds a safe value for each of them.
WITH_ENV := set -a && . ./.env.example && set +a &&
SOURCES := bench config elementdesk instances sandbox tests manage.py

.DEFAULT_GOAL := help
.PHONY: help setup run test faults leaks drift grants bench screenshots check format lock

help:  ## these lines
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

setup: .venv/.installed .env  ## virtual environment from the hash lock, .env from .env.example

run: setup  ## the whole thing on this machine: web, worker, broker, sandbox (PORT=8000)
	@exec $(BIN)/python manage.py run_locally --port $(PORT)

test: .venv/.installed-dev  ## every test, on SQLite and on PostgreSQL at once (ARGS="-k row" narrows it)
	@$(BIN)/python tests/servers.py both -- $(ARGS)

faults: .venv/.installed-dev  ## real processes under every fault, on both databases (about 35 minutes; ARGS="--rows F20")
	@$(BIN)/python -m tests.faults --operations 110 $(ARGS)

leaks: .venv/.installed-dev  ## secrets planted everywhere, then searched in every place (about eight minutes)
	@$(BIN)/python -m tests.leaks $(or $(ARGS),sqlite postgresql)

drift: .venv/.installed-dev  ## 10,000 foreign instances adopted, changed behind our back, brought back (about eight minutes)
	@FOREIGN=$(or $(ARGS),10000) $(BIN)/python tests/servers.py postgresql -- -q -s tests/test_drift_processes.py

grants: .venv/.installed-dev  ## 10,000 random grants and removals beside a small model of who may what (about ten minutes)
	@GRANTS=$(or $(ARGS),10000) $(BIN)/python tests/servers.py sqlite -- -q -s tests/grants

screenshots: .venv/.installed-dev  ## the pictures of README and docs anew, taken by the browser tests
	@SCREENSHOTS=$(CURDIR)/docs/screenshots $(BIN)/python tests/servers.py sqlite -- tests/e2e/test_screenshots.py -q

check: .venv/.installed-dev  ## formatting, linting, types, import rule, templates, migrations, containers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(WITH_ENV) $(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/djade --check --target-version 5.2 $$(git ls-files --cached --others --exclude-standard 'templates/*.html')
	$(WITH_ENV) DATABASE_URL=sqlite://:memory: $(BIN)/python manage.py makemigrations --check --dry-run --skip-checks
	$(BIN)/python tests/servers.py deployment
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

bench: .venv/.installed-dev  ## how fast instances are made, pages shown and accounts compared; writes docs/performance.md (ARGS="--pages --rows 100000")
	@$(BIN)/python -m bench --keep $(ARGS)
	@case "$(ARGS)" in *--pages*) ;; *) $(BIN)/python -m bench --keep --pages $(ARGS) ;; esac
	@case "$(ARGS)" in *--pages*) ;; *) $(BIN)/python -m bench.synchronization --keep ;; esac

format: .venv/.installed-dev  ## ruff and djade rewrite what they can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djade --target-version 5.2 $$(git ls-files --cached --others --exclude-standard 'templates/*.html')

lock: .venv/.installed-dev  ## new versions within the bounds of pyproject.toml, with their hashes
	$(BIN)/uv pip compile --upgrade pyproject.toml --extra local $(LOCK) -o requirements.txt
	$(BIN)/uv pip compile --upgrade pyproject.toml --extra local --group dev $(LOCK) -o requirements-dev.txt
LOCK := -q --generate-hashes --universal --python-version 3.11 --no-annotate --no-header

.env:
	@mkdir -p -m 700 var
	@cp .env.example .env && echo "Made .env from .env.example."

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Python 3.11 or newer is needed: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv .venv \
		|| { rm -rf .venv; echo "$(PYTHON) cannot make virtual environments (on Debian: apt-get install python3-venv)."; exit 1; }

# The stamp is the lock that was installed, so that a repeat takes no time.
.venv/.installed: requirements.txt | .venv/bin/python
	@echo "Installing requirements.txt into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed
	@echo "Installing requirements-dev.txt into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
