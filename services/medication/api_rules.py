"""Routes: what stands in the way of an order, and how it is overridden by those who may."""

from typing import Annotated

from fastapi import APIRouter, Body, Path

from services.medication import examples, order, views_rules
from services.medication.asking import asking_about, given_chart, own_order, signer
from services.medication.paths import OrderId
from services.medication.views_rules import OrderChecks
from shared.decider import command
from shared.http import Accepted, Commands, Queries
from shared.log import Act
from shared.units import Code, Prose

router = APIRouter(tags=["order rules"])

RuleId = Annotated[Code, Path(description="The rule's id.", examples=["methadone-qtc-500"])]


@command
class OverrideReason:
    """Why the order is to go through all the same."""

    reason: Prose


@router.get("/orders/{order_id}/checks")
async def get_order_checks(order_id: OrderId, door: Queries) -> OrderChecks:
    """What do the rules say about the order now, on which facts, and who may override? Always current."""
    return await views_rules.checked(door, order_id)


@router.post("/orders/{order_id}/overrides/{rule_id}", status_code=201)
async def request_override(
    order_id: OrderId,
    rule_id: RuleId,
    body: Annotated[OverrideReason, Body(openapi_examples=examples.OVERRIDE)],
    door: Commands,
) -> Accepted:
    """Ask that the order go through in spite of a rule; where the rule says so, a second person has to approve."""
    _, prescription = await own_order(door, order_id)
    asking = await asking_about(door, prescription)
    request = order.RequestOverride(order_id, rule_id, signer(door), asking, body.reason)
    return await door.handle(Act(order.decider, order_id, request, given=given_chart(prescription.patient_id)))


@router.post("/orders/{order_id}/overrides/{rule_id}/approval", status_code=201)
async def approve_override(order_id: OrderId, rule_id: RuleId, door: Commands) -> Accepted:
    """Agree as a second person. Of all who try at once, exactly one does."""
    _, prescription = await own_order(door, order_id)
    approve = order.ApproveOverride(rule_id, signer(door), await asking_about(door, prescription))
    return await door.handle(Act(order.decider, order_id, approve, given=given_chart(prescription.patient_id)))
