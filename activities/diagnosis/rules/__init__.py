"""The table of failures Regreen recognises without a model: data only, one row each.

Order matters only among rules of one certainty that match at the same place of a log: the first row wins.
"""

from typing import Final

from activities.diagnosis.rule import Rule
from activities.diagnosis.rules.checking import CHECKING
from activities.diagnosis.rules.commands import COMMANDS
from activities.diagnosis.rules.compiling import COMPILING
from activities.diagnosis.rules.dependencies import DEPENDENCIES
from activities.diagnosis.rules.documents import DOCUMENTS
from activities.diagnosis.rules.environment import ENVIRONMENT
from activities.diagnosis.rules.formatting import FORMATTING
from activities.diagnosis.rules.further_languages import FURTHER_LANGUAGES
from activities.diagnosis.rules.github import GITHUB
from activities.diagnosis.rules.images import IMAGES
from activities.diagnosis.rules.linting import LINTING
from activities.diagnosis.rules.permissions import PERMISSIONS
from activities.diagnosis.rules.python_tools import PYTHON_TOOLS
from activities.diagnosis.rules.runner import FACTS
from activities.diagnosis.rules.scripting import SCRIPTING
from activities.diagnosis.rules.shapes import SHAPES
from activities.diagnosis.rules.suites import SUITES
from activities.diagnosis.rules.testing import TESTING
from activities.diagnosis.rules.web_tools import WEB_TOOLS

RULES: Final[tuple[Rule, ...]] = (
    *FACTS,
    *GITHUB,
    *PERMISSIONS,
    *FORMATTING,
    *PYTHON_TOOLS,
    *LINTING,
    *CHECKING,
    *COMPILING,
    *SUITES,
    *TESTING,
    *DEPENDENCIES,
    *WEB_TOOLS,
    *FURTHER_LANGUAGES,
    *DOCUMENTS,
    *IMAGES,
    *SCRIPTING,
    *ENVIRONMENT,
    *COMMANDS,
    *SHAPES,
)
