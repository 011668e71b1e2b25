#!/usr/bin/env bash
# A newcomer in the QGIS desktop, on a screen that nobody sees: install the zip, load the sample, classify it from the
# dialog, as a batch and in a model; layers, legends and pictures are checked. `make test-desktop` runs this.
#
#     scripts/desktop_test.sh [ZIP]     pictures: build/desktop-test/*.png; status 1 if anything is not as it should be
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -z "${LULC_IN_XVFB:-}" ]; then
    exec env LULC_IN_XVFB=1 xvfb-run -a --server-args="-screen 0 1600x1000x24" scripts/desktop_test.sh "$@"
fi

export LULC_DISPLAY=1
# shellcheck source=scripts/environment.sh
source scripts/environment.sh
unset QT_QPA_PLATFORM QGIS_PLUGINPATH # the checkout is not the plugin here: the zip is
work=$(mktemp -d)
export LULC_WORK=$work LULC_READY=$work/ready LULC_PICTURES=$PWD/build/desktop-test
rm -rf "$LULC_PICTURES"
mkdir -p "$LULC_PICTURES"

if [ $# -gt 0 ]; then
    LULC_ZIP=$(realpath "$1")
else
    /usr/bin/env -u PYTHONPATH python3 scripts/package.py --out "$work/dist" | tail -n 1
    LULC_ZIP=$(echo "$work"/dist/*.zip)
fi
export LULC_ZIP

# A profile that nobody has used; the desktop would enable providers of its own that have no programs here.
export QGIS_CUSTOM_CONFIG_PATH=$work/profile
mkdir -p "$work/profile/profiles/default/QGIS"
printf '[PythonPlugins]\ngrassprovider=false\nsagaprovider=false\n' >"$work/profile/profiles/default/QGIS/QGIS3.ini"

openbox >"$work/openbox.log" 2>&1 &
manager=$!
trap 'kill "$manager" ${desktop:+"$desktop"} 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
program=$(command -v qgis.bin || command -v qgis)
"$program" --nologo --noversioncheck --code scripts/desktop_test.py >"$LULC_PICTURES/qgis.log" 2>&1 &
desktop=$!

for _ in $(seq 600); do # five minutes
    if [ -e "$LULC_READY" ]; then break; fi
    kill -0 "$desktop" 2>/dev/null || break
    sleep 0.5
done
report=$LULC_PICTURES/checks.txt
if [ -e "$LULC_READY" ]; then
    cp "$LULC_READY" "$report"
else
    cat "$work/ready.steps" >"$report" 2>/dev/null || true
    echo "QGIS ended, or five minutes were over, before the last step." >>"$report"
fi
cat "$report"
echo "pictures: $LULC_PICTURES"
if [ "$(tail -n 1 "$report")" != ok ]; then
    echo "The desktop test failed; QGIS said:" >&2
    tail -n 15 "$LULC_PICTURES/qgis.log" >&2
    exit 1
fi
