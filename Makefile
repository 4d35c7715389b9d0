# Every target installs what it needs. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PREFIX  ?= /usr/local
DESTDIR ?=
CARGO   ?= cargo
TARGET  := $(or $(CARGO_TARGET_DIR),target)
RELEASE := $(abspath $(TARGET))/release

INSTALL := PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' BUILD='$(RELEASE)' packaging/install

# The tests of the extension need a newer one than Debian 12 has.
NODE := packaging/node '$(TARGET)/node'

SCRIPTS := .ci/run packaging/deps packaging/install packaging/node packaging/run packaging/deb/p* tests/system/* integrations/i3status/dwell-i3status

# The Debian releases that the package is tried on.
SUITES  ?= bookworm trixie

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: run
run: ## try dwell: your own session, or a demonstration where there is no screen
	@packaging/deps build
	@$(MAKE) --no-print-directory build
	@packaging/run '$(RELEASE)'

.PHONY: build
build: ## the programs, optimised
	$(CARGO) build --release -p dwelld -p dwell-cli -p dwell-browser-host

.PHONY: prompt
prompt: ## the window for limits, optimised: needs GTK 4
	@packaging/deps build prompt
	$(CARGO) build --release -p dwell-prompt

.PHONY: test
test: deps tools ## everything that this machine can test, and a list of what it cannot
	@rm -f '$(TARGET)/not-run.txt'
# One build for all: the same targets and features as nextest asks for, and with them the programs that tests start.
	$(CARGO) build --workspace --all-targets
	$(CARGO) nextest run --workspace
	$(CARGO) test --doc --workspace --quiet
	@$(MAKE) --no-print-directory test-browser test-html
	@$(MAKE) --no-print-directory test-package
	@$(MAKE) --no-print-directory test-trixie
	@if [ -s '$(TARGET)/not-run.txt' ]; then echo; echo 'This machine could not run:'; sort -u '$(TARGET)/not-run.txt'; fi

# What takes long: every byte, every moment, every write, hundreds of kills, ten minutes of fuzzing.
.PHONY: test-long
test-long: deps tools ## the attacks on the vault at full length: hours
	DWELL_LONG=1 $(CARGO) nextest run --profile long -p dwell-vault
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=120

FUZZ := header record page salvage recovery frames
# For each target.
FUZZ_SECONDS ?= 60
# What cargo-fuzz sets; the sanitizer needs no nightly compiler, but leave to be used without one.
FUZZ_FLAGS := -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	-Cllvm-args=-sanitizer-coverage-trace-compares -Zsanitizer=address
FUZZ_HOST := $(shell rustc -vV | sed -n 's/^host: //p')

.PHONY: fuzz
fuzz: deps ## the parsers of the vault and of browsers' frames against made-up bytes, FUZZ_SECONDS (60) each
	DWELL_FUZZ_SEEDS='$(CURDIR)/fuzz/corpus' $(CARGO) test --quiet -p dwell-vault --lib -- --exact fuzzing::tests::seeds_for_fuzzing
	RUSTC_BOOTSTRAP=1 RUSTFLAGS='$(FUZZ_FLAGS)' $(CARGO) build --release --manifest-path fuzz/Cargo.toml \
		--target '$(FUZZ_HOST)' --target-dir '$(TARGET)/fuzz'
# SQLite's source, in one file, has several tables of one name.
	@mkdir -p fuzz/artifacts; export ASAN_OPTIONS=detect_odr_violation=0; for target in $(FUZZ); do \
		echo "fuzz: $$target"; mkdir -p fuzz/corpus/$$target; \
		'$(TARGET)/fuzz/$(FUZZ_HOST)/release/'$$target -max_total_time=$(FUZZ_SECONDS) -max_len=70000 -timeout=10 \
			-rss_limit_mb=1024 -verbosity=0 -print_final_stats=1 -artifact_prefix=fuzz/artifacts/$$target- \
			fuzz/corpus/$$target || exit; \
	done

.PHONY: test-package
test-package: ## the Debian package and make install on throwaway machines, with real systemd
	@packaging/deps build system
	@if reason=$$(tests/system/machine check); then \
		$(MAKE) --no-print-directory deb; \
		for suite in $(SUITES); do tests/system/package-test '$(TARGET)'/debian/dwell_*.deb $$suite; done; \
		$(CARGO) build -p dwell-desktop --example freeze; \
		for suite in $(SUITES); do tests/system/freeze-test $$suite; done; \
		$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(SUITES:%=test-limits-%); \
		tests/system/install-test '$(RELEASE)'; \
	else \
		echo "cannot run here: the package test: $$reason" | tee -a '$(TARGET)/not-run.txt' >&2; \
		[ "$${DWELL_REQUIRE:-}" != all ]; \
	fi

# Of the packages that are built already: half a minute of mostly waiting, so all releases at once.
test-limits-%:
	@tests/system/limits-test '$(TARGET)'/debian/dwell_*.deb '$(TARGET)'/debian/dwell-prompt_*.deb $*

# Reaches Debian 13's compositors from any machine: sway 1.10, labwc, KWin 6, GNOME 48.
.PHONY: test-trixie
test-trixie: tools ## the tests of desktops among Debian 13's compositors (once: 3 minutes and 2 GB)
	@packaging/deps build system
	@if reason=$$(tests/system/machine check); then \
		$(CARGO) build --workspace --all-targets && tests/system/desktops-test trixie; \
	else \
		echo "cannot run here: the tests on Debian 13: $$reason" | tee -a '$(TARGET)/not-run.txt' >&2; \
		[ "$${DWELL_REQUIRE:-}" != all ]; \
	fi

.PHONY: extension
extension: ## the browser extension, packed: target/extension (EXTENSION_KEY=FILE signs it for Chromium)
	@packaging/deps browser
	@node integrations/webextension/build.mjs '$(TARGET)/extension'

# Its tools come from npm, as package-lock.json pins them, into target/extension/dev.
.PHONY: test-extension
test-extension: ## the browser extension in Chromium and Firefox: 2 minutes
	@packaging/deps browser desktop
	@$(NODE) integrations/webextension/test/run.mjs '$(TARGET)/extension' '$(TARGET)/not-run.txt'

.PHONY: test-browser
test-browser: test-extension ## the same, then with dwelld and the host that browsers start: 5 minutes
	$(CARGO) build -p dwelld -p dwell-cli -p dwell-browser-host
	@DWELL_BIN_DIR='$(abspath $(TARGET))/debug' $(NODE) integrations/webextension/test/run.mjs '$(TARGET)/extension' '$(TARGET)/not-run.txt' whole

.PHONY: test-html
test-html: tools ## the pages of reports in Chromium: light, dark, narrow, in print, by axe-core
	@packaging/deps build browser
	$(CARGO) nextest run -p dwell-cli -E 'test(pages::)'
	@$(NODE) integrations/webextension/test/run.mjs '$(TARGET)/extension' '$(TARGET)/not-run.txt' tools
	@$(NODE) integrations/report-html/check.mjs '$(TARGET)/tmp/pages' '$(TARGET)/report-html' \
		'$(TARGET)/extension/dev/node_modules' '$(TARGET)/not-run.txt'

.PHONY: bench-browser
bench-browser: ## what the extension and its host cost, and how soon a site is closed: 40 minutes
	@packaging/deps browser desktop
	$(CARGO) build --release -p dwelld -p dwell-cli -p dwell-browser-host
	@DWELL_BIN_DIR='$(RELEASE)' $(NODE) integrations/webextension/test/run.mjs '$(TARGET)/extension' '$(TARGET)/not-run.txt' bench

.PHONY: bench
bench: ## all benchmarks
# Every table is shown, whatever the one before says.
	@failed=0; for what in sensors vault rules report; do $(MAKE) --no-print-directory bench-$$what || failed=1; done; exit $$failed

.PHONY: bench-sensors
bench-sensors: deps build ## what watching each desktop costs while nothing happens, and how soon a change is stored
	$(CARGO) build --release -p dwell-tests --bins
	@failed=0; export DWELL_BIN_DIR='$(RELEASE)'; \
		for what in quiet latency; do '$(RELEASE)/'$$what || failed=1; done; exit $$failed

.PHONY: bench-sensors-trixie
bench-sensors-trixie: deps build ## the same among Debian 13's compositors
	$(CARGO) build --release -p dwell-tests --bins
	@failed=0; for what in quiet latency; do \
		tests/system/desktops-test trixie --run '$(RELEASE)/'$$what || failed=1; done; exit $$failed

.PHONY: bench-vault
bench-vault: deps ## the vault against plain SQLite that stores the same rows
	$(CARGO) build --release -p dwell-bench
	@'$(RELEASE)/dwell-bench' vault

.PHONY: bench-rules
bench-rules: deps ## judging 200 rules, replaying a year, trying a limit on one
	$(CARGO) build --release -p dwell-bench -p dwelld -p dwell-cli
	@'$(RELEASE)/dwell-bench' rules

.PHONY: bench-report
bench-report: deps ## reports over a heavy year and ten of them, as whole processes
	$(CARGO) build --release -p dwell-bench -p dwelld -p dwell-cli
	@'$(RELEASE)/dwell-bench' report

.PHONY: check
check: fmt lint doc deny ## all that needs no test run

.PHONY: fmt
fmt: ## is the code formatted?
	$(CARGO) fmt --all --check

.PHONY: lint
lint: ## clippy and shellcheck, warnings are errors
	@packaging/deps build check prompt
	@if command -v shellcheck >/dev/null; then shellcheck -x $(SCRIPTS); else echo 'cannot run here: shellcheck'; fi
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings

.PHONY: doc
doc: ## the documentation of all crates, warnings are errors
	@packaging/deps build prompt
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps --document-private-items --quiet

.PHONY: deny
deny: tools ## bans, licences and sources of the dependencies
	$(CARGO) deny --log-level error check --hide-inclusion-graph bans licenses sources

# Whoever wants the book gets the tool for it: into the build folder, without the parts that serve pages over a network.
MDBOOK := $(or $(shell command -v mdbook),$(abspath $(TARGET))/tools/bin/mdbook)
.PHONY: book
book: ## the book of docs as pages for a browser: target/book (once: the tool, some minutes)
	@command -v '$(MDBOOK)' >/dev/null || $(CARGO) install --locked --debug --quiet --root '$(TARGET)/tools' \
		--no-default-features --features search mdbook
	@'$(MDBOOK)' build --dest-dir '$(abspath $(TARGET))/book'

.PHONY: install
install: ## build, then install under PREFIX (/usr/local) and DESTDIR
# Under sudo nothing is built: whoever owns the folder did, and would not want files of root in it.
	@if [ "$$(stat -c %u .)" = "$$(id -u)" ]; then $(MAKE) --no-print-directory build; fi
	@$(INSTALL) install

.PHONY: uninstall
uninstall: ## remove all that install put there
	@$(INSTALL) uninstall

.PHONY: install-prompt
install-prompt: ## the same for the window for limits
	@if [ "$$(stat -c %u .)" = "$$(id -u)" ]; then $(MAKE) --no-print-directory prompt; fi
	@$(INSTALL) install prompt

.PHONY: uninstall-prompt
uninstall-prompt: ## remove the window again
	@$(INSTALL) uninstall prompt

.PHONY: deb
deb: tools build deb-prompt ## the Debian packages, in target/debian
	@rm -rf '$(RELEASE)/package'
	@PREFIX=/usr DESTDIR='$(RELEASE)/package' ZSHDIR=/usr/share/zsh/vendor-completions BUILD='$(RELEASE)' packaging/install install
	@rm '$(RELEASE)/package/usr/share/doc/dwell/installed'
	@rm -f '$(TARGET)'/debian/dwell_*.deb
	$(CARGO) deb --quiet --no-build --package dwelld

.PHONY: deb-prompt
deb-prompt: tools prompt ## the Debian package of the window alone
	@rm -rf '$(RELEASE)/package-prompt'
	@PREFIX=/usr DESTDIR='$(RELEASE)/package-prompt' BUILD='$(RELEASE)' packaging/install install prompt
	@rm '$(RELEASE)/package-prompt/usr/share/doc/dwell-prompt/installed'
	@rm -f '$(TARGET)'/debian/dwell-prompt_*.deb
	$(CARGO) deb --quiet --no-build --package dwell-prompt

.PHONY: deps
deps: ## packages of the system that building and testing need
	@packaging/deps

# A debug build of a tool takes a minute, an optimised one several.
.PHONY: tools
tools: ## cargo's helpers that testing and packaging need
	@for tool in nextest deny deb; do \
		command -v cargo-$$tool >/dev/null || $(CARGO) install --locked --debug --quiet cargo-$$tool; \
	done

.PHONY: clean
clean: ## remove all that was built
	$(CARGO) clean
