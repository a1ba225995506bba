# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
# A package index to take PyTorch from, besides the usual one. PyTorch's own index of small CPU builds:
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
NATIVE := CMakeLists.txt $(shell find src/gruta -name '*.h' -o -name '*.cpp')

.PHONY: help install demo bench test lint format wheel clean

help: ## List the commands
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 12

install: $(VENV)/installed ## Make the environment and build the kernels

$(VENV)/installed: pyproject.toml constraints.txt $(NATIVE)
	@test -x $(BIN)/python || { echo "Making the environment in $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing PyTorch"
	@$(PIP) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	@echo "Installing gruta and building its kernels"
	@$(PIP) scikit-build-core nanobind cmake ninja
	@$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $@

demo: install ## Train and compare GRU, LSTM and RNN on real electricity demand
	@$(BIN)/gruta demo

bench: install ## Measure the cells beside torch.nn, ONNX Runtime, OpenVINO and jax: 20 minutes
	@$(PIP) --no-build-isolation --editable '.[bench]'
	@$(BIN)/gruta bench cells

test: lint ## All checks
	$(BIN)/python -m pytest

lint: install ## Style, types, and which room may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cmake -S . -B build/warnings -G Ninja -DGRUTA_WERROR=ON -DGRUTA_CHECKS=ON --log-level=WARNING \
		-DPython_EXECUTABLE=$(abspath $(BIN)/python) -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN)/ninja) \
		-Dnanobind_DIR=$$($(BIN)/python -m nanobind --cmake_dir)
	$(BIN)/cmake --build build/warnings
	$(BIN)/clang-format --dry-run --Werror $(filter-out CMakeLists.txt,$(NATIVE))

format: install ## Rewrite the sources in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(filter-out CMakeLists.txt,$(NATIVE))

wheel: install ## Build a wheel for this machine into dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean: ## Remove the environment and what was built
	rm -rf $(VENV) build dist
