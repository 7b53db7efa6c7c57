"""What image builds and charts print."""

from typing import Final

from activities.diagnosis.rule import Certainty, Rule
from workflows.models import FailureClass

IMAGES: Final[tuple[Rule, ...]] = (
    Rule(
        name="docker-daemon",
        failure_class=FailureClass.INFRASTRUCTURE,
        root_cause="The Docker daemon does not answer.",
        pattern=r"Cannot connect to the Docker daemon at|error during connect: [^\n]{1,200}docker",
        source="Docker documentation, troubleshooting the daemon",
    ),
    Rule(
        name="docker-file-missing",
        failure_class=FailureClass.DOCKER_BUILD,
        root_cause="The build finds no Dockerfile: {message}",
        pattern=r"(?P<message>failed to read dockerfile: open [^\n]{1,150}"
        r"|unable to prepare context: [^\n]{1,200}|target stage \"?[^\n\"]{1,80}\"? could not be found)",
        source="Docker documentation, build",
    ),
    Rule(
        name="docker-reference",
        failure_class=FailureClass.DOCKER_BUILD,
        root_cause="The image's name is not valid: {message}",
        pattern=r"(?P<message>[^\n]{0,150}invalid reference format[^\n]{0,80})",
    ),
    Rule(
        name="docker-pull-denied",
        failure_class=FailureClass.DOCKER_BUILD,
        root_cause="The image {name} does not exist, or may not be pulled.",
        pattern=r"pull access denied for (?P<name>[\w./:@-]{1,200})",
    ),
    Rule(
        name="docker-package",
        failure_class=FailureClass.DOCKER_BUILD,
        root_cause="The image build cannot find the package {name}.",
        pattern=r"E: Unable to locate package (?P<name>\S{1,100})|E: Package '"
        r"(?P<name_2>[^'\n]{1,100})' has no installation candidate"
        r"|^(?:#\d{1,4} [\d.]{1,10} )? *(?P<name_3>[\w.+-]{1,80}) \(no such package\)",
    ),
    Rule(
        name="docker-command",
        failure_class=FailureClass.DOCKER_BUILD,
        root_cause="The image build runs {name}, which the image does not have.",
        pattern=r"^(?:#\d{1,4} [\d.]{1,10} )?/bin/(?:ba)?sh: (?:\d{1,5}: |line \d{1,5}: )?"
        r"(?P<name>[\w./-]{1,80}): (?:command )?not found",
        also=r"failed to solve|returned a non-zero code: 127|did not complete successfully: exit code: 127",
    ),
    Rule(
        name="docker-copy",
        failure_class=FailureClass.DOCKER_BUILD,
        root_cause="The image build copies {file}, which is not in the build context.",
        pattern=r"failed to calculate checksum of ref [^\n]{1,200}: \"?"
        r"(?P<file>/[^\s\":]{1,200})\"?: not found"
        r"|(?:COPY|ADD) failed: [^\n]{0,200}?stat "
        r"(?P<file_2>[^\s:]{1,200}): (?:file does not exist|no such file)",
    ),
    Rule(
        name="docker-base-image",
        failure_class=FailureClass.DOCKER_BUILD,
        root_cause="The base image {name} cannot be found.",
        pattern=r"failed to resolve source metadata for (?P<name>[\w./:@-]{1,200}): [^\n]{0,200}not found"
        r"|manifest for (?P<name_2>[\w./:@-]{1,200}) not found|manifest unknown: manifest unknown",
    ),
    Rule(
        name="dockerfile-syntax",
        failure_class=FailureClass.DOCKER_BUILD,
        root_cause="The Dockerfile does not parse: {message}",
        pattern=r"(?:dockerfile|Dockerfile) parse error (?:on )?line \d{1,6}: (?P<message>[^\n]{1,200})",
    ),
    Rule(
        name="docker-build",
        failure_class=FailureClass.DOCKER_BUILD,
        root_cause="The image build failed: {message}",
        pattern=r"failed to solve: (?P<message>[^\n]{1,200})|^The command '"
        r"(?P<message_2>[^\n]{1,150})' returned a non-zero code",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="helm-template",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="The Helm chart does not render: {message}",
        pattern=r"^Error: (?P<message>(?:template: |execution error at |parse error at |chart "
        r"|values don't meet|unable to build kubernetes objects|YAML parse error)[^\n]{1,200})",
    ),
)
