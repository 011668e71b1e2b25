# SPDX-License-Identifier: GPL-3.0-or-later
"""From a job to the files a user asked for: assess or compare, then write."""

from __future__ import annotations

from ...assess import AssessJob, Assessment, Comparison, assess, compare, write_disagreement
from ...progress import Progress
from ...raster import check_target
from .files import check_outputs, write


def assess_and_report(job: AssessJob, progress: Progress) -> Assessment:
    """Assess a map and write what `job.outputs` wants.

    Raises:
        LulcError: input that cannot be used, or a place that cannot be written (said before work starts).
        CancelledError: the user stopped.
    """
    read = _inputs(job)
    check_outputs(job.outputs, read)
    if job.outputs.disagreement is not None:
        check_target(job.outputs.disagreement, read)
    result = assess(job, progress)
    if job.outputs.disagreement is not None:
        write_disagreement(job, result, progress)
    write(result, job.outputs, progress.door)
    progress.report(100)
    return result


def compare_and_report(job: AssessJob, progress: Progress) -> Comparison:
    """Compare two maps and write what `job.outputs` wants.

    Raises:
        LulcError: input that cannot be used, or a place that cannot be written (said before work starts).
        CancelledError: the user stopped.
    """
    check_outputs(job.outputs, _inputs(job))
    result = compare(job, progress)
    write(result, job.outputs, progress.door)
    progress.report(100)
    return result


def _inputs(job: AssessJob) -> tuple[str, ...]:
    """Files that a job reads: nothing may be written over them."""
    rasters = (*job.maps, job.reference, job.options.strata)
    features = "" if job.features is None else job.features.path
    return (*(raster.path for raster in rasters if raster is not None), features, job.options.class_table_file)
