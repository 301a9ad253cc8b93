"""Who may do what: every operation has a rule that names roles, reach and purposes; what has no rule does not start."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a caller does in the network."""

    FRONT_DESK = "front_desk"
    COUNSELLOR = "counsellor"
    NURSE = "nurse"
    PRESCRIBER = "prescriber"
    MEDICAL_DIRECTOR = "medical_director"
    SITE_MANAGER = "site_manager"
    NETWORK_MANAGER = "network_manager"
    OPERATOR = "operator"
    PARTNER = "partner"


class Purpose(StrEnum):
    """Why a caller asks (42 CFR 2.31, 45 CFR 164.506): treatment, payment, operations, or a review of the record."""

    TREATMENT = "treatment"
    PAYMENT = "payment"
    OPERATIONS = "operations"
    AUDIT = "audit"


class Reach(StrEnum):
    """Whose records an operation touches."""

    SITE = "site"
    """Streams and rows of the caller's own sites; those of others read as not found."""

    NETWORK = "network"
    """Any site's, by somebody who acts at one of their own sites."""


@dataclass(frozen=True)
class Rule:
    """Roles that may use an operation, how far it reaches, and for which purposes."""

    roles: frozenset[Role]
    reach: Reach = Reach.SITE
    purposes: frozenset[Purpose] = frozenset(Purpose)


type Rules = Mapping[str, Rule]
"""Keyed by operation: the name of the route's function."""


def allow(*roles: Role, reach: Reach = Reach.SITE, purposes: frozenset[Purpose] = frozenset(Purpose)) -> Rule:
    """A rule in one line: `allow(Role.NURSE, Role.PRESCRIBER)`."""
    return Rule(frozenset(roles), reach, purposes)


EVERY_SITE = "*"
"""The entry of `sites` that stands for the whole network."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, as the token says."""

    subject: str
    roles: frozenset[Role]
    sites: frozenset[str]
    purpose: Purpose

    @property
    def everywhere(self) -> bool:
        """Whether every site of the network is the caller's own."""
        return EVERY_SITE in self.sites

    def permitted(self, rule: Rule) -> bool:
        """Whether role and purpose fit."""
        return self.purpose in rule.purposes and not self.roles.isdisjoint(rule.roles)

    def reach(self, rule: Rule) -> frozenset[str] | None:
        """The sites whose records this operation may touch; None is every site."""
        return None if rule.reach is Reach.NETWORK or self.everywhere else self.sites

    def may_act_at(self, site_id: str) -> bool:
        """Whether something may be recorded as done at this site."""
        return self.everywhere or site_id in self.sites


class RulesIncomplete(Exception):  # noqa: N818 - named for the plain fact, as the failures are
    """An operation has no rule, or a rule no operation: the service does not start."""


def checked(operations: Iterable[str], rules: Rules) -> Rules:
    """The rules, proven to cover exactly the operations. Raises RulesIncomplete."""
    names = list(operations)
    faults = [f"operation {name} has no rule" for name in sorted(set(names) - set(rules))]
    faults += [f"rule {name} has no operation" for name in sorted(set(rules) - set(names))]
    faults += [f"two operations are called {name}" for name in sorted(set(names)) if names.count(name) > 1]
    faults += [f"rule {name} lets nobody in" for name, rule in sorted(rules.items()) if not rule.roles]
    if faults:
        raise RulesIncomplete("; ".join(faults))
    return rules
