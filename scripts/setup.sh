#!/usr/bin/env bash
# Install what is missing, and nothing else; asks only apt and PyPI, and for PyTorch's build for processors the index of
# the PyTorch project. Safe to run again: quick when all is there.
#
#     scripts/setup.sh              QGIS, two Python environments, the demo's scene   (make setup)
#     scripts/setup.sh training     the same, and PyTorch                             (make setup-training)
#                                   (TORCH=cpu or TORCH=cuda says which build; else a GPU that nvidia-smi lists decides)
#     scripts/setup.sh screenshot   the same, and what a desktop picture needs        (make screenshot)
#     scripts/setup.sh bench-accuracy   the same, and OTB and GRASS to compare with   (make bench-accuracy)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

part=${1:-base}
case $part in base | training | screenshot | bench-accuracy) ;; *)
    echo "Usage: scripts/setup.sh [base|training|screenshot|bench-accuracy]" >&2
    exit 2
    ;;
esac

PYTHON=/usr/bin/python3 # Debian's own: another python3 on PATH (pyenv, conda) does not see QGIS
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/landcover_classifier
SCENE=$CACHE/scenes/L7_ETMs.tif
SCENE_SHA256=3b722bf4470144b6691bf720bac08f47c99464acff4dd258252891c06312678e

say() { printf 'setup: %s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# ---- Debian packages -------------------------------------------------------------------------------------------------

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

lists_updated=no
update_package_lists() {
    if [ "$lists_updated" = no ]; then
        say "apt-get update"
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update >"$log" 2>&1 || { cat "$log" >&2; fail "apt-get update failed."; }
        lists_updated=yes
    fi
}

need_root() { # what for
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "$1 needs root: run this as root, or install sudo, or install by hand: $2"
        say "using sudo: $1"
    fi
}

install_packages() {
    local missing=() package
    for package in "$@"; do
        if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" != installed ]; then
            missing+=("$package")
        fi
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "Debian packages are there"
        return
    fi
    need_root "installing Debian packages" "apt-get install --no-install-recommends ${missing[*]}"
    update_package_lists
    say "installing ${missing[*]} (QGIS alone takes some minutes; progress: tail -f $log)"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 ||
        { tail -n 40 "$log" >&2; fail "apt-get could not install them."; }
}

# ---- Python environments ---------------------------------------------------------------------------------------------

make_environment() { # folder, options of venv
    local folder=$1
    shift
    if [ ! -e "$folder" ]; then
        say "making $folder"
        "$PYTHON" -m venv "$@" "$folder"
    fi
    "$folder/bin/python" -c 'import pip' 2>/dev/null ||
        fail "$folder is broken (perhaps the system's Python changed): remove it and run this again."
}

install_requirements() { # folder, requirements file, further pip options
    local folder=$1 requirements=$2 stamp wanted
    shift 2
    stamp=$folder/.installed-$(basename "$requirements" .txt)
    wanted=$( { "$folder/bin/python" -VV; echo "$@"; for f in "$requirements" "$folder"/constraints.txt; do if [ -e "$f" ]; then cat "$f"; fi; done; } | sha256sum)
    if [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then
        say "$folder has $requirements"
        return
    fi
    say "pip install -r $requirements into $folder"
    "$folder/bin/python" -m pip --disable-pip-version-check install -q -r "$requirements" "$@"
    printf '%s\n' "$wanted" >"$stamp"
}

# ---- PyTorch ---------------------------------------------------------------------------------------------------------

# PyPI has the build for CUDA only (on Linux); this is where the PyTorch project publishes the one for processors.
CPU_WHEELS=https://download.pytorch.org/whl/cpu

torch_there() { # folder: cpu, cuda or none
    "$1/bin/python" -c 'import torch; print("cuda" if torch.version.cuda else "cpu")' 2>/dev/null || echo none
}

install_torch() { # folder, requirements file: the build that suits this machine, unless one is there
    local folder=$1 wanted=${TORCH:-} there pins
    there=$(torch_there "$folder")
    if [ -z "$wanted" ]; then
        wanted=cpu
        if nvidia-smi -L 2>/dev/null | grep -q '^GPU'; then wanted=cuda; fi
        if [ "$there" = cuda ]; then wanted=cuda; fi # it runs on processors, too
    fi
    case $wanted in cpu | cuda) ;; *) fail "TORCH=$wanted is no build of PyTorch: say TORCH=cpu or TORCH=cuda." ;; esac
    if [ "$there" != none ] && [ "$there" != "$wanted" ]; then
        say "removing the build of PyTorch for $there"
        "$folder/bin/python" -m pip uninstall -q -y torch torchvision
    fi
    mapfile -t pins < <(grep -E '^torch(vision)?==' "$2")
    if [ "$wanted" = cpu ]; then
        [ "$there" = cpu ] || say "PyTorch for processors: 0.2 GB to download, 0.8 GB on the disk (TORCH=cuda for a GPU)"
        "$folder/bin/python" -m pip --disable-pip-version-check install -q --retries 1 --index-url "$CPU_WHEELS" "${pins[@]}" ||
            fail "PyTorch for processors could not be had from $CPU_WHEELS. TORCH=cuda takes the build of PyPI: 3 GB to download, and it runs without a GPU, too."
    else
        [ "$there" = cuda ] || say "PyTorch for CUDA: 3 GB to download, 7 GB on the disk (TORCH=cpu for the build of 0.2 GB)"
        "$folder/bin/python" -m pip --disable-pip-version-check install -q "${pins[@]}"
    fi
}

# ---- the demo's scene ------------------------------------------------------------------------------------------------

is_the_scene() { echo "$SCENE_SHA256  $1" | sha256sum --check --status 2>/dev/null; }

get_scene() {
    if is_the_scene "$SCENE"; then
        say "the demo's scene is there"
        return
    fi
    say "taking the demo's scene (Landsat 7, Olinda, Brazil) out of the Debian package r-cran-stars"
    local unpack=$work/scene
    mkdir "$unpack"
    if [ "$(id -u)" -eq 0 ] && id -u _apt >/dev/null 2>&1; then
        chmod 0711 "$work" # as root, apt downloads as the user _apt
        chown _apt "$unpack"
    fi
    (cd "$unpack" && apt-get -q download r-cran-stars) >"$log" 2>&1 || {
        need_root "apt-get update" "apt-get update"
        update_package_lists
        (cd "$unpack" && apt-get -q download r-cran-stars) >"$log" 2>&1 || { cat "$log" >&2; fail "apt-get could not download r-cran-stars."; }
    }
    dpkg -x "$unpack"/r-cran-stars_*.deb "$unpack/files"
    local found=$unpack/files/usr/lib/R/site-library/stars/tif/L7_ETMs.tif
    is_the_scene "$found" || fail "the scene in this r-cran-stars is not the one this project knows (its SHA-256 differs)."
    mkdir -p "${SCENE%/*}"
    cp "$found" "$SCENE.part"
    mv "$SCENE.part" "$SCENE"
}

# ---- all of it -------------------------------------------------------------------------------------------------------

command -v apt-get >/dev/null ||
    fail "this set-up works with apt (Debian 12 or newer). Elsewhere: see 'Requirements' in README.md."

mkdir -p "$CACHE"
exec 9>"$CACHE/setup.lock"
flock 9 # two set-ups at a time would write into the same folders
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log

# scipy: up to Debian 13 it comes with QGIS, later it does not.
packages=(qgis python3-qgis qgis-providers python3-rasterio python3-scipy python3-venv python3-pytest fonts-dejavu-core)
if [ "$part" = screenshot ]; then
    packages+=(xvfb xauth openbox imagemagick)
elif [ "$part" = bench-accuracy ]; then
    packages+=(otb-bin grass-core)
fi
install_packages "${packages[@]}"

# .venv sees QGIS and Debian's own rasterio. pip must not put another numpy over the system's: everything compiled
# against that one (GDAL, rasterio, scipy) would stop working.
make_environment .venv --system-site-packages
"$PYTHON" -c 'import numpy; print(f"numpy=={numpy.__version__}")' >.venv/constraints.txt
install_requirements .venv requirements/qgis.txt -c .venv/constraints.txt

# .venv-engine does not see QGIS: the engine must work, and be tested, without it.
make_environment .venv-engine
install_requirements .venv-engine requirements/engine.txt
if [ "$part" = training ]; then
    install_torch .venv-engine requirements/training.txt
    install_requirements .venv-engine requirements/training.txt
    say "PyTorch for $(torch_there .venv-engine) is there; .venv-engine takes $(du -shL .venv-engine | cut -f1) of the disk"
fi

get_scene
# the checkout is a plugin, too: its Help buttons open these pages
say "$(.venv-engine/bin/python scripts/make_guide.py)"
say "ready"
