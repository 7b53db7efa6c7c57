"""What a model's opinion changes about the rules' diagnosis: pure decisions, without Temporal."""

from typing import Final

from workflows.models import Diagnosis, ModelOpinion, ModelProblem, RunSnapshot, Spending, Status

_PROBLEMS: Final = {
    ModelProblem.REFUSED: "refused to answer",
    ModelProblem.TOO_LONG: "answered at too great length",
    ModelProblem.UNFIT: "gave no usable answer",
}
_KINDS: Final = frozenset({"throttled", "unavailable", "timeout"})
KIND_PREFIX: Final = "model_"
"""What the kinds of a model's permanent errors start with, as in `model_unauthorised`."""


def wants_model(run: RunSnapshot, diagnosis: Diagnosis) -> bool:
    """Whether to spend tokens on what the rules leave open. Bots' branches get rules and recipes only."""
    return diagnosis.wants_model and not run.head_is_bot


def may_repair(run: RunSnapshot) -> bool:
    """Whether a model may be asked for a patch. Bots' branches get rules and recipes only."""
    return not run.head_is_bot


def may_ask_again(opinion: ModelOpinion) -> bool:
    """Whether another reply may be better than this one."""
    return opinion.problem is ModelProblem.UNFIT


def with_opinion(by_rules: Diagnosis, opinions: tuple[ModelOpinion, ...]) -> Diagnosis:
    """The diagnosis after the model was asked, with what all its replies took.

    A model that is less sure than the rules does not overrule them.
    """
    last = opinions[-1]
    model = last.use.model
    costs = [opinion.use.cost_usd for opinion in opinions]
    spent = {
        "model": model,
        "input_tokens": sum(opinion.use.input_tokens for opinion in opinions),
        "output_tokens": sum(opinion.use.output_tokens for opinion in opinions),
        "cached_tokens": sum(opinion.use.cached_tokens for opinion in opinions),
        "cost_usd": total(costs),
    }
    if last.diagnosis is None:
        problem = _PROBLEMS[last.problem or ModelProblem.UNFIT]
        detail = f" ({last.detail})" if last.detail else ""
        note = f"The model {model} {problem}{detail}; the rules alone decided."
        return by_rules.model_copy(update=spent | {"note": note})
    if last.diagnosis.confidence < by_rules.confidence:
        note = f"The model {model} was less sure than the rules, which decided."
        return by_rules.model_copy(update=spent | {"note": note})
    note = f"Decided by the model {model}; the rules left it open."
    return last.diagnosis.model_copy(update=spent | {"note": note})


def without_model(by_rules: Diagnosis, kind: str | None, message: str) -> Diagnosis | None:
    """The rules' diagnosis where the model could not be asked; None where that is a bug and must stay one.

    Args:
        by_rules: What the rules found.
        kind: The `ApplicationError.type` that `activities.errors` gave the failure, or `timeout`.
        message: The failure's text.
    """
    if not is_model_s(kind):
        return None
    note = f"The model could not be asked, so the rules alone decided: {message}"
    return by_rules.model_copy(update={"note": note})


def is_model_s(kind: str | None) -> bool:
    """Whether a step that asks a model failed because of the model or the way to it, and not by a bug."""
    return kind in _KINDS or (kind or "").startswith(KIND_PREFIX)


def total(costs: list[float | None]) -> float | None:
    """The sum of known costs; None where one of them is not known: a part would pass for the whole."""
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def spending(status: Status, opinion: ModelOpinion) -> dict[str, object]:
    """What a paid reply changes in a remediation's status."""
    before: list[float | None] = [status.cost_usd] if status.model_calls else []
    return {
        "model_calls": status.model_calls + 1,
        "cost_usd": total([*before, opinion.use.cost_usd]),
    }


def session_spending(status: Status, spent: Spending) -> dict[str, object]:
    """What a repair session changes in a remediation's status; nothing where no model was asked."""
    if not spent.calls:
        return {}
    before: list[float | None] = [status.cost_usd] if status.model_calls else []
    return {"model_calls": status.model_calls + spent.calls, "cost_usd": total([*before, spent.cost_usd])}
