# The front door. The build itself is CMakeLists.txt (cmake --preset default works too); this file adds what a
# fresh Debian lacks (scripts/deps.sh) and gives the usual things short names. `make help` lists them.

BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
# CMake starts its own make, which must not see this one's flags.
CMAKE = env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL cmake

.PHONY: build demo test test-consumers torture hitches comparisons fuzz bench install lint clean help
.NOTPARALLEL:

build: ## Build the libraries, the perftrace command and the examples (default)
	@scripts/deps.sh build
	@$(CMAKE) --preset default -B $(BUILD) -DPERFTRACE_TESTS=OFF $(CMAKE_FLAGS) >/dev/null
	@$(CMAKE) --build $(BUILD) --parallel $(JOBS)

demo: ## Trace the examples and show what perftrace says about them
	@scripts/deps.sh --optional demo
	@$(MAKE) --no-print-directory build
	@scripts/demo.sh $(BUILD)

test: ## Run all tests: plain, and under the address, undefined-behaviour and thread sanitizers
	@scripts/deps.sh build test
	@scripts/test.sh

test-consumers: ## Give exported files and verdicts to the programs that they are for; run the unit tests for aarch64, emulated
	@scripts/deps.sh build consumers
	@$(MAKE) --no-print-directory build
	@tests/consumers/run.sh $(BUILD)

torture: ## Kill it, starve it, feed it anything: the tests of its promises, in full (some want root)
	@scripts/deps.sh build test torture
	@scripts/torture.sh $(BUILD)

hitches: ## Put 200 hitches into the engine's city, and see how many causes check names
	@scripts/deps.sh build demo
	@$(MAKE) --no-print-directory build
	@PERFTRACE=$(BUILD)/bin/perftrace PERFTRACE_BUILD=$(BUILD) tests/examples/hitches.py 200 $(HITCH_SEED)

comparisons: ## Compare the engine with itself 20 times, and with a build that does 5 % more in one system
	@scripts/deps.sh build demo
	@$(MAKE) --no-print-directory build
	@PERFTRACE=$(BUILD)/bin/perftrace PERFTRACE_BUILD=$(BUILD) tests/examples/comparisons.py

fuzz: ## Feed the readers mutated inputs under libFuzzer (FUZZ_SECONDS for each target, default 60)
	@scripts/deps.sh build test fuzz
	@scripts/fuzz.sh $(BUILD)

bench: ## Measure the recorder and the analyser against the bars, and beside other tracers
	@scripts/deps.sh build bench
	@scripts/deps.sh --optional compare
	@$(MAKE) --no-print-directory build
	@bench/run.py $(BUILD) $(BENCH_FLAGS)

install: build ## Install to PREFIX (default /usr/local; DESTDIR is heeded)
	@$(CMAKE) --install $(BUILD) --prefix $(PREFIX)

lint: ## Check formatting (clang-format) and look for likely mistakes (clang-tidy)
	@scripts/deps.sh build test lint
	@scripts/lint.sh $(BUILD)

clean: ## Remove everything that was built
	rm -rf $(BUILD)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
