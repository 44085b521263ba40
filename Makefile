# sesscache: `make` builds library and command, `make check` is what CI runs, `make help` lists the rest.

CARGO ?= cargo
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share
UNITDIR ?= $(PREFIX)/lib/systemd/system
DESTDIR ?=

# OpenSSL versions that `make openssl-symbolic` builds for the tests, linked -Bsymbolic as upstream does.
OPENSSL_VERSIONS ?= 3.6 3.0 4.0 1.1.1

TARGET := $(or $(CARGO_TARGET_DIR),target)
LIB ?= $(TARGET)/release/libsesscache.so
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
ABI := $(shell sed -n 's/^const ABI: u32 = \([0-9]*\);/\1/p' build.rs)
SONAME := libsesscache.so.$(ABI)
REALNAME := libsesscache.so.$(VERSION)

COMMAND ?= $(TARGET)/release/sesscache

# Test programs and the command are built without the exported functions: those would take over libssl in them.
AS_RUST = --no-default-features --features command
CARGO_TEST = SESSCACHE_LIB=$(abspath $(LIB)) $(CARGO) test $(AS_RUST)

.PHONY: all lib command help demo demo-fleet check check-deps check-unit check-c check-differential fuzz-differential check-servers check-loom \
	check-region check-fleet check-recipes check-package deb check-miri check-threads check-sanitizers \
	check-matrix check-third-party check-mutations fuzz bench bench-shared bench-relay bench-fleet header lint openssl-symbolic install uninstall clean distclean
.NOTPARALLEL:

all: lib command ## the library and the command

lib: ## the shared library: target/release/libsesscache.so
	@scripts/install-deps.sh build
	$(CARGO) rustc --release --lib --crate-type cdylib

command: ## the command: target/release/sesscache
	@scripts/install-deps.sh build
	$(CARGO) build --release --bin sesscache $(AS_RUST)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 20

$(LIB):
	$(MAKE) lib

$(COMMAND):
	$(MAKE) command

demo: lib ## two server processes with and without the library, and sessions kept in a file over a restart
	@scripts/install-deps.sh demo
	SESSCACHE_LIB=$(abspath $(LIB)) scripts/demo.sh

demo-fleet: lib command ## two hosts with nginx: without the library, with it, and with relays between them
	@scripts/install-deps.sh demo-fleet
	SESSCACHE_LIB=$(abspath $(LIB)) SESSCACHE_COMMAND=$(abspath $(COMMAND)) scripts/demo-fleet.sh

check: check-deps lib lint check-loom ## everything that CI checks: style, model, unit, C programs, real servers, ABI, installation
	@echo '== tests: the shim after faults on purpose'
	$(CARGO_TEST) --features fault-injection --lib shim::
	@echo '== tests: unit, C programs three ways, real servers, ABI, header, installation'
	$(CARGO_TEST) --no-fail-fast

check-deps:
	@echo '== packages that the checks need'
	@scripts/install-deps.sh build check servers

check-unit: ## the Rust unit and property tests alone
	$(CARGO_TEST) --lib --bins
	$(CARGO_TEST) --features fault-injection --lib shim::

check-c: lib ## the C programs alone, three ways on every libssl there is
	@scripts/install-deps.sh check
	$(CARGO_TEST) --test c_programs

check-differential: lib ## random programs with and without the library, on every libssl there is
	@scripts/install-deps.sh check
	$(CARGO_TEST) --test differential

fuzz-differential: lib ## the same for hours: 200 000 programs, or PROGRAMS=…
	@scripts/install-deps.sh check
	SESSCACHE_LIB=$(abspath $(LIB)) scripts/fuzz-differential.sh $(PROGRAMS)

check-servers: lib ## the real servers alone; SESSCACHE_RECONNECTIONS=200 for the long form of the shared profile
	@scripts/install-deps.sh servers
	$(CARGO_TEST) --test servers

check-recipes: all ## docs/recipes, each carried out as it stands, and what was measured into its README
	@scripts/install-deps.sh servers
	SESSCACHE_WRITE_RECIPES=1 $(CARGO_TEST) --test recipes

check-loom: ## every interleaving of the core's critical sections
	@echo '== loom: the core under every interleaving'
	scripts/check-loom.sh

check-region: ## the shared region between processes, long: 10 000 kills, 1 000 000 races
	SESSCACHE_KILLS=10000 SESSCACHE_RACES=1000000 SESSCACHE_STORM=2000 \
		$(CARGO) test --release --no-default-features --test region

check-miri: ## core and shim under Miri, where a toolchain has it
	scripts/check-miri.sh

check-matrix: lib ## one build of the library on every OpenSSL there is, into docs/conformance.md; about an hour
	SESSCACHE_LIB=$(abspath $(LIB)) scripts/check-matrix.sh

check-third-party: lib ## other projects' TLS test suites, stock against preloaded, into docs/conformance.md; SUITES=NAME...
	SESSCACHE_LIB=$(abspath $(LIB)) scripts/check-third-party.sh $(SUITES)

check-threads: lib ## random work among threads, many seeds on every libssl; MINUTES=10
	@scripts/install-deps.sh build
	SESSCACHE_LIB=$(abspath $(LIB)) scripts/check-threads.sh

check-sanitizers: lib ## the C programs under ASan, UBSan, LSan and TSan; takes a nightly toolchain for all of it
	@scripts/install-deps.sh build check
	SESSCACHE_LIB=$(abspath $(LIB)) scripts/check-sanitizers.sh

check-mutations: ## the suite against wrong builds of the library, into docs/conformance.md; a quarter of an hour
	@scripts/install-deps.sh build check
	scripts/check-mutations.sh

fuzz: lib ## every fuzz target and the differential programs; MINUTES=60 in all
	@scripts/install-deps.sh build check
	SESSCACHE_LIB=$(abspath $(LIB)) scripts/fuzz.sh $(or $(MINUTES),60)

bench-relay: all ## sessions between two regions over Redis, and whether servers notice, into docs/benchmarks-fleet.md; QUICK=1 for a glance
	@scripts/install-deps.sh bench-relay
	mkdir -p $(TARGET)/benches
	$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -pthread -o $(TARGET)/benches/handshake_load benches/handshake_load.c -lssl -lcrypto
	CARGO_TARGET_DIR=$(TARGET)/relay-bench $(CARGO) build --quiet --release --manifest-path benches/relay/Cargo.toml
	$(TARGET)/relay-bench/release/relay-bench $(COMMAND) $(abspath $(LIB)) $(TARGET)/benches/handshake_load \
		$(if $(QUICK),$(TARGET)/benches/benchmarks-fleet.md,docs/benchmarks-fleet.md)

check-fleet: lib ## relays between machines, and everything that fails between them, long
	@scripts/install-deps.sh build servers
	SESSCACHE_FLEET=long $(CARGO_TEST) --test fleet

bench: lib ## ours against stock, as ratios, into docs/benchmarks.md; QUICK=1 for a glance
	@scripts/install-deps.sh bench
	SESSCACHE_LIB=$(abspath $(LIB)) scripts/bench.sh

bench-shared: lib ## the host tier against other stores and servers' own caches, into docs/benchmarks-shared.md; QUICK=1 for a glance
	@scripts/install-deps.sh bench-shared
	SESSCACHE_LIB=$(abspath $(LIB)) scripts/bench-shared.sh

bench-fleet: ## how many hosts and sessions relays can bear: the model of docs/fleet.md, checked by a simulation
	@scripts/install-deps.sh build
	CARGO_TARGET_DIR=$(abspath $(TARGET))/fleet-bench $(CARGO) run --quiet --release --manifest-path benches/fleet/Cargo.toml

header: ## include/sesscache.h from the source, and docs/c-api.md from it
	SESSCACHE_WRITE_HEADER=1 $(CARGO_TEST) --quiet --test header is_what_the_source_says
	$(CARGO) run --quiet --bin sesscache $(AS_RUST) -- man --c-api >docs/c-api.md

lint: ## formatting, clippy, and the header as the source says
	@echo '== lint: formatting, clippy, header'
	$(CARGO) fmt --check
	$(CARGO) clippy --quiet --all-targets -- -D warnings
	$(CARGO) clippy --quiet --all-targets $(AS_RUST) -- -D warnings
	$(CARGO_TEST) --quiet --test header is_what_the_source_says

openssl-symbolic: ## OpenSSL for the tests, linked -Bsymbolic; built once, minutes each
	@scripts/install-deps.sh build
	for version in $(OPENSSL_VERSIONS); do scripts/build-openssl.sh $$version symbolic || exit 1; done

install: $(LIB) $(COMMAND) ## into PREFIX (/usr/local), LIBDIR, DESTDIR
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(BINDIR)
	install -m 755 $(COMMAND) $(DESTDIR)$(BINDIR)/sesscache
	$(COMMAND) man $(DESTDIR)$(MANDIR)
	install -d $(DESTDIR)$(DATADIR)/bash-completion/completions $(DESTDIR)$(DATADIR)/zsh/site-functions $(DESTDIR)$(DATADIR)/fish/vendor_completions.d
	$(COMMAND) completions bash >$(DESTDIR)$(DATADIR)/bash-completion/completions/sesscache
	$(COMMAND) completions zsh >$(DESTDIR)$(DATADIR)/zsh/site-functions/_sesscache
	$(COMMAND) completions fish >$(DESTDIR)$(DATADIR)/fish/vendor_completions.d/sesscache.fish
	install -m 755 $(LIB) $(DESTDIR)$(LIBDIR)/$(REALNAME)
	ln -sf $(REALNAME) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libsesscache.so
	install -d $(DESTDIR)$(UNITDIR)
	install -m 644 packaging/systemd/* $(DESTDIR)$(UNITDIR)/
	install -m 644 include/sesscache.h $(DESTDIR)$(INCLUDEDIR)/sesscache.h
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@SONAME@|$(SONAME)|' \
		-e 's|@LIBDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))|' \
		-e 's|@INCLUDEDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(INCLUDEDIR))|' \
		sesscache.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/sesscache.pc
	chmod 644 $(DESTDIR)$(LIBDIR)/pkgconfig/sesscache.pc
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then ldconfig || true; fi

deb: all ## a Debian package, in target/debian
	@command -v cargo-deb >/dev/null || { echo 'deb: cargo-deb is missing; installing it'; $(CARGO) install --locked cargo-deb; }
	rm -rf target/debian-root
	env -u MAKEFLAGS $(MAKE) install DESTDIR=target/debian-root PREFIX=/usr LIBDIR=/usr/lib/$$(gcc -print-multiarch) MANDIR=/usr/share/man
	$(CARGO) deb --no-build --no-strip

check-package: deb ## the package into an empty root, used there, and out again; the crate as it would be published
	scripts/check-package.sh target/debian/sesscache_*.deb
	$(CARGO) publish --dry-run --allow-dirty

uninstall: ## what install put there
	rm -f $(DESTDIR)$(LIBDIR)/$(REALNAME) $(DESTDIR)$(LIBDIR)/$(SONAME) $(DESTDIR)$(LIBDIR)/libsesscache.so
	rm -f $(DESTDIR)$(INCLUDEDIR)/sesscache.h $(DESTDIR)$(LIBDIR)/pkgconfig/sesscache.pc
	rm -f $(DESTDIR)$(BINDIR)/sesscache $(DESTDIR)$(MANDIR)/man8/sesscache.8 $(DESTDIR)$(MANDIR)/man8/sesscache-*.8 $(DESTDIR)$(MANDIR)/man3/sesscache_*.3
	rm -f $(DESTDIR)$(DATADIR)/bash-completion/completions/sesscache $(DESTDIR)$(DATADIR)/zsh/site-functions/_sesscache
	rm -f $(DESTDIR)$(DATADIR)/fish/vendor_completions.d/sesscache.fish $(DESTDIR)$(UNITDIR)/sesscache*.service $(DESTDIR)$(UNITDIR)/sesscache*.timer

clean: ## all that was built, but for the OpenSSL builds
	if [ -d $(TARGET) ]; then find $(TARGET) -mindepth 1 -maxdepth 1 ! -name 'openssl*' -exec rm -rf {} +; fi

distclean: ## all that was built
	rm -rf $(TARGET)
