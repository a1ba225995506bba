# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
# A package index to take PyTorch from, besides the usual one. PyTorch's own index of small CPU builds:
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=

# Processes that run the tests. Each takes some 2 GB at most.
TESTERS ?= 2

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
NATIVE := CMakeLists.txt $(shell find src/gruta -name '*.h' -o -name '*.cpp')

SHELL := bash
.SHELLFLAGS := -o pipefail -c

# The page of `gruta lab`: its sources, and where Python looks for it once it is built.
WEB := lab/web
PAGE := src/gruta/lab/assets/index.html
PAGE_SOURCES := $(shell find $(WEB) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' \
	-not -path '*/shots/*' 2> /dev/null)

.PHONY: help install demo demo-text bench test engines fuzz test-page soak soak-serve test-ray machines lab lint format notebooks wheel clean

help: ## List the commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 12

install: $(VENV)/for-dev ## Make the environment with all tools, and build the kernels

# The package and its kernels. Compiling says file by file how far it is; what failed, the log tells.
$(VENV)/built: pyproject.toml constraints.txt $(NATIVE)
	@test -x $(BIN)/python || { echo "Making the environment in $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing PyTorch: some 200 MB to fetch, the first time"
	@$(PIP) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	@echo "Compiling the kernels: about 2 minutes, shared by as many cores as there are"
	@$(PIP) scikit-build-core nanobind numpy cmake ninja
	@mkdir -p build
	@$(PIP) -vv --no-deps --no-build-isolation --editable . 2>&1 | tee build/log \
		| { grep --line-buffered -oE '\[[0-9]+/[0-9]+\] (Building|Linking) .*' || true; } \
		|| { tail -n 40 build/log; exit 1; }
	@touch $@

# What demo, bench or dev needs beside it: installed into one environment, whichever comes first.
$(VENV)/for-%: $(VENV)/built
	@echo "Installing what gruta[$*] needs"
	@$(PIP) 'gruta[$*]'
	@touch $@

demo: $(VENV)/for-demo ## Train and compare GRU, LSTM and RNN on real electricity demand
	@$(BIN)/gruta demo

demo-text: $(VENV)/for-demo ## Train a GRU that writes, on real text
	@$(BIN)/gruta demo text

bench: $(VENV)/for-bench ## Measure the cells beside torch.nn, ONNX Runtime, OpenVINO and jax: 20 minutes
	@$(BIN)/gruta bench cells

test: lint ## All checks
	$(BIN)/python -m pytest --numprocesses $(TESTERS) --dist loadfile --no-loadscope-reorder --durations=15 --durations-min=5
	@$(MAKE) --no-print-directory test-page

fuzz: $(VENV)/for-dev ## Five minutes each of spoilt model files, ours and others': one clear error, in little memory
	GRUTA_FUZZ_SECONDS=300 $(BIN)/python -m pytest -q src/gruta/tests/test_model_files.py \
		src/gruta/exchange/doctor/test_spoilt.py

# What the doctor's table tells of: engines in the environment, and those that go with nothing else in ones of their own.
ENGINES := build/engines
engines: $(VENV)/for-dev $(VENV)/for-engines $(ENGINES)/onnx2tf $(ENGINES)/hls4ml $(ENGINES)/node ## What other engines make of GRUs, run again: eight minutes
	GRUTA_ENGINES=$(ENGINES)/onnx2tf/bin/python:$(ENGINES)/hls4ml/bin/python:$(ENGINES)/node \
		$(BIN)/python -m pytest -q --timeout 1200 src/gruta/exchange/doctor/test_engines.py \
		src/gruta/exchange/doctor/test_ncnn_asked.py src/gruta/exchange/doctor/test_keras_engines.py src/gruta/tasks/test_as_onnx.py

$(ENGINES)/onnx2tf: # Python 3.12 or later
	python3.12 -m venv $@ && $@/bin/python -m pip install --quiet onnx2tf==2.6.9 || { rm -rf $@; exit 1; }

$(ENGINES)/hls4ml: # a C++ compiler builds what it writes
	$(PYTHON) -m venv $@ && $@/bin/python -m pip install --quiet -c constraints.txt \
		$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) hls4ml==1.3.0 keras torch || { rm -rf $@; exit 1; }

$(ENGINES)/node: # Node 20 or later
	mkdir -p $@ && cd $@ && npm install --silent --no-audit --no-fund --ignore-scripts \
		onnxruntime-web@1.30.0 @tensorflow/tfjs@4.22.0 || { rm -rf $@; exit 1; }

test-ray: $(VENV)/for-dev $(VENV)/for-ray ## What Ray does with many files and with trials, and processes of it that are killed: three minutes
	$(BIN)/python -m pytest -q src/gruta/tests/many/test_many_on_ray.py src/gruta/tests/test_tune_on_ray.py

test-page: ## The checks of the page of gruta lab; without Node, or Chromium, says what it skips
	@if ! command -v npm > /dev/null; then echo "$(WEB): its checks are skipped, as there is no Node"; \
	else $(MAKE) --no-print-directory $(WEB)/node_modules $(PAGE) && cd $(WEB) \
		&& npm run lint && npm run check && npm run test \
		&& if command -v chromium chromium-browser google-chrome > /dev/null; then npm run browser; \
		else echo "$(WEB): its browser tests are skipped, as there is no Chromium"; fi; fi

soak-serve: $(VENV)/for-dev ## Five minutes of 2,000 streams on one server: memory flat, none crossed, in time
	$(BIN)/python -m gruta.serve.load.soak

soak: soak-serve $(WEB)/node_modules $(PAGE) ## The same, and ten minutes of play on the page of gruta lab
	cd $(WEB) && npm run soak

machines: $(VENV)/for-dev ## Trainings in several processes and on two machines, as root in namespaces: ten minutes
	GRUTA_MACHINES=1 $(BIN)/python -m pytest -q src/gruta/tests/test_machines.py

lab: $(PAGE) ## Build the page of gruta lab: needs Node 20

$(PAGE): $(PAGE_SOURCES) | $(WEB)/node_modules
	cd $(WEB) && npm run build
	@mkdir -p $(@D)
	@cp $(WEB)/dist/index.html $@

$(WEB)/node_modules: $(WEB)/package.json $(WEB)/package-lock.json
	@command -v npm > /dev/null || { echo "The page is built by Node 20 or later: https://nodejs.org"; exit 1; }
	cd $(WEB) && npm ci --no-audit --no-fund
	@touch $@

lint: $(VENV)/for-dev ## Style, types, and which room may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/clang-format --dry-run --Werror $(filter-out CMakeLists.txt,$(NATIVE))

format: $(VENV)/for-dev ## Rewrite the sources in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(filter-out CMakeLists.txt,$(NATIVE))

notebooks: $(VENV)/for-notebooks ## Make the examples' notebooks from their scripts, and run them: 10 minutes
	@$(BIN)/python examples/notebooks/make.py

wheel: $(VENV)/built $(PAGE) ## Build a wheel for this machine into dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean: ## Remove the environment and what was built
	rm -rf $(VENV) build dist
