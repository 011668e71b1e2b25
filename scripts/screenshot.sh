#!/usr/bin/env bash
# A photograph of the QGIS desktop after an algorithm has run in it, without needing a screen.
# `make screenshot` installs what it needs (Xvfb, a window manager), then runs this.
#
#     scripts/screenshot.sh           Classify land cover: build/demo/desktop.png
#     scripts/screenshot.sh report    Accuracy report: build/demo/results-viewer.png, and its dialog beside it
#     scripts/screenshot.sh own       The loop of own classes: build/own-classes/*.png, and steps.csv
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

part=${1:-desktop}
case $part in
desktop) tour=scripts/desktop_tour.py picture=$PWD/build/demo/desktop.png ;;
report) tour=scripts/report_tour.py picture=$PWD/build/demo/results-viewer.png ;;
own) tour=scripts/own_classes_tour.py picture=$PWD/build/own-classes/end.png ;;
*)
    echo "Usage: scripts/screenshot.sh [desktop|report|own]" >&2
    exit 2
    ;;
esac

if [ -z "${LULC_IN_XVFB:-}" ]; then
    exec env LULC_IN_XVFB=1 xvfb-run -a --server-args="-screen 0 1600x1000x24" scripts/screenshot.sh "$part"
fi

export LULC_DISPLAY=1
# shellcheck source=scripts/environment.sh
source scripts/environment.sh
unset QT_QPA_PLATFORM
export LULC_MAP=$PWD/build/demo/olinda_landcover_$part.tif
export LULC_DIALOG=$PWD/build/demo/dialog.png
export LULC_CHECKOUT LULC_PICTURES=$PWD/build/own-classes
mkdir -p "$LULC_PICTURES"
work=$(mktemp -d)
export LULC_READY=$work/ready
# A fresh profile: the desktop enables plugins of its own that qgis_process would then complain about.
export QGIS_CUSTOM_CONFIG_PATH=$work/profile
mkdir -p build/demo "$work/profile/profiles/default/QGIS"
printf '[PythonPlugins]\nlandcover_classifier=true\ngrassprovider=false\nsagaprovider=false\n' \
    >"$work/profile/profiles/default/QGIS/QGIS3.ini"
rm -f "${LULC_MAP%.tif}".* "$picture"

openbox >"$work/openbox.log" 2>&1 &
manager=$!
trap 'kill "$manager" ${desktop:+"$desktop"} 2>/dev/null || true; rm -rf "$work"' EXIT
program=$(command -v qgis.bin || command -v qgis)
"$program" --nologo --noversioncheck --code "$tour" >"$work/qgis.log" 2>&1 &
desktop=$!

for _ in $(seq 1200); do # ten minutes
    if [ -e "$LULC_READY" ]; then break; fi
    kill -0 "$desktop" 2>/dev/null || break
    sleep 0.5
done
if [ "$(cat "$LULC_READY" 2>/dev/null || true)" != ok ]; then
    tail -n 30 "$work/qgis.log" >&2
    cat "$LULC_READY" >&2 2>/dev/null || true
    echo "The desktop did not get as far as a result." >&2
    exit 1
fi
sleep 2 # the last repaint
import -window root "$picture"
echo "$picture"
