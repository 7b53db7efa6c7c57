import pytest

from starter.exits import CommandError, ExitStatus
from starter.targets import PullRequestTarget, RunTarget, parse_target

RUN = RunTarget("acme/widgets", 12)
PULL_REQUEST = PullRequestTarget("acme/widgets", 7)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("ci-remediation/acme/widgets/12", RUN),
        ("acme/widgets/12", RUN),
        ("https://github.com/acme/widgets/actions/runs/12", RUN),
        ("https://github.com/acme/widgets/actions/runs/12/attempts/2?pr=7", RUN),
        ("https://github.com/acme/widgets/actions/runs/12/job/99#step:4:1", RUN),
        ("acme/widgets#7", PULL_REQUEST),
        ("https://github.com/acme/widgets/pull/7", PULL_REQUEST),
        ("https://git.acme.example/acme/widgets/pull/7/files?w=1#diff", PULL_REQUEST),
    ],
)
def test_what_is_pasted_from_anywhere_is_understood(text: str, meant: object) -> None:
    assert parse_target(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "acme/widgets",
        "acme/widgets/issues/7",
        "https://github.com/acme/widgets/issues/7",
        "a/b#c",
        "#7",
    ],
)
def test_anything_else_is_wrong_usage_and_told_how_it_is_written(text: str) -> None:
    with pytest.raises(CommandError, match="owner/repo/run_id") as refused:
        parse_target(text)
    assert refused.value.status is ExitStatus.USAGE
