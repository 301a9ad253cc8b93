"""Which attendance counts toward the plan's clinical hours: a payer's or programme's policy of rules, the first that fits decides."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from shared.events.scheduling import Modality, Place
from shared.units import Code, Prose


@dataclass(frozen=True)
class CountingRule:
    """Says whether attendance counts; an empty condition is no condition."""

    id: Code
    counts: bool
    modalities: tuple[Modality, ...] = ()
    kinds: tuple[Code, ...] = ()
    places: tuple[Place, ...] = ()

    def fits(self, modality: Modality, kind: str, place: Place) -> bool:
        """Whether the rule speaks about such a session."""
        return (
            (not self.modalities or modality in self.modalities)
            and (not self.kinds or kind in self.kinds)
            and (not self.places or place in self.places)
        )


@dataclass(frozen=True)
class CountingPolicy:
    """Rules in the order in which they are asked. `checked` makes sure that one of them always answers."""

    id: Code
    version: Annotated[int, Field(ge=1)]
    source: Prose
    rules: tuple[CountingRule, ...]

    def rule_for(self, modality: Modality, kind: str, place: Place) -> CountingRule:
        """The first rule that fits."""
        return next(rule for rule in self.rules if rule.fits(modality, kind, place))


class CountingPolicyIncomplete(Exception):  # noqa: N818 - the plain fact, as every failure here
    """A counting policy says nothing about a form of help."""


def checked(policy: CountingPolicy) -> CountingPolicy:
    """The policy, if it answers for every modality whatever the kind and place. Raises CountingPolicyIncomplete."""
    for modality in Modality:
        if not any(
            (not rule.modalities or modality in rule.modalities) and not rule.kinds and not rule.places
            for rule in policy.rules
        ):
            raise CountingPolicyIncomplete(f"{policy.id} version {policy.version}: {modality}")
    return policy
