SHELL := /bin/bash
GO ?= go
BIN := bin/tokendrill
VERSION := $(shell git describe --always --dirty 2>/dev/null)
# Pinned tools; .ci/run installs them with the same targets.
GOLANGCI_VERSION := v2.15.0
VEGETA_VERSION := v12.13.0
TOOLS := $(CURDIR)/bin

# One set of flags for all that is built, so that it is compiled once. Without cgo the
# program is static, and can be put into an image.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath

.PHONY: help run build test test-all walk-containers lint bench docs picture tools deps-e2e e2e-images clean
.DEFAULT_GOAL := help

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Compare the four patterns on the sample recording (under a minute)
	@$(BIN) run

build: ## Build bin/tokendrill
	@mkdir -p bin
	$(GO) build -ldflags "-X main.version=$(VERSION)" -o $(BIN) ./cmd/tokendrill

test: ## Run the tests with the race detector, and four failures of the catalogue
	CGO_ENABLED=1 $(GO) test -race -short -timeout 10m ./...
	$(call again,-short -timeout 10m,$(TIMED))

test-all: test ## Run what that leaves out too: the whole catalogue, containers, the doctor
	$(call again,-timeout 30m,$(LONG))

walk-containers: ## Walk every scenario of containers: six minutes, of which test-all has one for each fault
	$(GO) test ./harness/containers -timeout 30m -run 'Catalogue|RealSoftware' -whole

# Tests that measure time say so by fixtures/undisturbed: the race detector skips them.
# They run once more without it, one package at a time, and so do those that -short
# leaves out or shortens. What takes more than one attempt on a busy machine is told in
# the end.
TIMED = $(call saying,[^A-Za-z](Try|Alone)[^A-Za-z ])
LONG = $(call saying,[^A-Za-z]Long[^A-Za-z ]|testing[.]Short)
saying = $(shell find . -name '*_test.go' | xargs awk '/^func /{name = ""} /^func Test/{split($$2, a, /[^A-Za-z0-9_]/); name = a[1]} \
  /$(1)/ && name {print name}' | sort -u | paste -sd '|')
AGAIN = $(sort $(dir $(shell grep -rlE --include='*_test.go' '[^A-Za-z](Try|Alone|Long)[^A-Za-z ]|testing[.]Short' .)))
RETRIES := $(CURDIR)/bin/retries
# Before others on the machine, if that is allowed.
NICE = $(shell nice -n -10 true 2>&1 | grep -q . || echo nice -n -10)
define again
	@mkdir -p bin && rm -f $(RETRIES)
	TEST_RETRIES=$(RETRIES) $(NICE) $(GO) test -p 1 $(1) -run '^($(2))$$$$' $(AGAIN)
	@if [ -e $(RETRIES) ]; then echo "what was measured again:"; cat $(RETRIES); fi
endef

lint: $(TOOLS)/golangci-lint ## Check style, errors and the import arrows
	$(TOOLS)/golangci-lint run ./...

bench: build $(TOOLS)/vegeta ## Compare the sender with the vegeta command line
	$(GO) run ./harness/attackbench -vegeta $(TOOLS)/vegeta

docs: build ## Write the program's own output into the documents again (five quiet minutes)
	$(GO) test ./cmd/tokendrill -run 'TestDocuments|TestHowtos' -update

REPORT ?= tokendrill-out/quick-7/report.html
picture: ## Take docs/report.png from REPORT (needs chromium and imagemagick)
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1200,2700 \
	  --screenshot=bin/report.png file://$(abspath $(REPORT)) 2>/dev/null
	convert bin/report.png -crop 1200x970+0+1110 +repage -resize 900x -colors 64 docs/report.png

tools: $(TOOLS)/golangci-lint $(TOOLS)/vegeta ## Install the pinned tools into bin/

$(TOOLS)/golangci-lint:
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

$(TOOLS)/vegeta:
	GOBIN=$(TOOLS) $(GO) install github.com/tsenart/vegeta/v12@$(VEGETA_VERSION)

# The software of others that docs/targets measures, and a real registry for tests. A policy keeps apt from starting any of it as a service.
E2E_PACKAGES := apache2 curl dbconfig-sqlite3 glewlwyd libapache2-mod-oauth2 libnginx-mod-http-js nginx openssl sqlite3
TEST_PACKAGES := nats-server
POLICY := /usr/sbin/policy-rc.d

deps-e2e: ## Install the software of others that the how-tos and tests run (Debian, needs root)
	@[ "$$(id -u)" = 0 ] || { echo "make deps-e2e calls apt-get: run it as root"; exit 1; }
	@if ! [ -e $(POLICY) ]; then trap 'rm -f $(POLICY)' EXIT; printf '#!/bin/sh\nexit 101\n' >$(POLICY); chmod 755 $(POLICY); fi; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(E2E_PACKAGES) $(TEST_PACKAGES)

e2e-images: ## Make container images of other people's software, for the tests (Debian, needs an engine)
	@harness/containers/images/build

clean: ## Remove what was built and written
	rm -rf bin tokendrill-out
