#!/usr/bin/env bash
# Classes of one's own on the demo's scene: eleven classes from twenty points each, digitised from the picture; the map
# beside that of a forest on the bands and beside the bundled network's own. `make demo-own` installs first, then runs
# this; it takes about half a minute.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=$PWD/build/demo-own
# shellcheck source=scripts/environment.sh
scene=$(source scripts/environment.sh && echo "$LULC_SCENE")
rm -rf "$out"
mkdir -p "$out"
PYTHONPATH=. .venv-engine/bin/python scripts/demo_own.py "$scene" "$out"
(
    source scripts/environment.sh
    PYTHONPATH=$PYTHONPATH:$PWD/scripts .venv/bin/python -P scripts/render_maps.py "$scene" "$out/own_classes.png" "$out/own.tif=Own classes" \
        "$out/forest.tif=Forest on the bands" "$out/network.tif=The network's own six classes" --bands 3,2,1 \
        --title "Own classes of Olinda, Brazil" \
        --footer "Landsat 7 ETM+, 28.5 m. Trained from 220 points: eleven classes, twenty each, digitised from the picture. Land Cover Classifier $(sed -n 's/^version=//p' metadata.txt)."
)
echo "maps, report (own.html) and picture: $out"
