"""Bodies about stock that work as printed, for the documents and for the tests."""

from typing import Final

from services.medication.examples import Examples

RECEIPT: Final[Examples] = {
    "concentrate": {
        "summary": "A litre of methadone concentrate, 10 mg/mL",
        "value": {
            "strength_mg": "10",
            "lot": "A4471",
            "expires_on": "2030-06-30",
            "amount_mg": "10000",
            "source": "supplier",
            "document": "DEA 222 no. 231144, invoice 9081",
        },
    },
    "tablets": {
        "summary": "A hundred tablets, of which one was missing on arrival",
        "value": {
            "strength_mg": "10",
            "lot": "B-20",
            "expires_on": "2030-06-30",
            "amount_mg": "990",
            "stated_mg": "1000",
            "source": "supplier",
            "document": "invoice 9082",
        },
    },
}
WASTE: Final[Examples] = {
    "spilled": {
        "summary": "Knocked over at the window",
        "value": {"amount_mg": "60", "reason": "spilled", "note": "Cup knocked over before it was handed out."},
    }
}
COUNT: Final[Examples] = {"evening": {"summary": "The evening's count", "value": {"counted_mg": "9880"}}}
DISCREPANCY_SETTLEMENT: Final[Examples] = {
    "measuring": {
        "summary": "The pump gives a little more",
        "value": {
            "counted_mg": "9880",
            "finding": "measuring_loss",
            "note": "Pump checked against the cylinder: 0.2 mL too much in a hundred doses.",
        },
    }
}
TRANSFER: Final[Examples] = {
    "lend": {
        "summary": "To the site that runs short",
        "value": {"to_site_id": "hilltop", "document": "DEA 222 no. 231150, courier 17"},
    }
}
ARRIVAL: Final[Examples] = {
    "whole": {"summary": "All there", "value": {"from_site_id": "riverside", "counted_mg": "10000"}}
}
RETURN: Final[Examples] = {
    "expired": {
        "summary": "To the reverse distributor",
        "value": {"returned_to": "Reverse distributor, Dayton", "document": "DEA 222 no. 88812"},
    }
}
