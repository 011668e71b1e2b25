# SPDX-License-Identifier: GPL-3.0-or-later
"""An open network: an onnxruntime session that was compared with its description, and runs windows."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import CancelledError, LulcError
from ...options import option
from ...telemetry import import_onnxruntime
from ..spec import ModelSpec
from . import graph_check, memory_limit, onnx_file, providers
from .onnx_file import Session
from .providers import ExecutionProvider

FloatArray = npt.NDArray[np.float32]
#: float32 ends at 3.4e38, and scores of windows are added up with weights
_LARGEST_SCORE = 1e30


class Network:
    """One open network.

    The plan opens it, so that a graph which is not the one of its description is refused before a layer's pixels are
    read; the run takes the same object over, calls `prepare` with the size of its windows, and closes it. It may be
    opened in one thread and run in another (one run at a time); `stop` may be called from any thread at any time.

    Args:
        path: the `.onnx` file.
        spec: its description.
        threads: CPU threads, 0 for all cores.
        device: `auto`, `cpu`, `cuda` or `openvino`.
        provider: any provider of onnxruntime in the user's words; overrides `device`, see `providers.parse`.

    Attributes:
        device: where it runs, as seen in the session, e.g. `CPU (2 threads)`; final once it is prepared.
        warnings: what the user should not overlook, e.g. why it does not run on the faster device.
        seconds: time spent inside the network so far.
        pixels: window pixels it has seen so far.
        probable: False once scores came out that are not probabilities although they are taken as such.

    Raises:
        LulcError: the file is not a network, or not the one that `spec` describes (with both numbers), or the device
            is not there.
    """

    def __init__(self, path: Path, spec: ModelSpec, threads: int = 0, device: str = "cpu", provider: str = "") -> None:
        ort = import_onnxruntime()

        self._spec = spec
        self._path = path
        self._threads = threads or (os.cpu_count() or 1)
        self._run_options = ort.RunOptions()
        # what it would print is raised, too, and a cancel is not an error
        self._run_options.log_severity_level = 4
        self._stopped = False
        self._prepared = False
        self._profile_notes: tuple[str, ...] = ()
        self._remove_profile: weakref.finalize[..., Network] | None = None
        self.seconds = 0.0
        self.pixels = 0
        self.probable = True
        onnx_file.refuse_hazard(path)
        choice = providers.choose(device, provider, ort.get_available_providers(), ort.__version__)
        self._untried = list(choice.providers)
        self._choice_notes = choice.notes
        self.warnings = list(choice.warnings)
        self._session: Session | None = None
        try:
            self._open()
        except LulcError:
            self.close()
            raise

    def __enter__(self) -> Network:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the session's memory back; what is running ends first. It cannot be run any more, counts stay."""
        self._session = None
        self._discard_profile()

    def stop(self) -> None:
        """Make a run in progress, and every later one, end at once; callable from any thread."""
        self._stopped = True
        self._run_options.terminate = True

    # ---------------------------------------------------------------- opening

    def _open(self) -> None:
        """Open a session on the first provider, of those not tried yet, that starts."""
        while True:
            self._provider = self._untried.pop(0)
            try:
                self._session = self._new_session(self._provider)
                break
            except _ProviderFailed as failure:
                self._fall_back(failure)
        self.device = self._cpu() if self._provider.name == providers.CPU else self._provider.label
        try:
            self._graph = graph_check.check_graph(self._session, self._path.name, self._spec)
        except UnicodeDecodeError as error:
            raise onnx_file.no_text(error) from error
        self.warnings.extend(text for text in self._graph.warnings if text not in self.warnings)

    def _fall_back(self, failure: _ProviderFailed) -> None:
        """Tell that a slower provider is taken; where none is left the failure counts."""
        self._session = None
        self._discard_profile()
        if not self._untried:
            raise failure.error from failure
        slower = self._untried[-1].label
        self.warnings.append(f"{failure.error.problem} It runs on {slower} instead, which takes longer.")

    def _new_session(self, provider: ExecutionProvider) -> Session:
        ort = import_onnxruntime()

        options = ort.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # what the last run needed is not kept as one piece beside the pieces that it was made of
        options.enable_mem_pattern = False
        # threads that wait by computing take the processor from those that read and blend
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        memory_limit.limit_folding(options, self._path)
        on_cpu = provider.name == providers.CPU
        wanted: list[Any] = [(provider.name, dict(provider.options))]
        if not on_cpu:
            wanted.append(providers.CPU)
            # a session that lists a provider first may still run everything on the CPU; only a profile tells
            folder = tempfile.mkdtemp(prefix="lulc-profile-")
            # an open profile cannot be removed under Windows, and is not worth an error
            self._remove_profile = weakref.finalize(self, shutil.rmtree, folder, True)
            options.enable_profiling = True
            options.profile_file_prefix = str(Path(folder) / "profile")
        try:
            if provider.name == "CUDAExecutionProvider" and hasattr(ort, "preload_dlls"):
                # finds CUDA's libraries where pip put them
                ort.preload_dlls()
            # `sess_options`: any other keyword is swallowed without an error
            session: Session = ort.InferenceSession(
                str(self._path), sess_options=options, providers=wanted, enable_fallback=0
            )
        except Exception as error:  # onnxruntime has no common base class for its errors
            if on_cpu:
                raise onnx_file.cannot_load(self._path, error) from error
            raise self._failed(error) from error
        taken = session.get_providers()[0]
        if taken != provider.name:
            why = f"onnxruntime took {providers.label(taken)} without an error"
            raise _ProviderFailed(providers.not_started(provider, why))
        return session

    def _failed(self, error: Exception) -> Exception:
        """What to raise when the provider in use fails with `error`."""
        if self._stopped:
            return CancelledError()
        return _ProviderFailed(providers.not_started(self._provider, onnx_file.reason(error)))

    def _discard_profile(self) -> None:
        if self._remove_profile is not None:
            self._remove_profile()
            self._remove_profile = None

    def _cpu(self) -> str:
        return f"CPU ({self._threads} thread{'s' if self._threads > 1 else ''})"

    # ---------------------------------------------------------------- preparing

    def prepare(self, batch: int, window: tuple[int, int]) -> None:
        """Try a batch of the size that will be run, unless that was done; on the CPU there is nothing to try.

        A provider that fails is replaced by a slower one where `device` is `auto`.

        Args:
            batch: windows a run.
            window: rows and columns of a window.

        Raises:
            LulcError: the provider that was asked for does not work on this computer.
            CancelledError: `stop` was called.
        """
        while not self._prepared and self._provider.name != providers.CPU:
            try:
                self._raw(np.zeros((self.fixed_batch or batch, len(self._spec.channels), *window), np.float32))
                counts = providers.profiled_operations(self._opened.end_profiling())
            except LulcError:
                raise
            except Exception as error:  # onnxruntime has no common base class for its errors
                failure = self._failed(error)
                if not isinstance(failure, _ProviderFailed):
                    raise failure from error
                self._fall_back(failure)
                self._open()
            else:
                self._discard_profile()
                self._report_profile(counts)
                break
        self._prepared = True

    def _report_profile(self, counts: dict[str, int]) -> None:
        """Tell how many operations the provider took; `counts` has those of each provider."""
        label = self._provider.label
        here, everywhere = counts.get(self._provider.name, 0), sum(counts.values())
        if everywhere and not here:
            self.warnings.append(
                f"{label} took none of the network's {everywhere} operations; all of them run on the CPU."
            )
            self.device = f"{self._cpu()[:-1]}; {label} took nothing)"
        elif here < everywhere:
            self._profile_notes = (
                f"{here} of the network's {everywhere} operations run on {label}, the rest on the CPU",
            )

    # ---------------------------------------------------------------- what is known of it

    @property
    def notes(self) -> tuple[str, ...]:
        """For the log: where it runs, and what its user may want to know."""
        notes = [*self._graph.notes, *self._profile_notes]
        why = f"; {', '.join(self._choice_notes)}" if self._choice_notes else ""
        notes.append(f"Device: {self.device}{why}")
        threshold = self._spec.output.threshold
        if threshold is not None:
            notes.append(
                f"The makers of {self._spec.name} drop scores below {threshold:g}; here the largest score counts,"
                " however small"
            )
        return tuple(notes)

    @property
    def providers(self) -> tuple[str, ...]:
        """The session's execution providers, the first one preferred."""
        return tuple(self._opened.get_providers())

    @property
    def threads(self) -> int:
        """CPU threads, as the session reports them."""
        return int(self._opened.get_session_options().intra_op_num_threads)

    @property
    def fixed_batch(self) -> int | None:
        """The only batch size the graph takes, None when it is free."""
        batch = self._opened.get_inputs()[0].shape[0]
        return batch if isinstance(batch, int) else None

    @property
    def fixed_window(self) -> tuple[int, int] | None:
        """The only rows and columns that the graph takes, which are the description's; None where one is free."""
        rows, cols = graph_check.axes(self._opened.get_inputs()[0].shape, self._spec.layout)
        return (rows, cols) if isinstance(rows, int) and isinstance(cols, int) else None

    @property
    def _opened(self) -> Session:
        if self._session is None:
            raise LulcError(f"The network {self._path.name} is closed.")
        return self._session

    # ---------------------------------------------------------------- running

    def probabilities(self, batch: FloatArray) -> FloatArray:
        """Class probabilities; the first batch prepares the network if nobody did.

        Args:
            batch: `(n, channels, rows, cols)`.

        Returns:
            `(n, classes, rows, cols)`.

        Raises:
            LulcError: the network fails, changes the size, or returns numbers that are not finite.
            CancelledError: `stop` was called.
        """
        self.prepare(batch.shape[0], (batch.shape[2], batch.shape[3]))
        started = time.perf_counter()
        try:
            raw = self._raw(batch)
        except LulcError:
            raise
        except Exception as error:  # see _new_session
            if self._stopped:
                raise CancelledError from error
            raise LulcError(
                f"The network failed on a window of {batch.shape[2]} × {batch.shape[3]} pixels:"
                f" {onnx_file.reason(error)}.",
                "If memory is short, choose a smaller window."
                + ("" if self.device.startswith("CPU") else f" Or set {option('device')} to cpu."),
            ) from error
        self.seconds += time.perf_counter() - started
        self.pixels += batch.shape[0] * batch.shape[2] * batch.shape[3]
        if raw.shape[:1] != batch.shape[:1]:
            raise LulcError(
                f"The network returned {raw.shape[0] if raw.ndim else 'no'} windows for {batch.shape[0]}.",
                "Its result must have one window for each of its input; export it anew.",
            )
        result = probabilities_of(raw, self._spec, (batch.shape[2], batch.shape[3]))
        if self.probable:
            self._check_scores(graph_check.no_probabilities(raw, self._spec))
        return result

    def _check_scores(self, why: str) -> None:
        """Warn, once, of scores that are not probabilities; `why` is empty where they are."""
        if not why:
            return
        self.probable = False
        self.warnings.append(
            f"The scores of {self._spec.name} are not probabilities: {why}; the mean confidence is not meaningful. If"
            " they are raw scores, set the activation in its description to softmax (sigmoid for a single plane)."
        )

    def _raw(self, batch: FloatArray) -> npt.NDArray[Any]:
        graph = self._graph
        fed: npt.NDArray[Any] = np.moveaxis(batch, 1, 3) if self._spec.layout == "NHWC" else batch
        if graph.input_type.kind in "iu":
            limits = np.iinfo(graph.input_type)
            fed = np.clip(np.rint(fed), limits.min, limits.max)
        fed = np.ascontiguousarray(fed, graph.input_type)
        return np.asarray(self._opened.run([graph.output_name], {graph.input_name: fed}, self._run_options)[0])


class _ProviderFailed(Exception):
    """An execution provider does not work on this computer; `error` is what the user should hear."""

    def __init__(self, error: LulcError) -> None:
        super().__init__(str(error))
        self.error = error


# ---------------------------------------------------------------- from scores to probabilities


def probabilities_of(raw: npt.NDArray[Any], spec: ModelSpec, size: tuple[int, int]) -> FloatArray:
    """Class probabilities `(n, classes, rows, cols)` of windows.

    A result of fewer pixels than the window is enlarged bilinearly (pixel centres line up) before the activation, as
    such networks are trained. Where it lacks a rim the rim is 0: the grid never looks at it.

    Args:
        raw: what the graph returned.
        spec: the network.
        size: rows and columns of the windows.

    Raises:
        LulcError: the shape is not what the description says, or a number is not finite.
    """
    scores = graph_check.planes(raw, spec)
    times = graph_check.spread(size, (scores.shape[2], scores.shape[3]), spec)
    _check_numbers(scores)
    scores = np.asarray(scores, np.float32)
    if times > 1:
        scores = enlarge(enlarge(scores, times, 2), times, 3)
    out = activate(scores, spec.output.activation)
    if spec.output.plane:
        out = np.concatenate([np.float32(1) - out, out], axis=1)
    cut = spec.output.cut
    return np.pad(out, ((0, 0), (0, 0), (cut, cut), (cut, cut))) if cut else out


def _check_numbers(scores: npt.NDArray[Any]) -> None:
    """Refuse scores that are not numbers, or of which sums of weighted windows would not be.

    Raises:
        LulcError: with the largest of them.
    """
    if not scores.size:
        raise LulcError(
            f"The network returned the shape {scores.shape}, no score at all.", "The model file seems to be damaged."
        )
    low, high = float(scores.min()), float(scores.max())
    if -_LARGEST_SCORE <= low and high <= _LARGEST_SCORE:  # false for NaN
        return
    if not np.isfinite(scores).all():
        raise LulcError("The network returned numbers that are not finite.", "The model file seems to be damaged.")
    raise LulcError(
        f"The network returned scores from {low:.3g} to {high:.3g}; beyond {_LARGEST_SCORE:g} they cannot be compared.",
        "The model file seems to be damaged.",
    )


def enlarge(values: FloatArray, times: int, axis: int) -> FloatArray:
    """`values` with every pixel along `axis` replaced by `times`, bilinear between pixel centres."""
    length = values.shape[axis]
    place = np.clip((np.arange(length * times) + 0.5) / times - 0.5, 0, length - 1)
    low = np.minimum(place.astype(np.intp), max(0, length - 2))
    high = np.minimum(low + 1, length - 1)
    shape = [1] * values.ndim
    shape[axis] = -1
    share = (place - low).astype(np.float32).reshape(shape)
    enlarged: FloatArray = np.take(values, low, axis) * (np.float32(1) - share) + np.take(values, high, axis) * share
    return enlarged


def activate(scores: FloatArray, activation: tuple[str, ...]) -> FloatArray:
    """Scores `(n, planes, rows, cols)` after the first step of `activation`; the last one, argmax, comes much later."""
    first = activation[0] if activation else "argmax"
    if first == "softmax":
        result: FloatArray = scores - scores.max(axis=1, keepdims=True)
        np.exp(result, out=result)
        result /= result.sum(axis=1, keepdims=True)
        return result
    if first == "sigmoid":
        with np.errstate(over="ignore"):
            return np.float32(1) / (np.float32(1) + np.exp(-scores))
    return scores
