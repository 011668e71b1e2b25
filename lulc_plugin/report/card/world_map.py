# SPDX-License-Identifier: GPL-3.0-or-later
"""A small map of the world on which places are dots: plate carrée, the land drawn by hand for this program.

The outline is a few hundred corners, drawn after an atlas, accurate to a degree or two. That shows on which continent
a dot lies, not to measure anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: Longitude and latitude in degrees.
LonLat = tuple[float, float]

#: Latitudes of the upper and lower edge: what lies beyond is ice.
NORTH, SOUTH = 84.0, -58.0
_STEP = 30

_LAND = (
    # North and Central America
    "-168 66 -156 71 -141 70 -128 70 -115 68 -108 68 -95 69 -94 72 -82 69 -87 65 -94 61 -93 58 -85 56 -82 53 -80"
    " 51 -78 55 -78 62 -70 61 -65 58 -56 52 -60 50 -66 50 -65 48 -60 46 -66 44 -70 42 -74 40 -76 35 -81 31 -80 25"
    " -83 29 -90 29.5 -97 27 -97 22 -94 18 -90 21 -87 21 -88 16 -83 15 -83 10 -79 9 -77 8 -81 7.3 -86 11 -94 16"
    " -105 20 -109 26 -114 31.5 -109.7 23 -115 30 -118 34 -122 37 -124 43 -124 48 -131 55 -140 60 -150 60 -158 56"
    " -164 54.5 -158 58.5 -165 61",
    # South America
    "-77 8 -72 12 -62 10.5 -52 5 -50 0 -44 -2.5 -35 -6 -37 -12 -39 -17 -41 -22 -48 -26 -50 -30 -54 -34 -57 -38"
    " -62 -39 -65 -42 -66 -46 -69 -51 -66 -55 -72 -53 -75 -48 -73 -40 -71 -30 -70 -18 -76 -14 -81 -5 -80 1",
    # Greenland, Iceland, Svalbard, Novaya Zemlya
    "-45 60 -53 66 -55 70 -68 76 -60 81 -35 83.5 -18 80 -22 72 -32 68 -40 65",
    "-24 65.5 -22 64 -18 63.4 -13.7 65 -16 66.5 -22 66.3",
    "11 79 20 80.3 27 80 17 76.7",
    "52 71 56 74 68 77 62 74.5 57 71",
    # islands north and east of Canada
    "-80 73.5 -72 71.5 -62 66.5 -66 62.5 -73 64.5 -78 69 -89 71",
    "-117 72 -105 73 -102 69.5 -116 69.3",
    "-125 72 -121 74.3 -115 73.3 -123 71.2",
    "-90 77 -75 78.5 -63 82.5 -90 81.5",
    "-59 47.7 -56 51.5 -53 47",
    # Cuba, Hispaniola
    "-85 22 -80 23 -74.2 20.2 -77.5 19.9 -82 22.2",
    "-74.4 18.5 -73 19.9 -68.4 18.7 -71.5 17.8",
    # Africa, Madagascar
    "-6 36 10 37 11 34 20 31 32 31 33 28 37 20 39 16 43 12 51 12 47 4 40 -3 39 -8 40.5 -15 35 -20 35 -24 32.5 -28"
    " 27 -34 19 -34.5 15 -27 12 -18 13.5 -9 9 -1 9 4 4 6 -4 5 -8 4.5 -13 8 -17 14 -16 20 -13 27 -9 32",
    "49.3 -12 50.4 -15.8 47 -25 44 -24 43.5 -21 44.5 -16.3",
    # Europe and Asia
    "-9 37 -9 43 -1.5 43.5 -4.5 48.5 2 51 8 54 8 57 10.5 57.5 10 54 14 54 19 54.5 21 57 24 59 29 60 22 60.5 21.5"
    " 63 25 65.5 22 65.5 17.5 61 17 58 13 55.5 11 59 6 58.5 5 61 13 66 19 70 28 71 41 67 38 64.5 44 66 44 68.5 54"
    " 68.5 60 69 68 72.5 73 68 76 72 87 75 104 77.5 113 74 130 71.5 140 72.5 160 70 180 69 180 65 178 62.5 170 60"
    " 163 58 157 51 156 57 163 62 155 59.5 142 59 135 54.5 141 52 140 48 135 43.5 130 42.5 128 39 129 35.5 126.5"
    " 34.5 126 37.5 124 40 121 40.5 118 39 122 37 119 35 122 31 120 26.5 114 22.5 108 21.5 106 18.5 109 13 105 9"
    " 100 13.5 103.5 1.5 100 7 98 13 97 17 94 16 91 22.5 87 21 80 15.5 80 11 77.5 8 73 17 72 21 67 25 57 26 52"
    " 27.5 48 30 50 26 54 24 56 26 60 22.5 55 17.5 45 13 43 13 39 21 35 28 34.5 31 36 36 30.5 36.5 27.5 37 26.5 40"
    " 23 40.5 24 38 22.5 36.5 19.5 40 19.5 42 14 45.5 12.5 45 14 42.5 18.5 40 16 38 12.5 41.5 9 44.3 3.5 43.3 0"
    " 39.5 -2 37 -5.5 36",
    # Great Britain, Ireland, Sicily and Sardinia
    "-5.5 50 1.5 51.5 0 53.5 -2 56 -2 57.5 -5 58.5 -6 56 -3 54.5 -5 52",
    "-10 52 -6.2 52.2 -6 54.5 -8 55.2 -10 54",
    "12.5 38 15.5 38.2 15 36.7",
    "8.5 39 9.7 39.2 9.5 41.2 8.3 40.8",
    # Japan, Sakhalin, Taiwan, the Philippines
    "131 31.5 130 33.5 133 35.5 137 37 140 40.5 140.5 43 142 45.3 145 43.5 141.5 42 142 39.5 141 36 136 34",
    "142 54 143.5 49 142 46 142 50",
    "120.2 23 121.5 25.2 121 22",
    "120.5 18.5 122 18.5 121.5 14 124 12.7 120.5 14",
    "122 7 126 6.5 126 9.5 123.5 8.5",
    # Borneo, Sumatra, Java, Sulawesi, New Guinea, Sri Lanka
    "109 1.5 113 3.3 117 7 119 5 117.5 1 116 -4 110.5 -3",
    "95.3 5.6 98 4.5 104 -2 106 -6 102 -4 97 1.5",
    "105.2 -6.8 106 -6 114.5 -7.5 114.3 -8.7 108 -7.8",
    "119 -5.5 119.5 .5 125 1.5 120.5 .3 121 -1 123 -4 121 -4 120.3 -5.5",
    "131 -1 135 -3.3 138 -1.6 145 -4.5 148 -6 147 -7 150.5 -10.5 146 -9 143 -8.5 138 -8.3 138 -6 133 -4",
    "79.8 8 81.8 7 80.5 6",
    # Australia, Tasmania, New Zealand
    "114 -22 122 -18 126 -14 131 -12 136 -12 135.5 -15 140 -17.5 142.5 -10.8 145.5 -15 149 -20.5 153 -25 153 -30"
    " 150 -37.5 144 -38.5 139.5 -36.5 137.5 -33.5 135 -34.8 131 -31.5 124 -33 118 -35 115 -34 114.5 -28",
    "144.7 -40.8 148.3 -40.9 147 -43.5 145.5 -43",
    "172.7 -34.5 175.5 -36.8 178.5 -37.7 175 -41.5 173.8 -39.3 174.8 -37.8",
    "166.5 -46 172.7 -40.6 174.2 -41.5 171 -44.5 170 -46.5",
)
#: The Black and the Caspian Sea lie within Europe and Asia.
_LAKES = (
    "28 42 30.5 46 33 46 33.5 44.7 35 45 37 46.5 39 47 37.5 45 41.5 42 38 41 33 42 29 41.2",
    "47 44.5 48 46.3 53 46.5 50.5 44.5 54 41 54 37 50 37.5 49.5 40.5",
)


@dataclass(frozen=True)
class WorldMap:
    """The drawing: SVG path data of land and lines in degrees east of 180° W and south of `NORTH`, and the dots.

    Attributes:
        id, title, caption: as of a table.
        dots: (x, y) of each place, in the same degrees.
        label: what a screen reader says instead.
    """

    id: str
    title: str
    caption: str
    dots: tuple[tuple[float, float], ...]
    label: str
    width: float = 360.0
    height: float = NORTH - SOUTH

    @property
    def land(self) -> str:
        """Path of the land, inland seas cut out (fill rule even-odd)."""
        return _path((*_LAND, *_LAKES))

    @property
    def graticule(self) -> str:
        """Path of the meridians and parallels."""
        lines = [f"M{x} 0V{self.height:g}" for x in range(_STEP, 360, _STEP)]
        lines += [f"M0 {NORTH - lat:g}H360" for lat in range(-30, 61, _STEP)]
        return "".join(lines)


def world_map(id: str, title: str, caption: str, places: Iterable[LonLat]) -> WorldMap:
    """A map of `places`, one dot for all that fall on the same tenth of a degree; those off the map are left out."""
    dots = sorted({(round(lon + 180, 1), round(NORTH - lat, 1)) for lon, lat in places if _on_map(lon, lat)})
    return WorldMap(id, title, caption, tuple(dots), _described(dots))


def _on_map(lon: float, lat: float) -> bool:
    return -180 <= lon <= 180 and SOUTH <= lat <= NORTH


def _described(dots: Iterable[tuple[float, float]]) -> str:
    """The places in words: how many, and from where to where."""
    dots = list(dots)
    if not dots:
        return "World map without places."
    west, east = (_degrees(f(x for x, _ in dots) - 180, "E", "W") for f in (min, max))
    south, north = (_degrees(NORTH - f(y for _, y in dots), "N", "S") for f in (max, min))
    count = f"{len(dots)} places" if len(dots) > 1 else "1 place"
    return f"World map with {count}, from {west} to {east} and from {south} to {north}."


def _degrees(value: float, positive: str, negative: str) -> str:
    return f"{abs(value):.0f}° {positive if value >= 0 else negative}"


def _path(rings: Iterable[str]) -> str:
    drawn = []
    for ring in rings:
        numbers = [float(n) for n in ring.split()]
        corners = [f"{lon + 180:g} {NORTH - lat:g}" for lon, lat in zip(numbers[::2], numbers[1::2])]
        drawn.append(f"M{'L'.join(corners)}Z")
    return "".join(drawn)
