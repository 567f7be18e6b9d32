# Latchkey. `make run` starts it on this machine; `make test` tries everything but what the README
# names as slow.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

TARGET := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
LOCAL := $(TARGET)/debug/latchkey-local
# What has tests in Rust.
RUST := -p shared -p deliver -p send-mail -p latchkey-local -p latchkey-restore -p api-tests
FUNCTIONS := $(notdir $(wildcard functions/*))
TOOLS := $(CURDIR)/.tools
CHROMIUM ?= /usr/bin/chromium
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1

.PHONY: help run deploy release site local tested binaries plain-binaries chromium servers \
  test format lint deny rules test-site budgets contract e2e test-rooms door-test test-aws test-homes test-bench test-deployed \
  bench bench-cold cost scale lighthouse screenshots openapi keys test-ci advisories mutants

help:
	@echo "make run            build and start the local home (ROSTER=file.csv loads a roster)"
	@echo "make test           lint, rules, site and its budgets, API contract, browser, the AWS home"
	@echo "make deploy         to AWS: the first time, every other, and on after a failure (infra/aws/README.md)"
	@echo "make test-deployed  the AWS home on the emulator (RELEASE=1: with every function as Lambda gets it)"
	@echo "make test-rooms     real apps behind the door, each until it refuses a person who was revoked"
	@echo "make door-test      how long the app at URL stays open after a revocation (tests/rooms/README.md)"
	@echo "make mutants        changes the rules and looks whether a test notices (SHARD=k/n)"
	@echo "make bench          requests, units and times, at 1,000, 100,000 and CLIENTS clients"
	@echo "make bench-cold     starts, calls, memory and size of every function, beside Node"
	@echo "make cost           what a month on AWS costs, by the figures of both"
	@echo "make scale          which limits more clients reach, when, and what is done then"
	@echo "make lighthouse     every page's figures on a simulated telephone"
	@echo "make screenshots    the README's pictures"
	@echo "make keys           write the declaration of keys anew, which everything but Rust reads"
	@echo "make openapi        write the API document and the site's types anew"

# --- the local home ---

run:
	@$(MAKE) --no-print-directory --jobs 2 site local
	@umask 077; exec $(LOCAL)

local:
	cargo build --locked -p latchkey-local

# For tests, clippy compiles the project's own crates: it judges them on the way. Checking them apart, every
# crate that they stand on would be compiled a second time. Its arguments are separated as `cargo clippy` does it.
tested plain-binaries rules keys openapi: export RUSTC_WORKSPACE_WRAPPER := clippy-driver
tested plain-binaries rules keys openapi: export CLIPPY_ARGS := --deny__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__

# The same program as the tests of the rules built it: with the same features, nothing is compiled
# twice.
tested:
	cargo test --locked --no-run $(RUST)

site: site/dist/index.html

site/dist/index.html: $(shell find site/src site/public site/*.html site/*.json site/*.ts -type f 2>/dev/null) site/node_modules/.installed
	cd site && npm run build

%/node_modules/.installed: %/package-lock.json
	cd $* && npm ci --no-audit --no-fund
	touch $@

# Every function as Lambda gets it. For this machine; `make binaries ARCHITECTURE=arm64` for the
# deployment's default. What makes them lean:
# - no tables by which a panic would unwind, since it aborts: a fourteenth of each zip file;
# - calls from crate to crate are direct. With rustc's own "full" relro each goes through a table of
#   12,000 entries, which the loader fills in first. All of it is read-only at run time just the same:
#   the linker sees to that (-z now);
# - glibc as Amazon Linux 2023 has it: for an older one the loader opens two libraries more.
ARCHITECTURE ?= $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86-64)
LEAN := -C force-unwind-tables=no -C relro-level=partial -C link-arg=-Wl,-z,now
binaries: $(TOOLS)/aws
	PATH=$(TOOLS)/aws/bin:$$PATH RUSTFLAGS="$${RUSTFLAGS:-} $(LEAN)" cargo lambda build --locked --release \
	  --target $(if $(filter arm64,$(ARCHITECTURE)),aarch64,x86_64)-unknown-linux-gnu.2.34 \
	  $(if $(filter x86-64,$(ARCHITECTURE)),--skip-target-check) \
	  --lambda-dir $(TARGET)/lambda $(addprefix --package ,$(FUNCTIONS) $(ALSO))

# Every function as the tests of Rust are built, in a fifth of the time, and whatever else there is in Rust.
# Without debug information: the emulator loads them from zip files.
PLAIN := $(TARGET)/plain
plain-binaries:
	cargo build --locked --profile test --workspace
	for name in $(FUNCTIONS); do \
	  mkdir -p $(PLAIN)/$$name && strip -o $(PLAIN)/$$name/bootstrap $(TARGET)/debug/$$name; done

# Python's tools, each with what it needs.
$(TOOLS)/aws: infra/aws/requirements.txt
$(TOOLS)/deployed: tests/deployed/requirements.txt
$(TOOLS)/schemathesis: tests/api/requirements.txt
$(TOOLS)/rooms: tests/rooms/requirements.txt
$(TOOLS)/aws $(TOOLS)/deployed $(TOOLS)/schemathesis $(TOOLS)/rooms:
	rm -rf $@
	python3 -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check -r $<

AS_ROOT := run() { if [ "$$(id -u)" = 0 ]; then "$$@"; else sudo "$$@"; fi; }
chromium:
	@test -x $(CHROMIUM) || { $(AS_ROOT); \
	  run apt-get update -qq && run apt-get install -y -qq --no-install-recommends chromium; }

# Debian's servers that real apps run on. These packages start nothing. The one of nginx would set up a
# service, so it is only unpacked.
SERVERS := apache2-bin libapache2-mod-auth-openidc libnss-wrapper openssl php-cli
NGINX := $(TOOLS)/nginx/usr/sbin/nginx
servers: $(NGINX)
	@dpkg-query --show --showformat '$${db:Status-Status}\n' $(SERVERS) 2>&1 | \
	  grep -cx installed | grep -qx $(words $(SERVERS)) || { $(AS_ROOT); \
	  run apt-get update -qq && run apt-get install -y -qq --no-install-recommends $(SERVERS); }

$(NGINX):
	rm -rf $(TOOLS)/nginx && mkdir -p $(TOOLS)/nginx
	$(AS_ROOT); run apt-get update -qq
	cd $(TOOLS)/nginx && apt-get -q -o APT::Sandbox::User=root download nginx && dpkg-deb --extract nginx_*.deb .
	touch $@

# --- the AWS home ---

# YES=1 asks nothing. DESTROY=1 undoes a try-out. LATCHKEY_BINARIES names a folder of functions that are built already.
DEPLOYED := $(or $(if $(LATCHKEY_SETTINGS),$(shell sed -n 's/.*"architecture": *"\([a-z0-9_]*\)".*/\1/p' $(LATCHKEY_SETTINGS) 2>/dev/null)),$(shell sed -n 's/.*"architecture": *"\([a-z0-9_]*\)".*/\1/p' infra/aws/settings.json 2>/dev/null),arm64)
deploy: infra/aws/node_modules/.installed
	@$(if $(DESTROY),,$(MAKE) --no-print-directory site $(if $(LATCHKEY_BINARIES),,binaries ARCHITECTURE=$(subst _,-,$(DEPLOYED))))
	@cd infra/aws && $(foreach name,LATCHKEY_SETTINGS LATCHKEY_BINARIES,$(if $($(name)),$(name)='$(abspath $($(name)))')) \
	  npm run --silent ops -- $(if $(DESTROY),down,up) $(if $(YES),--yes)

# What `.github/workflows/release.yml` publishes, from what is built: VERSION=0.2.0 ARCHITECTURE=arm64.
release: site/dist/index.html
	python3 .github/pack.py release $(VERSION) $(subst -,_,$(ARCHITECTURE)) target/release-files

# --- tests ---

test: format test-ci tested plain-binaries test-site budgets
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=line test-rules test-deployed
	@$(MAKE) --no-print-directory e2e test-rooms

# The emulator leaves a core idle, which these have something to do for.
test-rules: rules contract test-homes test-bench test-aws

format:
	cargo fmt --all --check

# By itself; in `test`, compiling does it.
lint: format
	cargo clippy --locked --workspace --all-targets --quiet -- --deny warnings

# Licences and sources of every crate. Built from source: several minutes the first time.
deny: $(TOOLS)/bin/cargo-deny
	$< --locked check licenses bans sources

# Known holes in crates, and in what the pages and the deployment are made of. Asks the network.
advisories: $(TOOLS)/bin/cargo-deny
	$< --locked check advisories
	for project in site infra/aws; do (cd $$project && npm audit --omit=dev --package-lock-only) || exit 1; done

# Whether a test notices when a rule or a function is changed (.cargo/mutants.toml). All of it takes many
# hours: SHARD=3/40 is a part, FILES="shared/src/lockout.rs" one or more files.
mutants: $(TOOLS)/bin/cargo-mutants
	PATH=$(TOOLS)/bin:$$PATH cargo mutants --output $(TARGET) $(addprefix --file ,$(FILES)) \
	  $(if $(SHARD),--shard $(SHARD) --sharding round-robin)

$(TOOLS)/bin/cargo-mutants:
	cargo install --locked --quiet --root $(TOOLS) cargo-mutants@27.1.0

$(TOOLS)/bin/cargo-deny:
	cargo install --locked --quiet --root $(TOOLS) cargo-deny@0.20.2

# What the workflows run beside this file.
test-ci:
	cd .github && python3 -B -m unittest --quiet unpack_test pack_test

rules:
	cargo test --locked $(RUST)

test-site: site/node_modules/.installed
	cd site && npm run check && npm test

budgets: site
	@cd site && npm run --silent budgets

contract: tested $(TOOLS)/schemathesis
	LATCHKEY_LOCAL=$(LOCAL) SCHEMATHESIS=$(TOOLS)/schemathesis/bin/schemathesis python3 tests/api/contract.py

e2e: site tested chromium tests/e2e/node_modules/.installed
	cd tests/e2e && LATCHKEY_LOCAL=$(LOCAL) CHROMIUM=$(CHROMIUM) npm test

# Real apps, in one local home of their own.
test-rooms: site tested chromium servers tests/rooms/node_modules/.installed $(TOOLS)/rooms
	cd tests/rooms && npm run check && LATCHKEY_LOCAL=$(LOCAL) CHROMIUM=$(CHROMIUM) NGINX=$(NGINX) \
	  ROOMS_PYTHON=$(TOOLS)/rooms/bin/python npm test

# Against the home that `make run` started, or the one that STAFF and PORTAL say.
door-test: chromium tests/rooms/node_modules/.installed
	@cd tests/rooms && CHROMIUM=$(CHROMIUM) npm run --silent door-test

# The templates of the AWS home: no Rust is needed.
test-aws: infra/aws/node_modules/.installed $(TOOLS)/aws
	cd infra/aws && npm run check && CFN_LINT=$(TOOLS)/aws/bin/cfn-lint npm test

# The flows that both homes share, here; `make test-deployed` drives them on the emulator.
test-homes: tested infra/aws/node_modules/.installed tests/deployed/node_modules/.installed
	cd tests/deployed && npm run check && LATCHKEY_LOCAL=$(LOCAL) npm run test:local

# RELEASE=1 takes every function as Lambda gets it, which compiles for ten minutes. THOROUGH=1 takes each of its rights away
# besides, one by one, which takes hours.
test-deployed: site $(if $(RELEASE),binaries,plain-binaries) tested chromium infra/aws/node_modules/.installed tests/deployed/node_modules/.installed $(TOOLS)/deployed
	cd tests/deployed && LATCHKEY_BINARIES=$(if $(RELEASE),$(TARGET)/lambda,$(PLAIN)) CHROMIUM=$(CHROMIUM) \
	  LATCHKEY_RESTORE=$(TARGET)/debug/latchkey-restore \
	  EMULATOR_PYTHON=$(TOOLS)/deployed/bin/python npm run test:aws

# The arithmetic of the benchmarks.
test-bench: tests/bench/cold/node_modules/.installed
	cd tests/bench/cold && npm test
	cd tests/bench/cost && npm test

# --- figures, pictures and the API document ---

# The benchmark is optimised; the local home that it starts is the one of `make run`.
bench: local
	LATCHKEY_LOCAL=$(LOCAL) BENCH_JSON=$(TARGET)/bench.json cargo run --locked --quiet --profile measured -p bench

# LAMBDA_DIR names a folder of programs that are built already.
bench-cold: ALSO := floor
bench-cold: local $(if $(LAMBDA_DIR),,binaries) tests/bench/cold/node_modules/.installed
	cd tests/bench/cold && LATCHKEY_LOCAL=$(LOCAL) LAMBDA_DIR=$(or $(LAMBDA_DIR),$(TARGET)/lambda) \
	  COLD_JSON=$(TARGET)/cold.json npm --silent start

cost:
	cd tests/bench/cost && TARGET=$(TARGET) npm --silent start

scale:
	cd tests/bench/cost && TARGET=$(TARGET) npm --silent run scale

lighthouse: export PUPPETEER_SKIP_DOWNLOAD := 1
lighthouse: site local chromium tests/e2e/node_modules/.installed tests/lighthouse/node_modules/.installed
	cd tests/e2e && LATCHKEY_LOCAL=$(LOCAL) CHROMIUM=$(CHROMIUM) npm run lighthouse

screenshots: site local chromium tests/e2e/node_modules/.installed
	cd tests/e2e && LATCHKEY_LOCAL=$(LOCAL) CHROMIUM=$(CHROMIUM) npm run screenshots

keys:
	UPDATE_KEYS=1 cargo test --locked $(RUST) --lib tests::the_committed

openapi: site/node_modules/.installed
	UPDATE_OPENAPI=1 cargo test --locked $(RUST) --test api document::the_committed
	cd site && npm run api
