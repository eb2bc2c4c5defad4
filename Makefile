# Everything a person or CI does here. `make run` and `make test` work on a fresh Debian machine with Rust (rustup)
# and Node.js; they install what is missing, and nothing the second time.

SHELL := /bin/bash
TOOLS := $(or $(LATCHKEY_TOOLS),$(HOME)/.cache/latchkey-tools)
export PATH := $(TOOLS)/bin:$(CURDIR)/end2end/node_modules/.bin:$(PATH)
# The toolchain that tools/setup chose; both halves are built with the same one.
export RUSTUP_TOOLCHAIN = $(shell cat "$(TOOLS)/toolchain" 2>/dev/null)

.PHONY: help run build setup setup-test test test-rust test-browser check format format-check lint deny house fuzz bench flood docs

help: ## Says what there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 16

run: build ## Builds and serves on http://localhost:3000 with development defaults
	@target/release/latchkey dev

build: setup ## The one binary, pages and all: target/release/latchkey
	@tools/build

setup: ## What building needs
	@tools/setup build

setup-test: ## What testing needs too
	@tools/setup test

test: test-rust test-browser ## Every test: core and HTTP on SQLite and PostgreSQL, then the browser

test-rust: setup-test ## Core and HTTP tests on both databases
	@tools/with-postgres tools/test-rust

test-browser: setup-test build ## Browser tests in real Chromium, on the release binary
	@cd end2end && npx playwright test

check: format-check house lint deny test ## What CI runs

format: ## Formats the code
	@cargo +stable fmt --all

format-check: ## Whether the code is formatted
	@cargo +stable fmt --all --check

lint: setup-test ## Clippy, without a warning
	@tools/lint

house: setup ## Whether every arrow points down, and every promise of docs/security.md has its test
	@tools/check-house
	@tools/check-security

deny: setup-test ## Licences, bans, duplicates, sources
	@tools/deny

fuzz: setup-test ## Feeds every parser with broken bytes for a minute, or FOR=600 seconds each
	@export LATCHKEY_TEST_ENGINES=sqlite LATCHKEY_TEST_FUZZ_SECONDS=$(or $(FOR),60); \
	  cargo test --quiet -p latchkey --features server --lib fuzz:: && cargo test --quiet -p latchkey-server --test fuzz

bench: build ## Figures: verify, sign-in, beside the bare route of the same server
	@tools/bench

flood: build ## Verification beside a flood of sign-ins
	@tools/flood
