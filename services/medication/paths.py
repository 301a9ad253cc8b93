"""The ids in the paths of medication's routes."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from services.medication import examples, examples_detox
from shared.units import Code, SiteId

OrderId = Annotated[UUID, Path(description="The order; chosen by whoever drafts it.", examples=[examples.ORDER_ID])]
TaperId = Annotated[UUID, Path(description="The taper; chosen by whoever starts it.", examples=[examples.TAPER_ID])]
DoseId = Annotated[
    UUID,
    Path(
        description="The dosing slot; follows from patient, order, dosing date and split.",
        examples=[examples.DOSE_ID],
    ),
]
GuestId = Annotated[
    UUID, Path(description="The stay as a guest; chosen by whoever asks.", examples=[examples.GUEST_ID])
]
DetoxId = Annotated[
    UUID,
    Path(description="The course of withdrawal; chosen by whoever begins it.", examples=[examples_detox.DETOX_ID]),
]
ProductId = Annotated[
    Code, Path(description="The product, as the formulary names it.", examples=["methadone-concentrate"])
]
BottleId = Annotated[
    UUID,
    Path(description="The bottle; chosen by whoever receives it first in the network.", examples=[examples.BOTTLE_ID]),
]
WasteId = Annotated[
    UUID, Path(description="What was thrown away; chosen by whoever says so.", examples=[examples.WASTE_ID])
]
TransferId = Annotated[
    UUID, Path(description="The transfer; chosen by whoever sends.", examples=[examples.TRANSFER_ID])
]
PatientId = Annotated[UUID, Path(description="The patient, as intake knows them.", examples=[examples.PATIENT_ID])]
AtSite = Annotated[SiteId, Path(description="The site's short name.", examples=["riverside"])]
OfPatient = Annotated[UUID | None, Query(description="Only this patient's.", examples=[examples.PATIENT_ID])]
OfOrder = Annotated[UUID | None, Query(description="Only this order's.", examples=[examples.ORDER_ID])]
