"""The second step: what broke, and is it ours to repair."""

from temporalio import activity

from activities.diagnosis.diagnosing import diagnose
from activities.errors import translating
from workflows.models import Diagnosis, DiagnosisRequest


class DiagnosisActivities:
    """Decides what a failure is."""

    @activity.defn
    @translating
    async def diagnose_failure(self, request: DiagnosisRequest) -> Diagnosis:
        """The diagnosis of the evidence. Computes only, so repeating it is safe."""
        return diagnose(request)
