# Works with GNU make 3.81 (macOS) and later. `make help` lists the commands.
PYTHON ?=
ONCE ?=
PORT ?=
JOBS ?= 3
TESTS ?=
RUNS ?= 10
WORDS ?=
export PYTHON WORDS
# Set, it has each of the hundreds of processes of a test run compile our sources anew.
unexport PYTHONDONTWRITEBYTECODE

python := .venv/bin/python

.PHONY: help run setup test soak lint bench docs screenshots lock audit licences sbom images clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1  /p' Makefile | expand -t 10

run: setup ## everything, and a call through it (ONCE=1: then stop; PORT=9000; WORDS=1: with its transcript; DEMO=300: and 300 invented recordings)
	@$(if $(WORDS),TRANSCRIBER=whisper )$(python) -m flask demo $(if $(ONCE),--once) $(if $(PORT),--port $(PORT)) $(if $(DEMO),--population $(DEMO)) $(if $(SEED),--seed $(SEED))

setup: ## .venv with the locked packages; quick where it is there (WORDS=1: with a speech model)
	@bin/setup

test: ## all tests (TESTS=tests/stack: some; JOBS=4: more at once)
	@bin/setup dev
	$(python) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(TESTS)

soak: ## all tests ten times in a row with every core busy (RUNS=3: three times)
	@bin/setup dev
	@bin/soak $(RUNS) $(JOBS)

lint: ## formatting, lint, types
	@bin/setup dev
	$(python) -m ruff format --check .
	$(python) -m ruff check .
	$(python) -m mypy

bench: ## the benchmarks, one after the other
	@bin/setup dev
	@for file in `grep -l '^def main' benchmarks/*.py`; do \
		name=`basename $$file .py`; echo "== $$name"; \
		$(python) -m benchmarks.$$name || exit 1; \
	done

docs: ## what is made from the code: the diagram of imports, the index of decisions, settings
	@bin/setup dev
	@$(python) -m tests.import_diagram
	@$(python) -m tests.decision_index
	@$(python) -m tests.settings_pages

screenshots: ## docs/images, taken by a headless Chromium
	@bin/setup dev
	@$(python) -m tests.browser.screenshots

lock: ## the lock files again, from requirements/*.in
	@bin/lock

audit: ## known vulnerabilities of the locked packages (asks PyPI)
	@bin/setup dev
	@$(python) -m tests.supply_chain audit

licences: ## the licences of the locked packages
	@bin/setup dev
	@$(python) -m tests.supply_chain licences

sbom: ## var/sbom.cdx.json, the bill of materials in CycloneDX
	@bin/setup dev
	@$(python) -m tests.supply_chain sbom

images: ## pins the container images by their digests of now (asks their registry)
	@bin/pin-images

clean: ## removes .venv and what the tools cached; never DATA_DIR
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
