# Set-up needs Python 3.11 or newer and nothing else; uv is fetched into the virtual environment where it is missing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := $(or $(shell command -v uv 2>/dev/null),$(BIN)/uv)

# Without compiled modules every start of the program would compile torch anew, for half a minute.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install lock test slow torture mutations audit check format demo wheel-test bench clean

install: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	test -x "$(UV)" || $(BIN)/python -m pip install --quiet uv
	for try in 1 2 3; do $(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && exit 0; sleep 3; done; exit 1
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

# Names, versions and hashes for every platform, without addresses.
lock:
	$(UV) pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --quiet -o requirements.lock
	mkdir -p build
	grep -oE '^(torch|torchvision)==[^ ]+' requirements.lock > build/torch.txt
	$(UV) pip compile benchmarks/candidates/requirements.in --constraint build/torch.txt --universal --python-version 3.11 \
	  --generate-hashes --quiet -o benchmarks/candidates/requirements.lock

# Tests run two at a time, and threads of several processes that wait for each other spin for most of the time.
test slow torture mutations: export OMP_NUM_THREADS = 1

test: install
	$(BIN)/python -m pytest

slow: install
	$(BIN)/python -m pytest -m slow

# Faults by the thousand, within half an hour; writes what was tried and what failed into the documents.
torture: install
	$(BIN)/python tests/torture/trial.py

# Breaks the program on purpose, in a copy, and sees which test notices.
mutations: install
	$(BIN)/python tests/torture/mutations.py

# Known weaknesses of the locked packages, from the advisory database of the package index.
audit: install
	@$(BIN)/python .ci/audit.py $(UV) tool run pip-audit --requirement requirements.lock --disable-pip --require-hashes

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

demo: install
	$(BIN)/bakeoff compare digits --models simcnn,lenet5,leaky-cnn-deep,vgg-small --seeds 3 --epochs 20 --batch-size 64 \
	  --offline --out runs/demo

build/peers/.installed: benchmarks/candidates/requirements.lock | install
	$(PYTHON) -m venv build/peers
	$(UV) pip install --quiet --python build/peers/bin/python --require-hashes -r benchmarks/candidates/requirements.lock
	touch $@

# Peers come last: the command fails where the product has become slower beside them than the kept results say.
bench: install build/peers/.installed
	$(BIN)/python benchmarks/engines.py
	$(BIN)/python benchmarks/loop.py
	$(BIN)/python benchmarks/feature_cache.py
	$(BIN)/python benchmarks/threads.py
	$(BIN)/python benchmarks/checkpoints.py
	$(BIN)/python benchmarks/against_peers.py

# The wheel must run where nothing else of this repository is.
wheel-test: install
	rm -rf dist build/clean
	$(BIN)/python -m hatchling build --target wheel
	$(PYTHON) -m venv build/clean
	$(UV) pip install --quiet --python build/clean/bin/python --constraint requirements.lock dist/*.whl
	cd build/clean && bin/bakeoff --version && BAKEOFF_CACHE=cache bin/bakeoff compare digits --models lenet5 --seeds 1 --epochs 1 --offline --out out
	test -s build/clean/out/report.html

clean:
	rm -rf $(VENV) runs build dist
