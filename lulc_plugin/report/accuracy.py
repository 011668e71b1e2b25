# SPDX-License-Identifier: GPL-3.0-or-later
"""From a job to the files a user asked for: assess or compare, then write."""

from __future__ import annotations

from ..assess.assessment import assess
from ..assess.compared import compare
from ..assess.disagreement import write_disagreement
from ..assess.job import AssessJob, CompareJob
from ..assess.result import Assessment, Comparison
from ..progress import Progress
from ..raster.output import check_target
from . import check_outputs, write


def assess_and_report(job: AssessJob, progress: Progress) -> Assessment:
    """Assess a map and write what `job.outputs` wants.

    Raises:
        LulcError: input that cannot be used, or a place that cannot be written (said before work starts).
        CancelledError: the user stopped.
    """
    check_outputs(job.outputs)
    if job.outputs.disagreement is not None:
        read = (job.map.path, *(() if job.reference is None else (job.reference.path,)))
        check_target(job.outputs.disagreement, read)
    result = assess(job, progress)
    if job.outputs.disagreement is not None:
        write_disagreement(job, result, progress)
    write(result, job.outputs)
    progress.report(100)
    return result


def compare_and_report(job: CompareJob, progress: Progress) -> Comparison:
    """Compare two maps and write what `job.outputs` wants.

    Raises:
        LulcError: input that cannot be used, or a place that cannot be written (said before work starts).
        CancelledError: the user stopped.
    """
    check_outputs(job.outputs)
    result = compare(job, progress)
    write(result, job.outputs)
    progress.report(100)
    return result
