# Two commands matter to a stranger: `make demo` and `make test`. Everything they need is set up on the way.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
WORKSPACE := . connectors/sdk connectors/shopify connectors/tiktok connectors/meta connectors/amazon connectors/xiaohongshu
MANIFESTS := pyproject.toml $(foreach d,$(filter-out .,$(WORKSPACE)),$(d)/pyproject.toml)
ARGS ?=

.PHONY: help system demo test check evidence bench assets index lock migrate clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): requirements.lock $(MANIFESTS)
	@$(PYTHON) -c 'import sys; sys.exit("Shelftide needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo 'Python has no venv module. On Debian: apt-get install python3-venv' >&2; exit 2; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(foreach d,$(WORKSPACE),-e $(d))
	@touch $@

system: ## system programs that some tests need (apt, as root): Chromium, redis, rabbitmq, wrk, fonts
	infra/system.sh

assets: $(READY) ## fetch the browser files and schemas that are not committed, check their hashes
	@$(PY) infra/assets.py

demo: assets ## start everything on simulated platforms and open the console; ARGS="--once --json" for machines
	@$(VENV)/bin/shelftide demo $(ARGS)

test: assets ## all tests (20 minutes at most on two cores)
	@$(PY) -m pytest -n 2 --dist loadfile $(ARGS)

check: $(READY) ## lint, types, import contracts
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

evidence: assets ## the long proofs: conformance in more worlds, kills, chaos (45 minutes at most); docs/evidence.md
	@$(PY) -m pytest tests/connectors -m worlds -q -n 2 --dist loadscope -p no:cacheprovider \
		-o addopts="-ra --strict-markers --import-mode=importlib"
	@$(PY) -m pytest tests/evidence -m evidence -v -n 2 --dist worksteal -p no:cacheprovider \
		-o addopts="-ra --strict-markers --import-mode=importlib" $(ARGS)

bench: assets ## benchmarks beside the peers, JSON to var/bench
	@$(PY) -m tests.bench.run $(ARGS)

index: $(READY) ## write docs/connectors/index.md anew
	@$(PY) infra/connector_index.py

metrics: $(READY) ## write docs/metrics.md anew
	@$(PY) infra/metrics_page.py

migrate: $(READY) ## bring the database to the newest schema
	@$(VENV)/bin/shelftide migrate

lock: ## resolve every dependency anew into requirements.lock
	@test -x .tools/bin/uv || { $(PYTHON) -m venv .tools && .tools/bin/python -m pip install --quiet uv; }
	UV_SYSTEM_CERTS=1 UV_PYTHON_DOWNLOADS=never .tools/bin/uv pip compile --no-config --quiet --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-header --no-emit-index-url --no-annotate --no-sources \
		$(foreach p,shelftide shelftide-sdk shelftide-shopify shelftide-tiktok shelftide-meta shelftide-amazon shelftide-xiaohongshu,--no-emit-package $(p)) \
		infra/lock.in -o requirements.lock

clean: ## remove what set-up made (not the data)
	rm -rf $(VENV) .tools build dist
