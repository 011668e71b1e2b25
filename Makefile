# `make` alone lists the targets. Every target that needs something installs it first (scripts/setup.sh).

ENGINE := .venv-engine/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup setup-training demo demo-own test test-faults test-seeds audit lint package screenshot bench-accuracy test-desktop guide release-check test-qgis-matrix clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing: QGIS, two Python environments, the demo's scene
	@scripts/setup.sh

setup-training: ## the same, and PyTorch for training: for processors, or CUDA where a GPU is (or TORCH=cpu, TORCH=cuda)
	@scripts/setup.sh training

demo: setup ## classify a Landsat scene in QGIS: map, picture, accuracy (build/demo)
	@scripts/demo.sh

demo-own: setup ## own classes on the same scene, from points that were digitised by eye: map, picture, report (build/demo-own)
	@scripts/demo_own.sh

test: setup ## ruff, mypy, and all tests: engine without QGIS, training, algorithms in QGIS
	@scripts/test.sh

test-faults: setup ## faults and files that mean harm: killed, starved, fed with harm (tests/faults/README.md; 20 minutes)
	@env -u QGIS_PREFIX_PATH PYTHONPATH=. $(ENGINE) -m pytest -q -s --import-mode=importlib tests/faults

test-seeds: setup-training ## every ability of training/README.md's table, as a user would run it, on made-up land (build/seeds)
	@env PYTHONPATH=. $(ENGINE) scripts/seed_table.py $(SEEDS)

audit: setup ## known flaws in the pinned packages: asks PyPI's advisory database
	@$(ENGINE) scripts/wheel_hashes.py --audit

lint: setup ## ruff and mypy only
	@scripts/lint.sh

package: guide ## the zip that QGIS installs (dist/)
	@/usr/bin/env python3 scripts/package.py

screenshot: ## the same classification in the QGIS desktop, photographed (build/demo/desktop.png)
	@scripts/setup.sh screenshot
	@scripts/screenshot.sh

bench-accuracy: ## accuracy report against reading the files, OTB and GRASS r.kappa on 20,000 × 20,000 pixels
	@scripts/setup.sh bench-accuracy
	@env PYTHONPATH=. $(ENGINE) benchmarks/accuracy.py $(BENCH)

test-desktop: ## a newcomer in the QGIS desktop without a screen: install the zip, dialog, batch, model (build/desktop-test)
	@scripts/setup.sh screenshot
	@scripts/desktop_test.sh

guide: setup ## the pages behind the buttons Help, from docs/*.md (set-up writes them)

release-check: setup ## zip, wheel, Bandit and detect-secrets; what a release would still be refused for (build/rehearsal)
	@scripts/release --rehearsal

test-qgis-matrix: ## the tests on QGIS 3.22, 3.34, 3.40, 3.44, each in a system of its own, and a table (as root; ONLY=trixie,sid)
	@/usr/bin/env python3 scripts/qgis_matrix --only "$(ONLY)" $(MATRIX)

clean: ## remove what the targets above made, except the environments
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .qgis-settings
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +
