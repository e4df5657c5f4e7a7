# The words below are all there is; `make help` explains them.
.DEFAULT_GOAL := help
CARGO ?= cargo
PYTHON ?= python3

.PHONY: help demo build test lint fmt doc bench bench-views soak soak-views cluster-test units bench-answers interop-days interop-data nats-server clean interop-log crash-test interop-feed subscriber-packages

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## Import 24,735 simulated facts, run live cases, verify every port, find a changed byte
	@target/release/portbook demo --exit

build: nats-server ## Build the release binary
	$(CARGO) build --release --locked -p portbook

test: nats-server subscriber-packages lint ## Run every check: lint, unit, property, end-to-end, format vectors
	$(PYTHON) docs/vectors/make_vectors.py --check
	$(PYTHON) tools/check-append-only.py
	$(CARGO) test --workspace --locked

lint: ## Check formatting and lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

fmt: ## Format the code
	$(CARGO) fmt --all

doc: ## Build the API documentation
	$(CARGO) doc --workspace --no-deps --locked

bench: nats-server ## Measure against the limits of this machine, as ratios
	$(CARGO) run --release --locked --quiet -p portbook-bench
	$(CARGO) bench --locked --quiet -p portbook-evidence

bench-views: ## Rebuild all views of a million events against a bare scan, and while the ledger grows
	$(CARGO) run --release --locked --quiet -p portbook-bench -- views

interop-log: build ## Let verifiers that nobody here wrote judge logs, proofs and bundles; says which ran
	$(PYTHON) tools/interop-log.py

soak: nats-server ## Kill processes under load for a long time (minutes)
	$(CARGO) test --locked --release -p portbook --features soak --test e2e -- kill::soak --nocapture

soak-views: nats-server ## Kill rebuilds of all views of a million events beside an import, and compare every root (minutes)
	$(CARGO) test --locked --release -p portbook --features soak --test e2e -- storm::soak_views --nocapture

crash-test: nats-server ## Kill init, projector and rebuild, and fail the disk, at every step that matters (minutes; needs strace)
	$(CARGO) test --locked -p portbook --features crash --test e2e -- crash --nocapture

cluster-test: nats-server ## Race services on a three-node NATS cluster on loopback, nodes killed under load
	$(CARGO) test --locked -p portbook-bus --features cluster-tests --test cluster -- --nocapture
	$(CARGO) test --locked -p portbook --features cluster-tests --test e2e cluster:: -- --nocapture

units: ## Check the systemd units: valid, and hardened
	$(PYTHON) tools/check-units.py config/systemd

bench-answers: ## Ask every question of a million facts, and hold each to a tenth of a second
	$(CARGO) test --locked --release -p portbook --features soak --test answers -- scale --nocapture

interop-days: ## Compare the working days with a calendar that nobody here wrote
	$(PYTHON) tools/compare-working-days.py

interop-data: build ## Read the exports with DuckDB, polars, pm4py and GS1's schema; needs npm
	$(PYTHON) tools/interop-data.py

interop-feed: nats-server subscriber-packages ## Follow the feed from Node, Go and Rust, and check it with the SDKs and parsers of others
	@$(PYTHON) tools/get-subscriber-packages.py --node
	@$(PYTHON) tools/get-subscriber-packages.py --go
	$(CARGO) test --locked -p portbook --features interop --test e2e -- subscriber --nocapture

subscriber-packages: ## Install the pinned Python packages that subscribers are tested with
	@$(PYTHON) tools/get-subscriber-packages.py

nats-server: ## Make sure that a nats-server of at least 2.12 is there
	@$(PYTHON) tools/get-nats-server.py --dest .tools >/dev/null

clean: ## Remove what building made
	$(CARGO) clean
	rm -rf .tools
