"""The log of a service: what happened, in order, for good."""

from shared.log.acts import Act, Context, Given, Outcome, Stored, Subject
from shared.log.batch import KeyReused, PersonErased
from shared.log.groupcommit import KeyInFlight, Log

__all__ = ["Act", "Context", "Given", "KeyInFlight", "KeyReused", "Log", "Outcome", "PersonErased", "Stored", "Subject"]
