# Each target sets up what it needs: Python 3.11+, make and a package index are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
# Where this is set, every process compiles what it imports anew: seconds each time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test unit check bench lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tidegate needs Python 3.11 or newer; say which with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(VENV) --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(VENV) --no-deps --editable .
	@touch $@

demo: setup
	$(BIN)/tidegate demo flights

unit: setup
	$(BIN)/python -m pytest tests/unit tests/properties tests/scenarios tests/checks --numprocesses auto --dist loadfile --no-loadscope-reorder

test: setup
	$(BIN)/python -m pytest tests --numprocesses 3 --dist loadfile --no-loadscope-reorder --cov tidegate --cov-branch --cov-report=
	$(BIN)/python -m coverage report --format=total | sed 's/^/coverage: /; s/$$/ %/'

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.shape

bench: setup
	$(BIN)/python -m bench.serving --quick
	$(BIN)/python -m bench.overhead --quick
	$(BIN)/python -m bench.interference --quick
	$(BIN)/python -m bench.swaps --quick
	$(BIN)/python -m bench.endpoints --quick
	$(BIN)/python -m bench.batching --quick
	$(BIN)/python -m bench.hostile --quick
	$(BIN)/python -m bench.analyst --quick
	$(BIN)/python -m bench.releases --quick
	$(BIN)/python -m bench.predlog --quick
	$(BIN)/python -m bench.monitors --quick

lock: setup
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-header pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) .tidegate build dist htmlcov
