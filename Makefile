# Every command of the project. `make` alone lists them.

.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find nbflow -type f ! -name '*.py[co]')

# Packages the tests need that pip cannot bring, by their Debian names.
SYSTEM_PACKAGES = $(if $(shell tools/chromium 2>/dev/null),,chromium)

# Side by side: half of their time, tests wait for kernels and processes. `WORKERS=0 make test`
# runs them one after the other. A file stays with one worker, because it may share a kernel.
WORKERS ?= 4
TESTS = $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# Settings of the caller's that would slow us down, or show us another nbflow.
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME PIP_USER

.PHONY: help demo lab test check format front-end unit integration browser bench search chaos wild pictures clean

help: ## List these commands
	@echo 'nbflow: "make demo" shows it, "make test" checks it. All commands:'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# One environment serves users and developers. `.user` marks an ordinary installation with the
# examples' libraries, `.dev` an editable one with everything; the second covers the first.
READY := $(if $(wildcard $(VENV)/.dev),$(VENV)/.dev,$(VENV)/.user)

$(VENV)/.user: pyproject.toml $(SOURCES)
	@tools/make-venv
	@echo "Installing nbflow and its libraries into $(VENV): about a minute, once."
	@NBFLOW_FRONT_END=skip tools/install '.[examples]'
	@touch $@

$(VENV)/.dev: pyproject.toml
	@tools/make-venv
	@echo "Installing nbflow and everything its tests need into $(VENV): about a minute, once."
	@NBFLOW_FRONT_END=skip tools/install --editable '.[examples,test,check]'
	@$(BIN)/python -m compileall -q -j 0 -x '/tests/' $(VENV)/lib || true # some ship templates
	@touch $@

# The views are built where they are wanted; all else works without them, and without Node.js.
BUNDLES := nbflow/static/widget.js
FRONT_END := $(shell find extension/src -type f) extension/build.mjs extension/package-lock.json

$(BUNDLES): $(FRONT_END) | $(VENV)/.dev
	@tools/front-end build

front-end: $(BUNDLES) ## Build the views of notebooks, in TypeScript

lab: $(VENV)/.dev $(BUNDLES) ## Open JupyterLab on the quickstart
	@test -d out/lab || { mkdir -p out && cp -R examples out/lab; } # what you change there is yours
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) \
		--LabApp.default_url=/lab/tree/out/lab/quickstart.ipynb

demo: $(READY) ## Run a machine-learning notebook as a flow, and look at what it leaves
	@tools/demo

test: $(VENV)/.dev $(BUNDLES) ## Every static check and every test
	@tools/debian-packages $(SYSTEM_PACKAGES)
	@status=0; \
	$(MAKE) --no-print-directory check || status=$$?; \
	tools/front-end test || status=$$?; \
	$(TESTS) || exit $$?; \
	exit $$status

check: $(VENV)/.dev ## Formatting, lint, types and layers
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	MYPY_NUM_WORKERS=2 $(BIN)/mypy
	$(BIN)/lint-imports
	tools/front-end check

format: $(VENV)/.dev ## Format the code and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	tools/front-end format

unit: $(VENV)/.dev ## The tests without I/O: a minute
	$(TESTS) tests/unit

integration: $(VENV)/.dev ## The tests with real stores and kernels
	$(TESTS) tests/integration

browser: $(VENV)/.dev $(BUNDLES) ## The tests in a real browser
	@tools/debian-packages $(SYSTEM_PACKAGES)
	$(TESTS) tests/browser

bench: $(VENV)/.dev ## Measure what a task, a flow and a notebook cost
	@for file in benchmarks/bench_*.py; do echo "$$file"; $(BIN)/python "$$file" || exit $$?; done

chaos: $(VENV)/.dev ## Kill servers and workers at random, and look for lost or doubled runs
	$(BIN)/python -m tests.chaos --seconds $${SECONDS_OF_CHAOS:-120} --seed $${SEED:-1}

search: $(VENV)/.dev ## Look for notebooks that mean something else in the background: minutes
	HYPOTHESIS_PROFILE=search $(BIN)/pytest tests/unit/dataflow tests/unit/cells
	$(BIN)/python -m tests.equivalence --seed $${SEED:-1} --runs $${RUNS:-20}

wild: $(VENV)/.dev ## Compare with papermill on notebooks that others wrote: half an hour
	$(BIN)/python -m venv out/wild/venv
	out/wild/venv/bin/python -m pip install -qq --disable-pip-version-check . \
		--requirement tests/wild/requirements.txt
	out/wild/venv/bin/python tests/wild out/wild

pictures: $(READY) ## Draw the pictures of the documentation again
	mkdir -p out/pictures docs/pictures
	$(BIN)/nbflow run examples/digits/digits.ipynb --name digits --cwd out/pictures \
		--output out/pictures/digits.ipynb --quiet
	$(BIN)/nbflow graph latest --output docs/pictures/digits.svg
	$(BIN)/nbflow graph latest --radial --output docs/pictures/digits-radial.svg
	$(BIN)/nbflow run examples/digits/digits.ipynb --name digits --cwd out/pictures \
		--output out/pictures/digits.ipynb -p folds 1 --quiet; test $$? -eq 1 # one fold is too few
	$(BIN)/nbflow graph latest --output docs/pictures/digits-failed.svg

clean: ## Remove everything that can be made again, except the environment
	rm -rf build dist out nbflow/static .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find nbflow tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
