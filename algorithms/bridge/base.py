# SPDX-License-Identifier: GPL-3.0-or-later
"""The base class of the algorithms: checks packages and parameters, runs the job, turns errors into QGIS's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, NamedTuple, TypeVar

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputDefinition,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterRasterLayer,
)
from qgis.PyQt.QtGui import QIcon

from ...lulc_plugin.environment import packages
from ...lulc_plugin.errors import CancelledError, LulcError, NotInstalled, release_frames
from ...lulc_plugin.options import QGIS
from . import messagelog, translation
from .feedback import FeedbackProgress
from .helptext import HelpText, page_address
from .parameters import given, is_text_table, one_of_several, refuse_several_rasters

Parameters = dict[str, Any]
Result = TypeVar("Result")
#: Where an exception for QGIS was raised since a run last began.
_raising: list[FrameType] = []
#: Functions that may wait in their middle: emptied, they would be ended.
_SUSPENDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR

#: Id of a group in the toolbox → its title.
GROUPS = {
    "classification": "Classification",
    "ownclasses": "Own classes",
    "accuracy": "Accuracy",
    "models": "Models",
    "setup": "Setup",
}


class Failure(NamedTuple):
    """Why a run ended early, as plain text: an exception would keep all that the run had in memory, see `attempt`."""

    text: str


def attempt(title: str, work: Callable[[], Result]) -> Result | Failure:
    """What `work` returns, or why it failed: the text that QGIS is to show. Nothing of the work itself is kept.

    QGIS never releases an exception that reaches it from Python, and an exception holds, by its traceback, the
    variables of every function that it came through: network, open files, pixels. So the caller raises a new one, from
    `exception_for_qgis`, after this function has ended: within an `except` block Python would link the old one to it.

    Args:
        title: of the algorithm, for the message log, where every failure goes; a bug with its traceback.
        work: what may raise.
    """
    _release_callers()
    try:
        return work()
    except Exception as error:
        if isinstance(error, LulcError):
            text = error.shown_at(QGIS)
            (messagelog.tell if isinstance(error, CancelledError) else messagelog.fail)(f"{title}: {text}")
        elif isinstance(error, QgsProcessingException):
            text = str(error)
            messagelog.fail(f"{title}: {text}")
        else:
            text = f"{type(error).__name__}: {error}"
            messagelog.fail_with_bug(title, error)
        release_frames(error)
        return Failure(text)


def exception_for_qgis(text: str) -> QgsProcessingException:
    """The exception to raise; what QGIS keeps with it is released when the next run begins."""
    frame = inspect.currentframe()
    if frame is not None and frame.f_back is not None:
        _raising.append(frame.f_back)
    return QgsProcessingException(text)


def _release_callers() -> None:
    """Empty the functions that called the last run that failed, as far as they have ended.

    QGIS keeps the exception, that the function which raised it, and that its callers: `processing.run` with the context
    and the layers that were opened for the run, and perhaps a user's function with all its arrays.
    """
    while _raising:
        frame: FrameType | None = _raising.pop()
        while frame is not None and not frame.f_code.co_flags & _SUSPENDS:
            try:
                frame.clear()
            except RuntimeError:
                break  # this one is still running, and so are its callers
            frame = frame.f_back


class LulcAlgorithm(QgsProcessingAlgorithm):
    """Base of the algorithms. A sub-class has the attributes below, `inputs`, `parse` and `run_job`.

    Texts in attributes are English; they are translated when QGIS asks for them.

    QGIS calls `checkParameterValues` (not inside models), then `prepareAlgorithm` in the main thread, where layers may
    be touched, then `processAlgorithm`, usually in another one.
    """

    #: Id without the provider; public, never changed.
    NAME: str
    #: What the toolbox calls it.
    TITLE: str
    #: Key of `GROUPS`.
    GROUP: str
    #: Words by which the toolbox finds it, with commas.
    TAGS: str
    #: One sentence, the tooltip in the toolbox.
    SUMMARY: str
    #: The help page.
    HELP: HelpText
    #: Import names of the packages without which the algorithm cannot run.
    REQUIRES: tuple[str, ...] = tuple(packages.REQUIRED)

    #: What is returned besides files: class of the definition, name, label.
    RESULTS: tuple[tuple[type[QgsProcessingOutputDefinition], str, str], ...] = ()

    # ---- for sub-classes

    def inputs(self) -> Iterable[QgsProcessingParameterDefinition]:
        """The parameters in their order; `definitions` makes them."""
        raise NotImplementedError

    def parse(self, parameters: Parameters, context: QgsProcessingContext) -> Any:
        """Everything the user set, as plain values; cheap, called more than once, in the main thread.

        `parameters` holds only what was given: no None, no NULL, no empty text or list.

        Raises:
            LulcError: a value that cannot be used.
        """
        raise NotImplementedError

    def run_job(
        self,
        job: Any,
        parameters: Parameters,
        context: QgsProcessingContext,
        progress: FeedbackProgress,
    ) -> Parameters:
        """Do the work; `job` is what `parse` returned. Import the engine's heavy rooms here.

        Raises:
            LulcError: what the user should hear.
        """
        raise NotImplementedError

    def tr(self, text: str) -> str:
        """`text` in the user's language."""
        return translation.tr(text)

    def label(self, name: str) -> str:
        """What the parameter `name` is called in dialogs."""
        return str(self.parameterDefinition(name).description())

    def _given(self, parameters: Parameters, context: QgsProcessingContext | None = None) -> Parameters:
        """What was given; a choice may also be given by its number, as the help of qgis_process lists them.

        With a context, one raster in a file of several becomes a layer: QGIS itself takes its name for a file that is
        not there.
        """
        values = given(parameters)
        for definition in self.parameterDefinitions():
            if isinstance(definition, QgsProcessingParameterRasterLayer) and context is not None:
                layer = one_of_several(values.get(definition.name()), context)
                if layer is not None:
                    values[definition.name()] = layer
            if isinstance(definition, QgsProcessingParameterEnum) and definition.usesStaticStrings():
                value, options = values.get(definition.name()), definition.options()
                if str(value) not in options and str(value).isdigit() and int(str(value)) < len(options):
                    values[definition.name()] = options[int(str(value))]
        return values

    # ---- what QGIS calls

    def createInstance(self) -> LulcAlgorithm:
        return type(self)()

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        for parameter in self.inputs():
            self.addParameter(parameter)
        for kind, name, label in self.RESULTS:
            self.addOutput(kind(name, self.tr(label)))

    def name(self) -> str:
        return self.NAME

    def displayName(self) -> str:
        return self.tr(self.TITLE)

    def group(self) -> str:
        return self.tr(GROUPS[self.GROUP])

    def groupId(self) -> str:
        return self.GROUP

    def tags(self) -> list[str]:
        return self.tr(self.TAGS).split(",")

    def shortDescription(self) -> str:
        return self.tr(self.SUMMARY)

    def icon(self) -> QIcon:
        provider = self.provider()
        return super().icon() if provider is None else provider.icon()

    def shortHelpString(self) -> str:
        return self.HELP.html()

    def helpUrl(self) -> str:
        return page_address(self.NAME)

    def canExecute(self) -> tuple[bool, str]:
        try:
            packages.require_found(self.REQUIRES)  # the toolbox asks often: nothing is loaded
        except NotInstalled as error:
            return False, error.shown_at(QGIS)
        return True, ""

    def checkParameterValues(self, parameters: Parameters, context: QgsProcessingContext) -> tuple[bool, str]:
        ready, problem = self._check(parameters, context)
        return ready, messagelog.without_markup(problem)  # shown in a message box, which takes tags for HTML

    def _check(self, parameters: Parameters, context: QgsProcessingContext) -> tuple[bool, str]:
        # QGIS asks canExecute() in the toolbox only, so the answer is given here again.
        ready, problem = self.canExecute()
        parameters = self._given(parameters, context)
        if ready:
            ready, problem = super().checkParameterValues(self._opened_by_qgis(parameters), context)
            if not ready:
                problem = self._of_several_rasters(parameters) or problem
        if ready:
            try:
                packages.require(self.REQUIRES)
                self.parse(parameters, context)
            except LulcError as error:
                return False, error.shown_at(QGIS)
        return ready, problem

    def _opened_by_qgis(self, parameters: Parameters) -> Parameters:
        """The parameters without tables in text files, which the engine reads, in UTF-16 for example."""
        sources = {d.name() for d in self.parameterDefinitions() if isinstance(d, QgsProcessingParameterFeatureSource)}
        return {k: v for k, v in parameters.items() if k not in sources or not is_text_table(v)}

    def _of_several_rasters(self, parameters: Parameters) -> str:
        """What to give instead of a file of several rasters; empty where there is none."""
        try:
            for definition in self.parameterDefinitions():
                if isinstance(definition, QgsProcessingParameterRasterLayer):
                    refuse_several_rasters(parameters.get(definition.name()))
        except LulcError as error:
            return error.shown_at(QGIS)
        return ""

    def _name_of_layer(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Name of the first layer that was given, by which a line of the message log is understood later."""
        for definition in self.parameterDefinitions():
            if isinstance(definition, QgsProcessingParameterRasterLayer) and parameters.get(definition.name()):
                layer = self.parameterAsRasterLayer(parameters, definition.name(), context)
                return "" if layer is None else str(layer.name())
        return ""

    def prepareAlgorithm(
        self, parameters: Parameters, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        def work() -> Any:
            packages.require(self.REQUIRES)
            self._subject = self._name_of_layer(parameters, context)
            return self.parse(self._given(parameters, context), context)

        self._job = attempt(self.displayName(), work)
        if isinstance(self._job, Failure):
            text = self._job.text
            del self, parameters, context, feedback, work  # QGIS keeps what this function has
            raise exception_for_qgis(text)
        return True

    def processAlgorithm(
        self, parameters: Parameters, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Parameters:
        title = self.displayName()

        def work() -> Parameters:
            subject = f"{title}, {self._subject}" if self._subject else title
            return self.run_job(self._job, self._given(parameters), context, FeedbackProgress(feedback, subject))

        results = attempt(title, work)
        if isinstance(results, Failure):
            text = results.text
            del self, parameters, context, feedback, work  # QGIS keeps what this function has
            raise exception_for_qgis(text)
        files = [str(results[d.name()]) for d in self.destinationParameterDefinitions() if results.get(d.name())]
        messagelog.tell(" ".join((self.tr("{algorithm}: done.").format(algorithm=title), *files)))
        return results
