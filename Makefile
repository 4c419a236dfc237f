# Five words: demo, test, check, format, bench. Each first makes an environment of its own, once.
#
#   GPU=1              the GPU set, resolved by pip, in .venv-gpu; otherwise the CPU set as locked, in .venv
#   TORCH_INDEX=...    one more package index for pip: the one that holds PyTorch's CPU wheels
#   VENV=...           another folder for the environment

DEMO := run scenarios/harbour -n 4 --score mmrole \
	--set mmrole.judge=storybook+rm --set mmrole.reference=model:storybook-teacher

VENV ?= .venv$(if $(GPU),-gpu)
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
LOCK := locks/cpu.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq install

# Nothing is fetched or reported while the project runs; more threads than cores would slow the CPU engine down.
QUIET := HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 OMP_NUM_THREADS=1 \
	VLLM_LOGGING_LEVEL=ERROR TRANSFORMERS_VERBOSITY=error TOKENIZERS_PARALLELISM=false

.PHONY: demo test check format bench

demo: $(INSTALLED)
	@$(QUIET) $(BIN)/rolestage $(DEMO)

test: $(INSTALLED)
	@$(QUIET) $(BIN)/python -m pytest

check: $(INSTALLED)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(INSTALLED)
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

bench: $(INSTALLED)
	@$(QUIET) $(BIN)/python -m benchmarks

ifdef TORCH_INDEX
export PIP_EXTRA_INDEX_URL := $(PIP_EXTRA_INDEX_URL) $(TORCH_INDEX)
endif

# The stamp is written last: an install that was cut off is done again, and what it had fetched is kept.
$(INSTALLED): pyproject.toml $(LOCK) | $(BIN)/pip
ifdef GPU
	@echo "Installing the GPU set into $(VENV): several GB, about ten minutes ..."
	@$(PIP) -e '.[gpu,dev]'
else
	@echo "Installing the CPU set into $(VENV): 2.5 GB, one to three minutes ..."
	@$(PIP) --no-deps -r $(LOCK)
	@$(BIN)/python -c 'import torch' 2>/dev/null || { \
		$(BIN)/python -c 'import torch' 2>&1 | tail -n 1 >&2; \
		$(BIN)/python -m pip -qq uninstall -y torch; \
		echo "torch cannot be loaded, most likely a CUDA build whose libraries the CPU set leaves out. Mend: name" >&2; \
		echo "the index of PyTorch's CPU wheels (pytorch.org, Get Started, CPU): make $(MAKECMDGOALS) TORCH_INDEX=ADDRESS" >&2; \
		exit 1; }
	@$(PIP) --no-deps --no-build-isolation -e .
endif
	@touch $@

# The first Python here that fits; a shim of a version manager may exist and yet not run.
$(BIN)/pip:
	@for python in python3.11 python3.12 python3.13 python3.14 python3 python; do \
		$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null || continue; \
		$$python -m venv $(VENV); exit; \
	done; \
	echo "Rolestage needs Python 3.11 to 3.14; python3 here is $$(python3 --version 2>/dev/null || echo missing)." >&2; \
	echo "Mend: install one of these, so that for example python3.11 is found." >&2; \
	exit 1
