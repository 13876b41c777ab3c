# Each verb is one line: scripts/node.sh brings a fitting Node and the dependencies along, the work is done in TypeScript.
NODE = sh scripts/node.sh

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 22

start: ## Start the portal with sample data and a first scan, and stay up
	@$(NODE) scripts/start.ts

test: ## Everything: generated files, lint, import rules, types, tests
	@$(NODE) scripts/check.ts

check: test ## The same by its other name

unit: ## Test files only; ONLY=part-of-a-name picks some
	@$(NODE) scripts/test.ts $(ONLY)

generate: ## Write generated/ from spec/ and migrations/
	@$(NODE) scripts/generate.ts

lint: ## Lint only
	@$(NODE) scripts/check.ts lint

types: ## Type check only
	@$(NODE) scripts/check.ts types

vulndb: ## Fetch vulnerability data now; FROM=zip-or-folder imports an offline copy
	@$(NODE) scripts/vulndb.ts $(if $(FROM),"$(FROM)")

client: ## Pack the client and command line as a tarball that installs anywhere
	@$(NODE) scripts/client.ts

fuzz: ## Send made-up requests to every operation for MINUTES=60, from SEED=the-time; ONLY=operationIds
	@TEST_FUZZ_SEED=$(or $(SEED),$$(date +%s)) TEST_FUZZ_MINUTES=$(or $(MINUTES),60) TEST_FUZZ_ONLY=$(ONLY) $(NODE) test/contract/fuzz.test.ts

bench: ## Measure requests per second, start-up and scans
	@$(NODE) test/bench/bench.ts

seed-scale: ## Fill an empty database with 10,000,000 findings; SCALE=0.1 for a tenth
	@$(NODE) test/bench/scale/seed.ts

load: ## 200 virtual users on what seed-scale made
	@$(NODE) test/bench/scale/load.ts

database: ## Run the embedded database alone, for a look inside
	@$(NODE) scripts/embedded.ts run

clean: ## Remove what was installed and built, but no data
	rm -rf node_modules .tools coverage

.PHONY: help start test check unit generate lint types vulndb client fuzz bench seed-scale load database clean
