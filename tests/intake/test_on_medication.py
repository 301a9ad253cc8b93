"""Withdrawal that was managed by medication opens intake's detox gate; where none stands, nothing happens."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.intake import detox_gate
from services.intake.detox_gate import DetoxGateNotStanding
from services.intake.on_medication import on_medication
from shared.events.intake import (
    ReferredForWithdrawalManagement,
    WithdrawalManagementCompleted,
    WithdrawalManagementRequired,
)
from shared.events.intake.detox_gate import GateBasis
from shared.events.medication import DetoxCompleted, DetoxEnded, DetoxKind, DetoxReferredUp
from tests.medication.running import told
from tests.scenario import Scenario

PATIENT = uuid4()
ON = date(2026, 3, 10)
STANDS = WithdrawalManagementRequired(
    patient_id=PATIENT,
    basis=GateBasis.SCORE,
    evidence_id=uuid4(),
    substances=(),
    rules=("one",),
    policy_id="withdrawal-management",
    policy_version=1,
)
OVER = DetoxCompleted(PATIENT, "riverside", DetoxKind.ALCOHOL, ON, "dr-lee", None)
UP = DetoxReferredUp(PATIENT, "riverside", DetoxKind.ALCOHOL, ON, "County hospital", "dr-lee")


@pytest.mark.parametrize(
    ("event", "opens"), [(OVER, WithdrawalManagementCompleted), (UP, ReferredForWithdrawalManagement)]
)
def test_the_end_of_a_detox_opens_the_gate_that_stands(event: Any, opens: type) -> None:
    (act,) = on_medication(told("medication", f"detox-{uuid4()}", event, PATIENT))
    assert (act.decider, act.stream_id) == (detox_gate.decider, PATIENT)
    (opened,) = Scenario(detox_gate.decider).given(STANDS).when(act.command)
    assert isinstance(opened, opens)
    with pytest.raises(DetoxGateNotStanding):
        Scenario(detox_gate.decider).when(act.command)
    with pytest.raises(DetoxGateNotStanding):
        Scenario(detox_gate.decider).given(STANDS, opened).when(act.command)


def test_a_detox_that_was_left_before_its_end_opens_nothing() -> None:
    left = DetoxEnded(PATIENT, "riverside", DetoxKind.ALCOHOL, ON, "kim", None)
    assert on_medication(told("medication", f"detox-{uuid4()}", left, PATIENT)) == []
