# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a network: an onnxruntime session that checks what it gets and what it gives."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import CancelledError, LulcError
from ..spec import ModelSpec
from . import graph_check, onnx_file, probabilities as scores, provider_profile, providers as devices
from .providers import Way

FloatArray = npt.NDArray[np.float32]


class Network:
    """One loaded network.

    Args:
        path: the `.onnx` file.
        spec: its description.
        threads: CPU threads, 0 for all cores.
        device: `auto`, `cpu`, `cuda` or `openvino`.
        provider: any provider of onnxruntime in the user's words; overrides `device`, see `devices.parse`.
        batch: windows a run; where the network does not run on the CPU, one run of this size tries it out.
        window: rows and columns of a window; None: as the description says.

    Attributes:
        device: where it runs, as seen in the session, e.g. `CPU (2 threads)`.
        notes: for the log.
        warnings: what the user should not overlook, e.g. why it does not run on the faster device.
        seconds: time spent inside the network so far.
        pixels: window pixels it has seen so far.
        probable: False once scores came out that are no probabilities although they are taken as such.

    Raises:
        LulcError: the file is no network, not the one that `spec` describes, or the device is not there.
    """

    def __init__(
        self,
        path: Path,
        spec: ModelSpec,
        threads: int = 0,
        device: str = "cpu",
        provider: str = "",
        batch: int = 1,
        window: tuple[int, int] | None = None,
    ) -> None:
        import onnxruntime as ort

        self._spec = spec
        self._path = path
        self._threads = threads or (os.cpu_count() or 1)
        self._run_options = ort.RunOptions()
        # what it would print is raised, too, and a cancel is no error
        self._run_options.log_severity_level = 4
        self._stopped = False
        self.notes: list[str] = []
        self.seconds = 0.0
        self.pixels = 0
        self.probable = True
        asked = devices.ways(device, provider, ort.get_available_providers(), ort.__version__)
        self.warnings = list(asked.warnings)
        self.device = self._start(asked.ways, batch, window or (spec.window.size, spec.window.size))
        if asked.notes:
            self.notes.append(f"Device: {self.device}; {', '.join(asked.notes)}")
        else:
            self.notes.append(f"Device: {self.device}")
        if spec.output.threshold is not None:
            self.notes.append(
                f"The makers of {spec.name} drop scores below {spec.output.threshold:g}; here the largest score counts,"
                " however small"
            )

    def _start(self, ways: tuple[Way, ...], batch: int, window: tuple[int, int]) -> str:
        """Open a session the first of `ways` that works; returns where it runs."""
        for way in ways[:-1]:
            try:
                return self._open(way, batch, window)
            except _NotHere as error:
                self.warnings.append(f"{error.told.problem} It runs on {ways[-1].label} instead, which takes longer.")
        try:
            return self._open(ways[-1], batch, window)
        except _NotHere as error:
            raise error.told from error

    def _open(self, way: Way, batch: int, window: tuple[int, int]) -> str:
        if way.provider == devices.CPU:
            self._session = self._new_session(way, "")
            self._check_graph()
            return self._cpu()
        with provider_profile.folder() as folder:
            try:
                self._session = self._new_session(way, str(folder / "profile"))
                taken = self._session.get_providers()[0]
                if taken != way.provider:
                    raise _NotHere(
                        devices.not_started(way, f"onnxruntime took {devices.label(taken)} without an error")
                    )
                self._check_graph()
                self._raw(np.zeros((self.fixed_batch or batch, len(self._spec.channels), *window), np.float32))
                nodes = provider_profile.nodes(self._session.end_profiling())
            except (LulcError, _NotHere):
                raise
            except Exception as error:  # onnxruntime has no common base class for its errors
                if self._stopped:
                    raise CancelledError from error
                raise _NotHere(devices.not_started(way, onnx_file.reason(error))) from error
        here, everywhere = nodes.get(way.provider, 0), sum(nodes.values())
        if everywhere and not here:
            self.warnings.append(
                f"{way.label} took none of the network's {everywhere} operations; all of them run on the CPU."
            )
            return f"{self._cpu()[:-1]}; {way.label} took nothing)"
        if here < everywhere:
            self._note(f"{here} of the network's {everywhere} operations run on {way.label}, the rest on the CPU")
        return way.label

    def _cpu(self) -> str:
        return f"CPU ({self._threads} thread{'s' if self._threads > 1 else ''})"

    def _new_session(self, way: Way, profile: str) -> Any:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        on_cpu = way.provider == devices.CPU
        if profile:
            options.enable_profiling = True
            options.profile_file_prefix = profile
        if way.provider == "CUDAExecutionProvider" and hasattr(ort, "preload_dlls"):
            # finds CUDA's libraries where pip put them
            ort.preload_dlls()
        wanted: list[Any] = [(way.provider, dict(way.options))]
        try:
            # `sess_options`: any other keyword is swallowed without an error
            return ort.InferenceSession(
                str(self._path),
                sess_options=options,
                providers=wanted if on_cpu else [*wanted, devices.CPU],
                enable_fallback=0,
            )
        except Exception as error:  # onnxruntime has no common base class for its errors
            if on_cpu:
                raise onnx_file.cannot_load(self._path, error) from error
            raise

    # ---------------------------------------------------------------- what the graph says

    def _check_graph(self) -> None:
        self._ports = graph_check.agree(self._session, self._path.name, self._spec)
        for text in self._ports.warnings:
            if text not in self.warnings:
                self.warnings.append(text)
        for text in self._ports.notes:
            self._note(text)

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    @property
    def providers(self) -> tuple[str, ...]:
        """The session's providers, the first one preferred."""
        return tuple(self._session.get_providers())

    @property
    def threads(self) -> int:
        """CPU threads, as the session reports them."""
        return int(self._session.get_session_options().intra_op_num_threads)

    @property
    def fixed_batch(self) -> int | None:
        """The only batch size the graph takes, None when it is free."""
        batch = self._session.get_inputs()[0].shape[0]
        return batch if isinstance(batch, int) else None

    # ---------------------------------------------------------------- running

    def stop(self) -> None:
        """Make a run in progress, and every later one, end at once; callable from any thread."""
        self._stopped = True
        self._run_options.terminate = True

    def probabilities(self, batch: FloatArray) -> FloatArray:
        """Class probabilities.

        Args:
            batch: `(n, channels, rows, cols)`.

        Returns:
            `(n, classes, rows, cols)`.

        Raises:
            LulcError: the network fails, changes the size, or returns numbers that are not finite.
            CancelledError: `stop` was called.
        """
        started = time.perf_counter()
        try:
            raw = self._raw(batch)
        except Exception as error:  # see _new_session
            if self._stopped:
                raise CancelledError from error
            raise LulcError(
                f"The network failed on a window of {batch.shape[2]} × {batch.shape[3]} pixels:"
                f" {onnx_file.reason(error)}.",
                "If memory is short, choose a smaller window."
                + ("" if self.device.startswith("CPU") else " Or set Device to cpu."),
            ) from error
        self.seconds += time.perf_counter() - started
        self.pixels += batch.shape[0] * batch.shape[2] * batch.shape[3]
        result = scores.probabilities(raw, self._spec, (batch.shape[2], batch.shape[3]))
        if self.probable:
            self._doubt(scores.no_probabilities(raw, self._spec))
        return result

    def _doubt(self, why: str) -> None:
        """Warn, once, of scores that are no probabilities."""
        if not why:
            return
        self.probable = False
        self.warnings.append(
            f"The scores of {self._spec.name} are not probabilities: {why}; the mean confidence is not meaningful. If"
            " they are raw scores, set the activation in its description to softmax (sigmoid for a single plane)."
        )

    def _raw(self, batch: FloatArray) -> npt.NDArray[Any]:
        fed: npt.NDArray[Any] = np.moveaxis(batch, 1, 3) if self._spec.layout == "NHWC" else batch
        if self._ports.kind.kind in "iu":
            limits = np.iinfo(self._ports.kind)
            fed = np.clip(np.rint(fed), limits.min, limits.max)
        fed = np.ascontiguousarray(fed, self._ports.kind)
        return np.asarray(self._session.run([self._ports.output], {self._ports.input: fed}, self._run_options)[0])


class _NotHere(Exception):
    """A device does not work on this computer; `told` is what the user should hear."""

    def __init__(self, told: LulcError) -> None:
        super().__init__(str(told))
        self.told = told
