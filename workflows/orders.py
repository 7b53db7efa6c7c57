"""Which of the orders that arrive count: whose they are, and whether they answer what is asked."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import decisions, measures, policies
    from workflows.journal import Journal
    from workflows.models import Order
    from workflows.requests import Case
    from workflows.steps import carry_out
    from workflows.voice import Voice


class Orders:
    """Lets through what somebody may order; what an order then does stands in its signal."""

    def __init__(self, case: Case, journal: Journal, voice: Voice) -> None:
        self._case = case
        self._journal = journal
        self._voice = voice
        self._heard: set[int] = set()

    async def permits(self, order: Order) -> bool:
        """Whether the one who gave the order may; a comment is heard once, however often it is delivered."""
        if order.comment_id is None:
            return True  # it came through Temporal, whose own access control already answered
        if order.comment_id in self._heard:
            return False
        self._heard.add(order.comment_id)
        who = self._case.authorise(order.by)
        allowed = await carry_out(policies.AUTHORISE_ORDER, who, "May this commenter give orders?")
        if not allowed:
            workflow.logger.warning("dropped: an order by comment from somebody without write access")
        return allowed

    async def accept(self, verb: str, order: Order) -> bool:
        """Whether the order is permitted, and so counted as one."""
        if not await self.permits(order):
            return False
        measures.ordered(verb)
        self._journal.know(orders=self._case.status.orders + 1)
        return True

    async def accept_answer(self, verb: str, order: Order) -> bool:
        """Whether the order is accepted as the answer to what is asked; else it is said why it is not."""
        question = self._case.status.question
        if question is not None and order.question == question:
            return await self.accept(verb, order)
        workflow.logger.warning("dropped: %s answers %s, but %s is asked", verb, order.question, question)
        by_comment = order.comment_id is not None
        if by_comment and not (workflow.patched("explain-answers") and await self.permits(order)):
            return False
        self._journal.know(turned_down=decisions.turned_down(verb, order, question))
        if by_comment:
            await self._voice.answer()
        return False
