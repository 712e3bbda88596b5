# Two commands matter: `make deploy` and `make test`. `make help` lists the rest.
# All targets install what they need into .venv first.

BLUEPRINT ?= replicated_storage
STAGE ?= local
ARGS ?=
PYTHON ?= python3

# The systems that the workflows of this repository are for, with their environments and stages.
PIPELINES := replicated_storage private_api regional_web:prod serverless_api@move region_migration \
	--stage example --repository example/systems

VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
DOCS_READY := $(VENV)/.docs-ready
BROWSER_READY := $(VENV)/.browser-ready
DEPLOY := $(PY) deploy.py

# The tests start many processes: each would compile everything again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup deploy plan status outputs destroy test drill check lint coverage render documents docs browser pictures local dist clean

help: ## List all targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  Variables: BLUEPRINT=$(BLUEPRINT) STAGE=$(STAGE) PYTHON=$(PYTHON)"
	@echo "  ARGS='--yes ...' goes to apply, plan, status, outputs and destroy"

setup: $(READY) ## Make .venv and install everything, pinned

$(READY): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; name one: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[local,slack,dev]'
	@touch $@

deploy: $(READY) ## Render, check, plan and apply BLUEPRINT to STAGE
	$(DEPLOY) render $(BLUEPRINT)
	$(DEPLOY) check $(BLUEPRINT) --stage $(STAGE)
	$(DEPLOY) apply $(BLUEPRINT) --stage $(STAGE) $(ARGS)

plan: $(READY) ## Show what deploy would change
	$(DEPLOY) plan $(BLUEPRINT) --stage $(STAGE) $(ARGS)

status: $(READY) ## Show where each stack stands
	$(DEPLOY) status $(BLUEPRINT) --stage $(STAGE) $(ARGS)

outputs: $(READY) ## Print the outputs
	$(DEPLOY) outputs $(BLUEPRINT) --stage $(STAGE) $(ARGS)

destroy: $(READY) ## Take it away again
	$(DEPLOY) destroy $(BLUEPRINT) --stage $(STAGE) $(ARGS)

test: $(READY) $(if $(shell command -v chromium chromium-browser),$(BROWSER_READY)) ## Run the whole test suite
	$(PY) -m pytest --numprocesses 2

drill: $(READY) ## Run the long drills: load, kills, every pair of options
	$(PY) -m pytest -m drill

lint: $(READY) ## ruff, mypy, import contracts, cfn-lint
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) -m pytest -m lint --numprocesses 2

check: lint ## Everything that must hold before a change lands, with coverage
	$(DEPLOY) render --check
	$(DEPLOY) check --stage example
	$(DEPLOY) check --stage local
	$(MAKE) coverage

coverage: $(READY) ## Run the tests with branch coverage (90 % at least)
	$(VENV)/bin/coverage erase
	$(PY) -m pytest --numprocesses 2 --cov --cov-report=term:skip-covered

render: $(READY) ## Write templates/rendered and the workflows from the example settings
	$(DEPLOY) render
	$(DEPLOY) pipeline init $(PIPELINES) --force

documents: $(READY) ## Write what the code says in docs: requirements, pictures, reference
	$(PY) -m tests.requirements
	$(PY) -m tests.documents
	$(PY) -m tests.reference
	$(PY) -m tests.terminal

docs: $(DOCS_READY) ## Build the site of docs/ into site/; broken links fail
	NO_MKDOCS_2_WARNING=true $(VENV)/bin/mkdocs build
	@echo "site/index.html; to search in it: $(PY) -m http.server --bind 127.0.0.1 --directory site"

$(DOCS_READY): $(READY)
	$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	@touch $@

browser: $(BROWSER_READY) ## Install what looks at the pages of runs, Chromium too for root on Debian
	@command -v chromium chromium-browser >/dev/null || \
		{ [ "$$(id -u)" = 0 ] && apt-get update --quiet && \
			apt-get install --quiet --yes --no-install-recommends chromium; } || \
		echo "No Chromium: apt-get cannot install it here, or not as this user. The tests that need it are skipped."

$(BROWSER_READY): $(READY)
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[browser]' || \
		echo "Playwright cannot be installed; the tests that need it are skipped."
	@touch $@

pictures: browser ## Play runs on the local cloud and take pictures of their pages: docs/img
	$(PY) -m tests.pictures

local: $(READY) ## Start the local cloud and say where it runs
	$(DEPLOY) local start
	$(DEPLOY) local status

dist: $(READY) ## Build wheel and sdist
	$(PY) -m build

clean: ## Stop the local cloud and remove what the targets made
	-@test ! -x $(PY) || $(DEPLOY) local stop
	rm -rf $(VENV) .tapcfn build dist site *.egg-info .coverage .coverage.*
