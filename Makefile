# `make` lists the targets. Nothing but Go is needed to build and run; `make test` and `make bench` install the SIP tools they need
# from Debian packages when they may (root), and say loudly what they leave out when they may not.

GO            ?= go
GOLANGCI_LINT := v2.15.0
LINT          := .tools/golangci-lint-$(GOLANGCI_LINT)
FUZZ_SECONDS  ?= 5
LISTEN        ?= 0.0.0.0:5060
SCRIPT        ?= scripts/examples/office.lua
VERSION       := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

.DEFAULT_GOAL := help

.PHONY: help
help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/sipscript
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/sipscript ./cmd/sipscript

.PHONY: run
run: build ## start SCRIPT (office.lua of the examples) on UDP and TCP 5060 and say how to point a phone at it
	@scripts/phone-settings.sh $(LISTEN) $(SCRIPT)
	exec bin/sipscript run --listen udp:$(LISTEN) --listen tcp:$(LISTEN) --media $$(scripts/own-address.sh $(LISTEN)) $(SCRIPT)

.PHONY: prompts
prompts: ## speak the prompts of the examples (espeak-ng)
	scripts/render-prompts.sh

.PHONY: test
test: ## install what the tests need, then unit tests and integration tests
	scripts/install-test-tools.sh test
	$(GO) test ./...
	$(GO) test -tags integration -count=1 -timeout 20m ./test/integration/...

.PHONY: check
check: fmt vet lint race fuzz docs ## everything a change must pass beside make test

.PHONY: bench
bench: build ## CPU a proxied call, beside Kamailio where it is installed
	scripts/install-test-tools.sh bench
	$(GO) run ./test/bench

.PHONY: tools
tools: $(LINT) ## install the linter and the SIP tools
	scripts/install-test-tools.sh test
	scripts/install-test-tools.sh bench

.PHONY: fmt
fmt: ## every file is as gofmt writes it
	@files=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); \
	if [ -n "$$files" ]; then echo "not as gofmt writes it:"; echo "$$files"; exit 1; fi

.PHONY: vet
vet:
	$(GO) vet ./...
	$(GO) vet -tags integration ./...

.PHONY: lint
lint: $(LINT) ## golangci-lint, see .golangci.yml
	$(LINT) run ./...

$(LINT):
	mkdir -p .tools
	GOBIN=$(CURDIR)/.tools $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)
	mv .tools/golangci-lint $@

.PHONY: race
race: ## unit tests under the race detector
	$(GO) test -race ./...

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZ_SECONDS
	scripts/fuzz.sh $(FUZZ_SECONDS)

.PHONY: flows
flows: ## 10,000 random calls of two legs on the simulated network
	$(GO) test -count=1 -timeout 60m -run TestRandomFlows ./engine/call -flows 10000

# The reference of the config file is checked by the tests of its own package.
.PHONY: docs
docs: ## generated pages are fresh
	$(GO) test -count=1 -run Reference ./cmd/sipscript/config
ifneq ($(wildcard lua/api/gendoc/*.go),)
	$(GO) run ./lua/api/gendoc -check
endif

.PHONY: docs-update
docs-update: ## write the generated pages anew
	$(GO) test -count=1 -run ReferenceIsFresh ./cmd/sipscript/config -update
ifneq ($(wildcard lua/api/gendoc/*.go),)
	$(GO) run ./lua/api/gendoc
endif
