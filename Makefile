# Everything is run from here: `make help` lists it. A POSIX shell and GNU Make 3.81 are enough.

SHELL = /bin/sh
.DEFAULT_GOAL = help

PARAMS = demo
DATA =
SET =
N = 50
HOST = 127.0.0.1
SCHEDULER = tcp://127.0.0.1:8786
WORKERS = auto
TLS =
ARGS =
SERIES =
FORMAT = tables
NOTEBOOK =
export PARAMS DATA SERIES NOTEBOOK FORMAT

PYTHON = .venv/bin/python
UV = .venv/bin/uv
UV_PINNED = 0.13.9
OK = .venv/.ok

# The stamp contains the folder of the project: a copied or moved project gets a new environment.
MOVED := $(shell test "$$(cat $(OK) 2>/dev/null)" = "$$(pwd -P)" || echo moved)

# Which shop: params file, your file, single parameters.
SHOP = $(if $(DATA),--data "$$DATA") $(foreach item,$(SET),--set '$(item)')
# PARAMS only if it was given: the default follows from DATA, and for make lab from the last run.
RUN = $(if $(filter command,$(firstword $(origin PARAMS))),--params "$$PARAMS") $(SHOP)

# The plugin that re-runs notebooks is slow to import, and one test starts it in a pytest of its own. The rewritten
# assertions of the tests are kept as bytecode even where the environment turns that off: it takes 4 s per worker.
PYTEST = PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest -p no:nbval

LOCK = $(UV) pip compile --quiet pyproject.toml --group test --group build --universal --generate-hashes \
	--python-version 3.11 --no-emit-index-url --custom-compile-command "make lock"

.PHONY: help pipeline status mapping templates test test-fast check check-fast lab lab-diff report refresh bench bench-large bench-forecast
.PHONY: bench-customers bench-scale chaos lock clean moved dask-scheduler dask-worker env metabase metabase-plan metabase-oracle
.PHONY: db-start db-stop db-status db-psql db-url db-reset

##@ Start

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { print "\n" substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-15s  %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'Variables'
	@echo '  PARAMS=name or path   the params file; default: the one that fits DATA, or demo'
	@echo '  DATA=path             your file, folder or zip archive (pipeline, status, mapping, lab, metabase)'
	@echo '  SET="key=value ..."   override parameters of the params file (pipeline, status, lab, metabase)'
	@echo '  SERIES=file.csv       your daily series: date, value ... (bench-forecast)'
	@echo '  ARGS="..."            further arguments of the command; most list theirs with ARGS=--help'

pipeline: $(OK) ## Run all notebooks over PARAMS and write output/reports/index.html
	@$(PYTHON) -m lib.run.pipeline $(RUN) $(ARGS)

status: $(OK) ## Show the last runs and what a run would do now
	@$(PYTHON) -m lib.run.status $(RUN) $(ARGS)

##@ Explore

lab: $(OK) ## Open your shop's notebooks in JupyterLab (default: the last run's)
	@$(PYTHON) -m lib.run.lab $(RUN) $(ARGS)

lab-diff: $(OK) ## Show what you changed in the notebooks of make lab
	@$(PYTHON) -m lib.run.lab --diff $(RUN) $(ARGS)

report: $(OK) ## Write the page of your own notebook (NOTEBOOK=output/lab/demo/mine.ipynb)
	@$(PYTHON) -m lib.run.report "$$NOTEBOOK"

##@ Data

mapping: $(OK) ## Propose a params file for your file of any other layout (DATA=FILE)
	@$(PYTHON) -m lib.run.mapping "$$DATA"

templates: $(OK) ## Write example files (FORMAT=tables, lines, shopify, woocommerce)
	@$(PYTHON) -m lib.data.imports.templates "$$FORMAT"

clean: ## Delete the results in output/; the database and .venv stay
	@rm -rf output/data output/runs output/reports output/rejects output/templates
	@echo 'Deleted output/data, runs, reports, rejects and templates. The database stays (make db-reset deletes the private one); .venv stays.'

##@ Database

env: $(OK) ## Write .env with random secrets for docker compose; an existing one is kept
	@$(PYTHON) -m lib.util.dotenv

db-start: ## Start the private PostgreSQL
db-stop: ## Stop the private PostgreSQL
db-status: ## Show which database is in use and whether it answers
db-psql: ## Open psql on it, or run SQL: make -s db-psql < file.sql
db-url: ## Print its URL for another tool: make -s db-url
db-reset: ## Delete the private PostgreSQL and its data
db-start db-stop db-status db-psql db-url db-reset: db-%: $(OK)
	@$(PYTHON) -m lib.db.cli $* $(ARGS)

##@ Metabase

metabase: $(OK) ## Publish to METABASE_URL (ARGS=--force: overwrite manual edits)
	@$(PYTHON) -m lib.run.metabase apply $(RUN) $(ARGS)

metabase-plan: $(OK) ## Show what publishing would change; exit code 2 if anything
	@$(PYTHON) -m lib.run.metabase plan $(RUN) $(ARGS)

metabase-oracle: $(OK) ## Read the dashboard with Metabase's own command-line client (needs npm)
	@$(PYTHON) -m tests.oracle $(ARGS)

##@ Check

test: $(OK) ## Run all tests, on their own database and folders
	@$(PYTEST) $(ARGS)

test-fast: $(OK) ## Run the tests that need no database, browser, kernel or subprocess
	@$(PYTEST) -m 'not slow' $(ARGS)

check: check-fast ## Check that, workflow, compose file, and the lock (online)
	@$(PYTHON) -m check_jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	@$(PYTHON) -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml
	@.venv/bin/actionlint .github/workflows/ci.yml
	@.venv/bin/zizmor --offline --quiet .github/workflows/ci.yml
	@cp requirements.lock .venv/lock.renewed && $(LOCK) -o .venv/lock.renewed >/dev/null
	@cmp -s requirements.lock .venv/lock.renewed || { echo 'requirements.lock does not match pyproject.toml. Run `make lock`.' >&2; exit 1; }

check-fast: $(OK) ## Check style, types and the direction of imports
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports --no-logo

refresh: $(OK) ## Renew the notebooks' saved outputs and parameter cells, and params/demo.yml
	@$(PYTHON) -m lib.run.refresh $(ARGS)

lock: $(if $(wildcard $(UV)),,$(OK)) ## Renew requirements.lock from pyproject.toml (ARGS=--upgrade: newer versions)
	@$(LOCK) -o requirements.lock $(ARGS) >/dev/null

##@ Measure

bench: $(OK) ## Measure, print a table, and write output/bench.json
	@$(PYTHON) -m tests.bench $(ARGS)

bench-large: $(OK) ## Measure 10 and 30 million rows, 5 million lines of CSV: memory, cost per row
	@$(PYTHON) -m tests.bench generate-large load-large own-files-large $(ARGS)

bench-forecast: $(OK) ## Measure the forecast on real series, or those of SERIES, and synthetic shops
	@$(PYTHON) -m tests.bench forecast $(if $(SERIES),,forecast-shop) $(ARGS)

bench-customers: $(OK) ## Measure the customer models: time, memory, held-out accuracy; and the report
	@$(PYTHON) -m tests.bench customers $(ARGS)

bench-scale: $(OK) ## Measure five million rows in shards: one process, two, two Dask workers
	@$(PYTHON) -m tests.bench scale $(ARGS)

chaos: $(OK) ## Inject N faults while shops are loaded, and count invalid states (N=50)
	@$(PYTHON) -m tests.chaos $(N) $(ARGS)

##@ Cluster

dask-scheduler: $(OK) ## Start a scheduler on HOST; other than this machine with TLS=folder of keys
	@[ -n "$(TLS)" ] || case "$(HOST)" in 127.*|localhost) ;; *) echo 'Anyone who can reach the scheduler can run code on its workers. Name the folder of its TLS keys, as in TLS=/etc/dask.' >&2; exit 2 ;; esac
	@$(DASK) $(PYTHON) -m distributed.cli.dask_scheduler --host "$(HOST)" --port 8786 $(QUIET) $(KEYS) $(if $(TLS),--protocol tls) $(ARGS)

dask-worker: $(OK) ## Start workers for SCHEDULER, one per core; they load into DATABASE_URL
	@$(DASK) $(PYTHON) -m distributed.cli.dask_worker "$(SCHEDULER)" --nworkers $(WORKERS) --nthreads 1 $(LISTEN) $(QUIET) $(KEYS) $(ARGS)

# Set-up: silent once done, and only ever on stderr, so that `make -s db-url` prints a URL and nothing else.
# The stamp is removed first and written last, so an interrupted set-up starts again.
$(OK): requirements.lock pyproject.toml $(MOVED)
	@exec >&2 </dev/null; set -e; \
	if [ "$$(cat $(OK) 2>/dev/null)" != "$$(pwd -P)" ]; then \
		$(FIRST); python="$$(first '$(SUITABLE)' $(PYTHONS))" || :; \
		if [ "$$python" ]; then \
			"$$python" -c 'import ensurepip, venv' 2>/dev/null || { echo "$$python cannot create virtual environments. Run \`apt install python3-venv\` (or install that package of your system) and try again."; exit 2; }; \
			echo "Setting up .venv with $$("$$python" --version), once; this takes a minute or two."; \
			rm -rf .venv; "$$python" -m venv .venv; \
		else $(VENV_BY_UV); fi; \
	fi; \
	rm -f $(OK); \
	if $(PIP) install uv==$(UV_PINNED) && $(SYNC_BY_UV); then :; \
	else echo 'uv $(UV_PINNED) could not install the packages; installing with pip, which takes longer.'; $(PIP) install --require-hashes -r requirements.lock; fi; \
	$(PIP) install --no-index --no-deps --no-build-isolation --editable .; \
	pwd -P > $(OK)

# In place of /etc/dask, so that DASK_CONFIG and the other settings of the environment are read too, and prevail.
DASK = DASK_ROOT_CONFIG="$(CURDIR)/lib/data/workers/dask.yml"
QUIET = --dashboard-address 127.0.0.1:0 --no-dashboard
# Workers of a scheduler of this machine listen on this machine only: without keys, anyone who reaches a worker can run code on it.
LISTEN = $(if $(filter tcp://127.% tls://127.% tcp://localhost:% tls://localhost:%,$(SCHEDULER)),--host 127.0.0.1)
KEYS = $(if $(TLS),--tls-ca-file "$(TLS)/ca.pem" --tls-cert "$(TLS)/cert.pem" --tls-key "$(TLS)/key.pem")

# Python: the first suitable one; PYTHON3 names another. Where only older or newer ones are found, uv downloads one.
PYTHONS = $(if $(PYTHON3),"$$PYTHON3",python3 python3.14 python3.13 python3.12 python3.11)
SUITABLE = import sys; (3, 11) <= sys.version_info[:2] <= (3, 14) or sys.exit(1); print(sys._base_executable)
RUNS_UV = import sys, ensurepip, venv; sys.version_info >= (3, 9) or sys.exit(1); print(sys._base_executable)
FIRST = first() { code="$$1"; shift; for name; do "$$name" -c "$$code" 2>/dev/null && return; done; return 1; }
VENV_BY_UV = folder="$$(mktemp -d)"; trap 'rm -rf "$$folder"' EXIT; \
	{ other="$$(first '$(RUNS_UV)' $(if $(PYTHON3),,python3 python3.15 python3.10 python3.9))" \
		&& echo "Found only $$("$$other" --version); downloading Python 3.14 by uv." && "$$other" -m venv "$$folder" \
		&& "$$folder/bin/python" -m pip --disable-pip-version-check --quiet install uv==$(UV_PINNED) \
		&& "$$folder/bin/uv" venv --quiet --clear --seed --python 3.14 .venv; \
	} || { echo 'No Python 3.11 to 3.14 found. Install Python 3.14, or name one: `make PYTHON3=/path/to/python3.14`.'; exit 2; }
PIP = $(PYTHON) -m pip --disable-pip-version-check --quiet
SYNC_BY_UV = UV_PYTHON_DOWNLOADS=never $(UV) pip sync --quiet --python $(PYTHON) --require-hashes --compile-bytecode requirements.lock
