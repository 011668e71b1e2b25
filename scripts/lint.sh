#!/usr/bin/env bash
# ruff and mypy (engine, training, adapters): what `make lint`, `make test` and pre-commit run.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
root=$PWD
PYTHON=$root/.venv-engine/bin/python
status=0

"$PYTHON" -m ruff check . || status=1
"$PYTHON" -m ruff format --check --quiet . || { echo "ruff format would change files"; status=1; }

types() { # what is checked, then options and packages of mypy: each set of options has a cache of its own
    local name=$1
    shift
    "$PYTHON" -m mypy --config-file "$root/pyproject.toml" --cache-dir "$root/.mypy_cache/$name" "$@" || status=1
}
PYTHONPATH=. types engine --strict -p lulc_plugin
# without PyTorch (make setup-training) its types are unknown, and so are those of what derives from them
PYTHONPATH=. types training -p training
# In QGIS the checkout is the package landcover_classifier; PyQGIS has no types here, so it is Any.
plugins=$(mktemp -d)
trap 'rm -rf "$plugins"' EXIT
ln -s "$root" "$plugins/landcover_classifier"
cd "$plugins" && MYPYPATH=$plugins types adapters --disallow-untyped-defs -p landcover_classifier.algorithms
exit "$status"
