#!/usr/bin/env bash
# ruff and mypy: what `make lint`, `make test` and pre-commit run.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
PYTHON=$PWD/.venv-engine/bin/python
status=0

"$PYTHON" -m ruff check . || status=1
"$PYTHON" -m ruff format --check --quiet . || { echo "ruff format would change files"; status=1; }
PYTHONPATH=. "$PYTHON" -m mypy -p lulc_plugin || status=1
exit "$status"
