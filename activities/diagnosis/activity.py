"""The second step: what broke, and is it ours to repair."""

from typing import Final

from temporalio import activity

from activities import metering
from activities.adapters.claude import Claude
from activities.diagnosis.diagnosing import diagnose, is_open
from activities.diagnosis.opinion import opinion, question
from activities.errors import PermanentError, translating
from workflows.consultation import KIND_PREFIX
from workflows.models import Diagnosis, DiagnosisRequest, ModelOpinion

NO_MODEL: Final = (
    "The rules leave this open and no model is set up (ANTHROPIC_API_KEY), so the rules alone decided."
)


class DiagnosisActivities:
    """Decides what a failure is: by rules, and by a model where they leave it open and there is one."""

    def __init__(self, claude: Claude | None = None) -> None:
        self._claude = claude

    @activity.defn
    @translating
    async def diagnose_failure(self, request: DiagnosisRequest) -> Diagnosis:
        """The rules' diagnosis of the evidence. Computes only, so repeating it is safe."""
        diagnosis = diagnose(request)
        if not is_open(diagnosis, request.evidence):
            return diagnosis
        update = {"note": NO_MODEL} if self._claude is None else {"wants_model": True}
        return diagnosis.model_copy(update=update)

    @activity.defn
    @translating
    async def diagnose_by_model(self, request: DiagnosisRequest) -> ModelOpinion:
        """One paid reply to the question what broke. It changes nothing, so repeating it costs money only.

        It is an activity of its own so that a reply, once it has come, is paid once.
        """
        if self._claude is None:
            # A worker without a key took over from one that had it.
            raise PermanentError("no model is set up on this worker", kind=f"{KIND_PREFIX}misconfigured")
        found = opinion(request, await self._claude.ask(question(request)))
        metering.reply_paid("diagnosis", found.use)
        return found
