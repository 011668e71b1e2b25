# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of help pages about a map's reference, for every algorithm that has one."""

from __future__ import annotations

from .helptext import Paragraph

#: The reference, its classes, and how it was chosen.
NEEDS: tuple[Paragraph, ...] = (
    (
        "Reference",
        (
            "exactly one of two. A raster may have another grid, extent, coordinate system or no-data value: the"
            " value of the reference cell under the centre of each map pixel counts, and the map is never"
            " resampled. Points or polygons may come from any vector layer; a filter on the layer and the tick"
            " 'Selected features only' are honoured. A point counts at the pixel it falls in, a polygon at the"
            " pixels whose centres it holds."
        ),
    ),
    (
        "Field",
        (
            "holds the class of each feature: a value of the map, or the name of a class as the legend of the map"
            " writes it (capitals do not matter). Empty takes the field ref_class. Features whose field is empty"
            " are left out and counted."
        ),
    ),
    (
        "Class table",
        (
            "only when map and reference use other values for the same class. Each row ties a map value to a"
            " reference value or name; rows may repeat either, which merges classes. On the command line write the"
            " cells one after the other, CLASS_TABLE=1,10,2,20, or give CLASS_TABLE_FILE, a CSV file whose first"
            " line is map,reference."
        ),
    ),
    (
        "How the reference was chosen (DESIGN) decides which figures have confidence intervals. Nothing is guessed:"
        " the second line of the report says in words what was assumed."
    ),
    (
        "auto",
        (
            "a raster that covers at least 95 % of the map is a census; points from Draw a reference sample are"
            " stratified; anything else is descriptive."
        ),
    ),
    (
        "census",
        (
            "the reference covers the whole map. Every figure is exact for this reference, so there are no"
            " intervals: there is no sampling error to show."
        ),
    ),
    (
        "simple",
        (
            "points drawn at random (or on a regular grid) over the whole map, without regard to its classes."
            " Intervals follow from the number of points. A warning appears when the points are not spread"
            " over the classes as the map is."
        ),
    ),
    (
        "stratified",
        (
            "points drawn at random within strata, usually the map's classes. Every point is weighted with"
            " the area of its stratum (Olofsson et al. 2014, Stehman 2014). If the strata are not the"
            " classes of this map, say where they are: a raster (Strata) or a field of the points."
        ),
    ),
    (
        "polygons",
        (
            "polygons drawn at random, each one a cluster of pixels. Intervals follow from the number of"
            " polygons, not of pixels, and need at least ten."
        ),
    ),
    (
        "descriptive",
        (
            "none of these: points or polygons picked by hand, training data, whatever was at hand. The"
            " figures then describe these places and not the map, so hand-picked points get no confidence"
            " intervals, however many there are. To get intervals, draw them with Draw a reference"
            " sample, label them, and come back."
        ),
    ),
    (
        "Strata",
        (
            "sizes of strata come from the strata raster, else from the fields stratum_px or stratum_ha, else from"
            " the map when its classes are the strata."
        ),
    ),
)


#: The files of a report.
RETURNS: tuple[Paragraph, ...] = (
    (
        "Report",
        (
            "one HTML file without scripts and without network that opens from the results viewer (menu Processing,"
            " Results Viewer), prints, and whose tables paste into a spreadsheet. Rows are always the map, columns"
            " the reference."
        ),
    ),
    ("CSV and JSON", "the same numbers in full precision, for spreadsheets and programs."),
)


#: What no report can do.
LIMITS: tuple[Paragraph, ...] = (
    (
        "A report is as good as its reference: errors of the reference count as errors of the map. Pixels of one"
        " polygon are not independent of each other; thousands of them in a few polygons say little about a map."
    ),
    (
        "Kappa is printed because reviewers ask for it. It corrects for a chance agreement that is not the"
        " reference for a map's quality (Pontius & Millones 2011)."
    ),
    (
        "Rasters that are not read from a file or address by GDAL must be saved as a GeoTIFF first. A map with more"
        " than 1,000 different values is not taken for a class map. Settings of a raster layer in QGIS other than"
        " its class names, like additional no-data values, are not used."
    ),
)
