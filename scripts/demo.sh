#!/usr/bin/env bash
# The main job on a real scene: a Landsat 7 image of Olinda, Brazil, classified by a bundled network in QGIS; then the
# picture, and the accuracy report at points that were read by eye. `make demo` installs first, then runs this.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=$PWD/build/demo
map=$out/olinda_landcover.tif
picture=$out/olinda_landcover.png
points=tests/data/olinda_points.csv
# The file's bands have no names; it holds Landsat 7's bands 1, 2, 3, 4, 5 and 7 in this order.
bands='3;2;1;4' # red, green, blue, near infrared

say() { printf '\n== %s\n' "$*"; }

# shellcheck source=scripts/environment.sh
scene=$(source scripts/environment.sh && echo "$LULC_SCENE")
mkdir -p "$out"
rm -f "${map%.tif}".* "$out"/accuracy.*

say "Classify land cover, in QGIS"
echo "scripts/qgis_process run lulc:classifylandcover -- INPUT=$scene 'BANDS=$bands' OUTPUT=$map"
scripts/qgis_process run lulc:classifylandcover -- "INPUT=$scene" "BANDS=$bands" "OUTPUT=$map" | tee "$out/log.txt"

say "Picture, drawn by QGIS with the layer's own style"
(
    source scripts/environment.sh
    .venv/bin/python -P scripts/render_map.py "$scene" "$map" "$picture" --bands 3,2,1 \
        --title "Land cover of Olinda, Brazil" \
        --footer "Landsat 7 ETM+, 28.5 m, 10 km wide.  Classified with QGIS and Land Cover Classifier $(sed -n 's/^version=//p' metadata.txt).  Shares are of the valid pixels."
)
echo "$picture"

say "Accuracy report, in QGIS: points that were read by eye and never used for training"
# drawn at random, one in each cell of a regular grid (tests/data/README.md)
layer="delimitedtext://file://$PWD/$points?type=csv&xField=x&yField=y&crs=EPSG:31985&spatialIndex=no"
clear="&subset=%22confidence%22%20%3C%3E%20'unclear'"
report() { # title, layer, report without its extension
    printf '\n%s\n' "$1"
    scripts/qgis_process run lulc:accuracyreport -- "MAP=$map" "REFERENCE_FEATURES=$2" DESIGN=simple \
        "OUTPUT_HTML=$3.html" "OUTPUT_CSV=$3.csv" "OUTPUT_JSON=$3.json" | tee -a "$out/log.txt" |
        sed -n -e '/compared\. Overall/s/^[^0-9]*//p' -e '/^[A-Z_0-9]*:\t/p' | grep -v -e OUTPUT_ -e '^MAP' -e '^REF' -e '^DESIGN'
}
report "All 180 points:" "$layer" "$out/accuracy"
report "Without the points that were unclear to the eye:" "$layer$clear" "$out/accuracy_clear"

say "Where everything is"
cat <<TEXT
map       $map
picture   $picture
report    $out/accuracy.html (.csv, .json: the same numbers)
log       $out/log.txt
TEXT
