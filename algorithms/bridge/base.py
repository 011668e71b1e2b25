# SPDX-License-Identifier: GPL-3.0-or-later
"""The base class of the algorithms: checks packages and parameters, runs the job, turns errors into QGIS's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputDefinition,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
)
from qgis.PyQt.QtGui import QIcon

from ...lulc_plugin.environment import packages
from ...lulc_plugin.errors import CancelledError, LulcError, NotInstalled
from ...lulc_plugin.options import QGIS
from . import messagelog, translation
from .feedback import FeedbackProgress
from .helptext import HelpText, page_address
from .parameters import given

Parameters = dict[str, Any]

#: Id of a group in the toolbox → its title.
GROUPS = {"classification": "Classification", "accuracy": "Accuracy", "models": "Models", "setup": "Setup"}


@contextmanager
def errors_for_qgis(title: str) -> Iterator[None]:
    """Turn the engine's `LulcError` into the exception that QGIS shows without a traceback; a bug keeps its own.

    Either goes to the message log, under the algorithm's `title`.
    """
    try:
        yield
    except LulcError as error:
        text = error.shown_at(QGIS)
        (messagelog.tell if isinstance(error, CancelledError) else messagelog.fail)(f"{title}: {text}")
        raise QgsProcessingException(text) from error
    except QgsProcessingException as error:
        messagelog.fail(f"{title}: {error}")
        raise
    except Exception as error:
        messagelog.fail_with_bug(title, error)
        raise


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
    #: Page of the guide (without `.html`) that has a section with the algorithm's name as anchor.
    GUIDE: str
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
        """Everything the user said, as plain values; cheap, called more than once, in the main thread.

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

    def _given(self, parameters: Parameters) -> Parameters:
        """What was given; a choice may also be given by its number, as the help of qgis_process lists them."""
        values = given(parameters)
        for definition in self.parameterDefinitions():
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
        return page_address(self.GUIDE, self.NAME)

    def canExecute(self) -> tuple[bool, str]:
        try:
            packages.require_found(self.REQUIRES)  # the toolbox asks often: nothing is loaded
        except NotInstalled as error:
            return False, error.shown_at(QGIS)
        return True, ""

    def checkParameterValues(self, parameters: Parameters, context: QgsProcessingContext) -> tuple[bool, str]:
        # QGIS asks canExecute() in the toolbox only, so the answer is given here again.
        ready, problem = self.canExecute()
        parameters = self._given(parameters)
        if ready:
            ready, problem = super().checkParameterValues(parameters, context)
        if ready:
            try:
                packages.require(self.REQUIRES)
                self.parse(parameters, context)
            except LulcError as error:
                return False, error.shown_at(QGIS)
        return ready, problem

    def prepareAlgorithm(
        self, parameters: Parameters, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        with errors_for_qgis(self.displayName()):
            packages.require(self.REQUIRES)
            self._job = self.parse(self._given(parameters), context)
        return True

    def processAlgorithm(
        self, parameters: Parameters, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Parameters:
        title = self.displayName()
        with errors_for_qgis(title):
            progress = FeedbackProgress(feedback, title)
            results = self.run_job(self._job, self._given(parameters), context, progress)
        files = [str(results[d.name()]) for d in self.destinationParameterDefinitions() if results.get(d.name())]
        messagelog.tell(" ".join((self.tr("{algorithm}: done.").format(algorithm=title), *files)))
        return results
