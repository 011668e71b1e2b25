# SPDX-License-Identifier: GPL-3.0-or-later
"""From a job to the files a user asked for: assess or compare, then write."""

from __future__ import annotations

from ...assess import AssessJob, Assessment, Comparison, Estimate, assess, compare, write_disagreement
from ...progress import Progress
from ...raster import check_target
from .design_sentences import design_sentence
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
    _log_assessment(result, progress)
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
    _log_comparison(result, progress)
    write(result, job.outputs, progress.door)
    progress.report(100)
    return result


def _inputs(job: AssessJob) -> tuple[str, ...]:
    """Files that a job reads: nothing may be written over them."""
    rasters = (*job.maps, job.reference, job.options.strata)
    features = "" if job.features is None else job.features.path
    return (*(raster.path for raster in rasters if raster is not None), features, job.options.class_table_file)


def _log_design(result: Assessment | Comparison, progress: Progress) -> None:
    progress.conclude(design_sentence(result))
    for sentence in result.context.alignment:
        progress.log(sentence)


def _log_assessment(result: Assessment, progress: Progress) -> None:
    context, estimates = result.context, result.estimates
    _log_design(result, progress)
    for reason, number in context.excluded:
        progress.log(f"{number:,} {context.units} left out: {reason}")
    for warning in context.warnings:
        progress.warn(warning)
    progress.conclude(
        f"{context.compared:,} {context.units} compared. Overall accuracy {_words(estimates.overall)},"
        f" kappa {_words(estimates.kappa)}"
    )


def _words(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"n/a ({estimate.note})" if estimate.note else "n/a"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.4f}"
    return f"{estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]"


def _log_comparison(result: Comparison, progress: Progress) -> None:
    _log_design(result, progress)
    for warning in result.context.warnings:
        progress.warn(warning)
    for name, d in (("Overall accuracy", result.overall), ("Kappa", result.kappa)):
        a, b, difference, low, high = (
            "n/a" if v is None else f"{v:.4f}" for v in (d.a, d.b, d.difference, d.low, d.high)
        )
        interval = "" if d.low is None else f" [{low}, {high}]"
        progress.conclude(f"{name}: first map {a}, second map {b}, difference {difference}{interval}")
