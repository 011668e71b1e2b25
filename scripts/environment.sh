# shellcheck shell=bash
# Sourced, not run: the environment in which QGIS sees this checkout as its plugin `landcover_classifier`.
#
# Everything QGIS writes goes to a private profile under ${XDG_CACHE_HOME:-~/.cache}/landcover_classifier, one for
# each checkout. It lies outside the checkout because the link to the checkout inside it would be an endless tree.
# Set LULC_DISPLAY=1 first to use a real display instead of Qt's offscreen platform.

LULC_CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
LULC_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/landcover_classifier
LULC_PRIVATE=$LULC_CACHE/checkouts/$(printf '%s' "$LULC_CHECKOUT" | sha256sum | cut -c1-12)
export LULC_SCENE=$LULC_CACHE/scenes/L7_ETMs.tif

lulc_private_profile() {
    local link=$LULC_PRIVATE/plugins/landcover_classifier
    local settings=$LULC_PRIVATE/profile/profiles/default/QGIS/QGIS3.ini
    mkdir -p "${link%/*}" "${settings%/*}"
    if [ "$(readlink "$link" || true)" != "$LULC_CHECKOUT" ]; then
        ln -sfn "$LULC_CHECKOUT" "$link"
    fi
    if ! grep -qs '^landcover_classifier=true' "$settings"; then
        # What `qgis_process plugins enable landcover_classifier` writes, without starting QGIS for it.
        { printf '[PythonPlugins]\nlandcover_classifier=true\n'; grep -sv '^landcover_classifier=' "$settings" || true; } >"$settings.$$"
        mv "$settings.$$" "$settings"
    fi
}

lulc_private_profile
export QGIS_CUSTOM_CONFIG_PATH=$LULC_PRIVATE/profile
export QGIS_PLUGINPATH=$LULC_PRIVATE/plugins

# QGIS embeds the system's Python; this is how it finds onnxruntime. Never the checkout itself: `models`, `tests` and
# `resources` would become importable packages.
PYTHONPATH=$(echo "$LULC_CHECKOUT"/.venv/lib/python3*/site-packages)
export PYTHONPATH
export PYTHONWARNINGS=${PYTHONWARNINGS:-ignore} # QGIS's own setapi() deprecation, at every start
unset PYTHONHOME

if [ -z "${LULC_DISPLAY:-}" ]; then
    export QT_QPA_PLATFORM=offscreen
fi
if [ -z "${XDG_RUNTIME_DIR:-}" ]; then
    XDG_RUNTIME_DIR=$LULC_PRIVATE/run
    mkdir -p "$XDG_RUNTIME_DIR"
    chmod 0700 "$XDG_RUNTIME_DIR"
    export XDG_RUNTIME_DIR
fi
