# `make` alone prints this help.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --constraint constraints.txt

.PHONY: help demo test check bench docs browser clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-7s %s\n", $$1, $$2}'

demo: .venv/.base ## learn word vectors from the documentation installed here, write demo/report.html
	$(BIN)/kinfold demo

test: .venv/.test .venv/.peers browser ## every test
	$(BIN)/python -m pytest -n 2

check: .venv/.test .venv/.check ## format, lint, types, direction between rooms, generated documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

bench: .venv/.test .venv/.peers .venv/.bench ## every benchmark; three hours, alone on the machine
	for each in words glove documents classify files items sequential texts labels distill finetune transfer \
	  translation search retrieval start bias debias report; do \
	  $(BIN)/python benchmarks/$$each.py || exit 1; done
	$(BIN)/python docs/generate.py

docs: .venv/.base ## what is generated: docs/cli.md, docs/numbers.md, the numbers in README.md
	$(BIN)/python docs/generate.py

browser: # the tests that open pages need one; elsewhere than in CI they are skipped with a reason where there is none
	@if [ -n "$$CI" ] && ! command -v chromedriver >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -y -qq chromium chromium-driver >/dev/null; fi

clean: ## the environment and what was made
	rm -rf .venv demo build dist

.venv/.base: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(PIP) --editable .
	@touch $@

.venv/.test .venv/.check .venv/.peers .venv/.bench: .venv/.%: .venv/.base
	$(PIP) --group $*
	@touch $@

.venv/.peers: .venv/.test
