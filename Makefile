# Everything that is done with mika by hand; `make` alone lists it. Debian packages are installed when they are missing.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
POSTGIS := $(if $(wildcard /usr/share/postgresql/*/extension/postgis.control),true,-):postgresql-postgis
HEADERS := $(shell $(PYTHON) -c 'import os, sysconfig; print(os.path.exists(sysconfig.get_path("include") + "/Python.h") and "true" or "-")')
COMPILER := cc:gcc $(HEADERS):python3-dev
COMPILED := setup.py $(foreach types,$(shell find mika -name '*.pxd'),$(types) $(types:.pxd=.py) $(wildcard $(types:.pxd=.pyx)))
PHP := php:php-cli $(if $(wildcard /usr/lib/php/*/curl.so),true,-):php-curl
LANGUAGES := $(PHP) go:golang-go node:nodejs npm:npm
BROWSER := chromium:chromium chromedriver:chromium-driver
SERVERS := redis-server:redis-server mariadb-install-db:mariadb-server $(POSTGIS)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint torture bench clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' Makefile

run: $(VENV)/.run ## start a tracker that keeps its data in ./mika-state (or MIKA_STATE); Ctrl-C stops it
	@exec $(BIN)/twistd -n --pidfile= mika

test: $(VENV)/.check ## run all tests, with real clients; ARGS="-k word" picks some, MIKA_PURE=1 tests without what is compiled
	@$(call debian,qbittorrent-nox:qbittorrent-nox ip:iproute2 zsh:zsh fish:fish $(LANGUAGES) $(BROWSER) $(SERVERS))
	$(BIN)/pytest -n 3 --dist worksteal $(ARGS)

lint: $(VENV)/.check ## check style, types and the names of the newsfragments
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@! ls newsfragments 2>/dev/null | grep -Evx '([0-9]+|\+[a-z0-9-]+)\.(feature|bugfix|doc|removal|misc)(\.[0-9]+)?\.md' \
	  || { echo 'newsfragments: these are not named ISSUE.feature.md (or bugfix, doc, removal, misc)' >&2; exit 1; }

torture: $(VENV)/.check ## kill the tracker 1,000 times for each kind of store (KILLS=n), which takes some hours
	@$(call debian,$(SERVERS))
	KILLS=$${KILLS:-1000} $(BIN)/pytest tests/functional/test_kill.py $(ARGS)

bench: $(VENV)/.check ## measure announces beside opentracker and a floor in C, and much more; ARGS=--quick takes 3 minutes
	@$(call debian,wrk:wrk opentracker:opentracker valgrind:valgrind cc:gcc $(SERVERS))
	$(BIN)/python -m bench $(ARGS)

clean: ## remove what was built and installed here; ./mika-state stays
	find mika -name '*.so' -delete
	rm -rf $(VENV) build dist *.egg-info bench/bin bench/results .mypy_cache .pytest_cache .ruff_cache .hypothesis \
	  clients/typescript/node_modules clients/typescript/dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. Its stamps say for what it was installed, so that the next `make run` starts at once.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'mika needs Python 3.11 or newer: make PYTHON=/path/to/it' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(call debian,-:python3-venv); }
	$(PYTHON) -m venv $(VENV)

# An environment with a compiler has the modules of setup.py compiled; MIKA_PURE=1 runs their sources all the same.
$(VENV)/.run: $(VENV)/bin/python setup.cfg pyproject.toml $(COMPILED)
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/.check: $(VENV)/bin/python setup.cfg pyproject.toml $(COMPILED)
	@$(call debian,$(COMPILER))
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
