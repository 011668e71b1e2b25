#!/usr/bin/env bash
# ruff, mypy, and four runs of pytest. All run even when one fails; the last line has the sums.
#
#     scripts/test.sh                    everything
#     scripts/test.sh engine -k legend   one run, with further arguments for pytest (engine, scripts, training or qgis)
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

only=${1:-all}
case $only in all | engine | scripts | training | qgis) ;; *)
    echo "Usage: scripts/test.sh [engine|scripts|training|qgis] [arguments of pytest]" >&2
    exit 2
    ;;
esac
shift $(($# > 0))
ENGINE=$PWD/.venv-engine/bin/python
QGIS=$PWD/.venv/bin/python
WITHOUT_QGIS=(env -u QGIS_CUSTOM_CONFIG_PATH -u QGIS_PLUGINPATH -u QGIS_PREFIX_PATH -u QT_QPA_PLATFORM PYTHONPATH=.)

# Qt wants a folder of its own for sockets, readable by nobody else.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

passed=0 failed=0 skipped=0 bad=()

step() { # name, command: run, time, remember a failure
    local name=$1 begin=$SECONDS status=0
    shift
    printf '\n== %s\n' "$name"
    "$@" || status=$?
    printf -- '-- %s: %s, %d s\n' "$name" "$([ "$status" -eq 0 ] && echo ok || echo "FAILED ($status)")" $((SECONDS - begin))
    [ "$status" -eq 0 ] || bad+=("$name")
}

count() { # word of pytest's summary
    grep -oE "[0-9]+ $1" <<<"$summary" | grep -oE '^[0-9]+' || echo 0
}

tests() { # folder, environment and Python: one pytest; its summary is added to the sums
    local folder=$1 status=0 summary
    shift
    if [ -z "$(find "$folder" -name 'test_*.py' -print -quit)" ]; then
        echo "$folder has no tests"
        return
    fi
    "$@" -m pytest -q -rs --import-mode=importlib "$folder" ${pytest_arguments[@]+"${pytest_arguments[@]}"} 2>&1 | tee "$work/output"
    status=${PIPESTATUS[0]}
    summary=$(sed 's/\x1b\[[0-9;]*m//g' "$work/output" | grep -E '^=*[ ]?([0-9]+ [a-z]+|no tests ran).* in [0-9.]+s' | tail -n 1)
    passed=$((passed + $(count passed)))
    failed=$((failed + $(count failed) + $(count error)))
    skipped=$((skipped + $(count skipped)))
    if [ "$status" -eq 5 ] && [ "$(count skipped)" -gt 0 ]; then
        status=0 # nothing collected because whole files skip themselves
    elif [ -z "$summary" ]; then
        failed=$((failed + 1)) # it died
    fi
    return "$status"
}

no_qgis_here() {
    if "${WITHOUT_QGIS[@]}" "$ENGINE" -c 'import qgis' 2>/dev/null; then
        echo "The engine's environment can import qgis: its tests would prove nothing." >&2
        return 1
    fi
    echo "import qgis fails, as it should"
}

pytest_arguments=("$@")
if [ "$only" = all ]; then
    step "ruff and mypy" scripts/lint.sh
fi
if [ "$only" = all ] || [ "$only" = engine ]; then
    step "the engine's environment has no QGIS" no_qgis_here
    # A process for each core, as these are most of the time; the tests of a file share what they prepare.
    pytest_arguments=(-n auto --maxprocesses 4 --dist loadfile "$@")
    step "tests/engine, without QGIS" tests tests/engine "${WITHOUT_QGIS[@]}" "$ENGINE"
    pytest_arguments=("$@")
fi
if [ "$only" = all ] || [ "$only" = scripts ]; then
    step "tests/scripts" tests tests/scripts "${WITHOUT_QGIS[@]}" "$ENGINE"
fi
if [ "$only" = all ] || [ "$only" = training ]; then
    step "tests/training" tests tests/training "${WITHOUT_QGIS[@]}" "$ENGINE"
fi
if [ "$only" = all ] || [ "$only" = qgis ]; then
    # QGIS tidying up after itself crashes on 3.44 with Python 3.14, when every test has ended but none is counted yet
    pytest_arguments+=(--qgis_disable_exit)
    rm -rf .qgis-settings # pytest-qgis keeps QGIS's settings there; each run begins without any
    # -P: the checkout must not be on sys.path inside QGIS. The platform must be known before pytest starts.
    step "tests/qgis, in QGIS" tests tests/qgis env -u PYTHONPATH -u QGIS_CUSTOM_CONFIG_PATH -u QGIS_PLUGINPATH \
        QT_QPA_PLATFORM=offscreen XDG_RUNTIME_DIR="$work" "$QGIS" -P
fi

printf '\n'
[ ${#bad[@]} -eq 0 ] || printf 'Failed: %s\n' "$(IFS=';' && echo "${bad[*]}")"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ ${#bad[@]} -eq 0 ]
