# Everything that is done with mika by hand; `make` alone lists it. Debian packages are installed when they are missing.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint bench clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' Makefile

run: $(VENV)/.run ## start a tracker that keeps its data in ./mika-state (or MIKA_STATE); Ctrl-C stops it
	@exec $(BIN)/twistd -n --pidfile= mika

test: $(VENV)/.check ## run all tests, with real clients; ARGS="-k word" picks some
	@$(call debian,qbittorrent-nox:qbittorrent-nox ip:iproute2)
	@$(call debian,$(if $(wildcard /usr/share/postgresql/*/extension/postgis.control),true,-):postgresql-postgis)
	$(BIN)/pytest $(ARGS)

lint: $(VENV)/.check ## check style, types and the names of the newsfragments
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@! ls newsfragments 2>/dev/null | grep -Evx '([0-9]+|\+[a-z0-9-]+)\.(feature|bugfix|doc|removal|misc)(\.[0-9]+)?\.md' \
	  || { echo 'newsfragments: these are not named ISSUE.feature.md (or bugfix, doc, removal, misc)' >&2; exit 1; }

bench: $(VENV)/.run ## CPU time an announce beside opentracker and a floor in C; ARGS=--help tells the options
	@$(call debian,wrk:wrk opentracker:opentracker cc:gcc)
	$(BIN)/python -m bench.run $(ARGS)

clean: ## remove what was built and installed here; ./mika-state stays
	rm -rf $(VENV) build dist *.egg-info bench/bin bench/results .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. Its stamps say for what it was installed, so that the next `make run` starts at once.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'mika needs Python 3.11 or newer: make PYTHON=/path/to/it' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(call debian,-:python3-venv); }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/.check: $(VENV)/bin/python setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --editable '.[test,lint]'
	@touch $@ $(VENV)/.run

# $(call debian,COMMAND:PACKAGE ...): install the packages whose command is not on the PATH.
debian = missing=; \
	for pair in $(1); do command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair\#*:}"; done; \
	if [ -n "$$missing" ]; then \
	  command -v apt-get >/dev/null || { echo "please install:$$missing" >&2; exit 1; }; \
	  root=; if [ "$$(id -u)" != 0 ]; then root=sudo; command -v sudo >/dev/null \
	    || { echo "please run as root: apt-get install$$missing" >&2; exit 1; }; fi; \
	  echo "installing$$missing"; \
	  install="$$root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends$$missing"; \
	  $$install || { $$root apt-get update -qq && $$install; } \
	    || { echo "could not install:$$missing" >&2; exit 1; }; \
	fi
