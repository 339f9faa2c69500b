# Wardkey: the commands of the README. Each does all that a bare Debian 12 machine with a Rust
# toolchain needs, beginning with tools/setup (which says what it installs).

CARGO ?= cargo
export CARGO_TERM_COLOR ?= auto
# The Debian release in which the packages are tried.
SUITE ?= bookworm
# What the tests' workspace builds stands beside what is shipped, never in it.
TESTS = cd tests &&

.PHONY: all help setup setup-build release pages test checked check unit-build unit test-postgresql vectors e2e demo-build demo bench bench-server bench-verify deb deb-source deb-repro deb-test systems-test doctor-test deb-lint repo siem-test web-test vm-test clean

all: release

help:
	@echo 'make demo     the main job, step by step (DEMO_LANG=ja|en, KEY=1 for a plugged hardware key)'
	@echo 'make test     format, clippy, all tests, vectors'
	@echo 'make test-postgresql  the server'"'"'s tests over PostgreSQL (TESTS_OVER=--short: what CI runs of them)'
	@echo 'make bench    a login beside pam_u2f: exchanges and times'
	@echo 'make bench-server  the server under 10,000 terminals: memory, times, work'
	@echo 'make bench-verify  wardkey-verify over a million logins: time, memory'
	@echo 'make release  the production binaries, in target/release'
	@echo 'make pages    manual pages, completions, SBOMs, licence lists, in target/'
	@echo 'make deb      the Debian packages, in target/deb (deb-lint, deb-test: what is checked of them;'
	@echo '              deb-source: a source package that builds without network; deb-repro: same bytes twice)'
	@echo 'make siem-test     what is for collectors and SIEMs (siem/), with what reads it'
	@echo 'make web-test      the pages of administration in a real Chromium'
	@echo 'make doctor-test  the profile beside those of Debian'"'"'s packages, in both orders'
	@echo 'make vm-test  the packages in a virtual machine (DISPLAY_PART=no|lightdm|sddm: the greeter)'
	@echo '              UPGRADE=yes: Debian itself is upgraded to its next release, with a power cut'
	@echo '              SUITE=bookworm|trixie|forky: the Debian of deb-lint, deb-test and vm-test'
	@echo 'make repo     the packages as a signed apt repository (REPO_KEY=FINGERPRINT), in target/repo'

setup:
	@tools/setup

# What building and the demo need, and no more: the tests' runner alone takes minutes to compile.
setup-build:
	@tools/setup --build

release: setup-build
	tools/release

# Manual pages, completions, bills of materials (CycloneDX) and licence lists: man/, completions/,
# sbom/ and licences/ in the target folder.
pages: setup-build
	tools/release --pages
	$(or $(CARGO_TARGET_DIR),target)/release/wardkey-pages -- --locked

tests-build: setup
	$(TESTS) $(CARGO) build --locked --workspace

# Two at a time: alone, each compiles on one of two processors for minutes (a large crate before it is cut
# into parts, a library that is linked as one whole).
TWO = +@$(MAKE) --no-print-directory --jobs 2

# What is checked of the sources; .ci/run goes on with the demo and the packages.
test: setup
	$(TWO) checked release tests-build
	+@$(MAKE) --no-print-directory unit vectors e2e

checked: check
	@$(MAKE) --no-print-directory unit-build

check: setup
	$(CARGO) fmt --all --check
	$(TESTS) $(CARGO) fmt --check -p wardkey-softkey -p wardkey-hidpreload -p wardkey-pamclient -p wardkey-logind -p wardkey-e2e -p wardkey-firmware-tests -p wardkey-vm
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings
	$(TESTS) $(CARGO) clippy --locked --workspace --all-targets -- -D warnings

unit-build: setup
	$(CARGO) nextest run --no-run --locked --workspace --all-features

unit: setup release
	$(CARGO) nextest run --locked --workspace --all-features --test-threads $$(($$(nproc) * 4))
	$(CARGO) test --locked --workspace --doc --quiet

# TESTS_OVER=--short for those that tell most.
test-postgresql: setup
	tests/postgresql/run $(TESTS_OVER)

vectors: setup
	/usr/bin/python3 core/vectors/check.py

e2e: release tests-build
	$(TESTS) $(CARGO) nextest run --locked --workspace

# What the demo runs, and no more: a fifth of the tests' crates are for other tests. WHOLE=yes where all
# of them are built anyway: with other features, some would be built twice.
demo-build: setup-build
	$(TESTS) $(CARGO) build --locked $(or $(if $(WHOLE),--workspace),-p wardkey-softkey -p wardkey-hidpreload -p wardkey-pamclient -p wardkey-logind -p wardkey-e2e)

demo: setup-build
	$(TWO) release demo-build
	@WARDKEY_WARD_KEYS=$(KEY) tests/ward/enter target/tests/debug/wardkey-demo

bench: release tests-build
	@tests/ward/enter target/tests/debug/wardkey-bench

# A deployment of 10,000 terminals on this machine: some ten minutes.
bench-server: setup release
	$(CARGO) bench --locked --package wardkey-server --bench fleet -- \
	  --server $(abspath $(or $(CARGO_TARGET_DIR),target))/release/wardkey-server \
	  --out $(abspath $(or $(CARGO_TARGET_DIR),target))/bench/server.json $(BENCH_OPTIONS)

# RECORDS=100000 for fewer; a million take some minutes to sign.
bench-verify: setup release
	mkdir -p $(or $(CARGO_TARGET_DIR),target)/bench
	$(CARGO) bench --locked --package wardkey-verify --bench records -- \
	  $(abspath $(or $(CARGO_TARGET_DIR),target))/release/wardkey-verify $(or $(RECORDS),1000000) \
	  $(abspath $(or $(CARGO_TARGET_DIR),target))/bench/verify.json

deb: setup-build
	tools/deb

deb-source: setup-build
	tools/deb-source

deb-repro: deb deb-source
	tools/deb-repro

deb-test: tests-build
	tests/packages/run --suite $(SUITE)

# The packages under this suite's systemd, in throw-away systems (SUITE=trixie or forky).
systems-test: tests-build
	tests/systems/run --suite $(if $(filter bookworm,$(SUITE)),trixie,$(SUITE))

# The profile beside those of Debian's packages, judged by "wardkey doctor".
doctor-test: setup
	$(CARGO) build --locked -p wardkey-cli
	tests/packages/profiles

# Configurations and rules for what reads records. Installs sigma-cli and others below target/siem.
siem-test:
	tests/siem/run

# Installs Chromium; pictures of all pages are in target/web/pictures.
web-test: setup
	tests/web/run

# With this machine's lintian, or with that of a release: make deb-lint SUITE=trixie.
deb-lint:
	tools/deb-lint $(if $(filter command,$(origin SUITE)),--suite $(SUITE))

# REPO_KEY is a key of gpg's keyring; REPO_OPTIONS are further options of tools/repo.
repo: deb
	tools/repo --key "$(REPO_KEY)" $(REPO_OPTIONS)

# Installs QEMU and others besides (tests/vm/setup). Everything is below target/vm.
DISPLAY_PART ?= lightdm
vm-test: setup deb
	$(TESTS) $(CARGO) build --locked $(or $(if $(WHOLE),--workspace),-p wardkey-softkey -p wardkey-vm -p wardkey-e2e -p wardkey-pamclient)
	@tests/vm/run --suite $(SUITE) $(if $(UPGRADE),--upgrade) $(DISPLAY_PART)

clean:
	$(CARGO) clean
	$(TESTS) $(CARGO) clean
