"""What can be permitted: operations, the functions they belong to, personal fields, and the roles a new workspace starts with."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Function(StrEnum):
    """A part of the product a user group may reach."""

    HOTLINE = "hotline"
    DISPATCH = "dispatch"
    FIELD = "field"
    MAP = "map"
    ADMINISTER = "administer"


class Operation(StrEnum):
    """One thing a role may do; every route names exactly one."""

    REPORTS_TAKE = "reports.take"
    REPORTS_READ = "reports.read"
    REPORTS_LOCATE = "reports.locate"
    CASES_READ = "cases.read"
    CASES_WORK = "cases.work"
    CALLBACKS_READ = "callbacks.read"
    CALLBACKS_WORK = "callbacks.work"
    OUTAGES_READ = "outages.read"
    INCIDENTS_READ = "incidents.read"
    INCIDENTS_DECIDE = "incidents.decide"
    RECTIFICATIONS_READ = "rectifications.read"
    RECTIFICATIONS_WORK = "rectifications.work"
    RING_BACKS_MAKE = "ring_backs.make"
    ESCALATIONS_READ = "escalations.read"
    ESCALATIONS_REPORT = "escalations.report"
    ESCALATIONS_ACKNOWLEDGE = "escalations.acknowledge"
    ESCALATION_RULES_MANAGE = "escalation_rules.manage"
    TRIAGE_RULES_MANAGE = "triage_rules.manage"
    WORK_ORDERS_READ = "work_orders.read"
    WORK_ORDERS_DECIDE = "work_orders.decide"
    CREWS_READ = "crews.read"
    CREWS_MANAGE = "crews.manage"
    FIELD_WORK = "field.work"
    POSITIONS_READ = "positions.read"
    TRAILS_READ = "trails.read"
    MAP_READ = "map.read"
    NETWORK_READ = "network.read"
    NETWORK_IMPORT = "network.import"
    NETWORK_PUBLISH = "network.publish"
    PICTURES_READ = "pictures.read"
    PICTURES_ADD = "pictures.add"
    PICTURES_MANAGE = "pictures.manage"
    PLACES_NAME = "places.name"
    PLACES_MANAGE = "places.manage"
    DIRECTORY_READ = "directory.read"
    DIRECTORY_MANAGE = "directory.manage"
    LOCATE_USE = "locate.use"
    PROFILE_OWN = "profile.own"
    USERS_MANAGE = "users.manage"
    SESSIONS_MANAGE = "sessions.manage"
    AUDIT_READ = "audit.read"
    CALENDAR_MANAGE = "calendar.manage"
    EVENTS_MANAGE = "events.manage"


class PersonalField(StrEnum):
    """A kind of personal data that is shown only to roles which need it."""

    PHONE = "phone"
    ADDRESS = "address"
    RECORDING = "recording"
    TRAIL = "trail"


_O = Operation
FUNCTION_OPERATIONS: Final[dict[Function, frozenset[Operation]]] = {
    Function.HOTLINE: frozenset(
        {_O.REPORTS_TAKE, _O.REPORTS_READ, _O.REPORTS_LOCATE, _O.CASES_READ, _O.CASES_WORK, _O.CALLBACKS_READ}
        | {_O.CALLBACKS_WORK, _O.OUTAGES_READ, _O.LOCATE_USE, _O.DIRECTORY_READ, _O.DIRECTORY_MANAGE}
        | {_O.PLACES_NAME, _O.PLACES_MANAGE}
    ),
    Function.DISPATCH: frozenset(
        {_O.INCIDENTS_READ, _O.INCIDENTS_DECIDE, _O.WORK_ORDERS_READ, _O.WORK_ORDERS_DECIDE, _O.CREWS_READ}
        | {_O.CREWS_MANAGE, _O.POSITIONS_READ, _O.TRAILS_READ, _O.LOCATE_USE, _O.RING_BACKS_MAKE}
        | {_O.PLACES_NAME, _O.PLACES_MANAGE, _O.RECTIFICATIONS_READ, _O.RECTIFICATIONS_WORK}
        | {_O.ESCALATIONS_READ, _O.ESCALATIONS_REPORT, _O.ESCALATIONS_ACKNOWLEDGE, _O.ESCALATION_RULES_MANAGE}
        | {_O.TRIAGE_RULES_MANAGE}
    ),
    Function.FIELD: frozenset({_O.FIELD_WORK}),
    Function.MAP: frozenset(
        {_O.MAP_READ, _O.NETWORK_READ, _O.NETWORK_IMPORT, _O.NETWORK_PUBLISH}
        | {_O.PICTURES_READ, _O.PICTURES_ADD, _O.PICTURES_MANAGE}
    ),
    Function.ADMINISTER: frozenset(
        {_O.USERS_MANAGE, _O.SESSIONS_MANAGE, _O.AUDIT_READ, _O.CALENDAR_MANAGE, _O.EVENTS_MANAGE}
    ),
}
EVERYBODY: Final = frozenset({_O.PROFILE_OWN})
"""What every person logged in may do, whatever his group."""


@dataclass(frozen=True, slots=True)
class RoleSeed:
    """A group and its one role, as a new workspace gets them."""

    group: str
    functions: frozenset[Function]
    role: str
    operations: frozenset[Operation]
    fields: frozenset[PersonalField]


_READ_WORK = {_O.INCIDENTS_READ, _O.WORK_ORDERS_READ, _O.CREWS_READ, _O.MAP_READ, _O.NETWORK_READ}
_DESK = {
    _O.REPORTS_READ,
    _O.CASES_READ,
    _O.CALLBACKS_READ,
    _O.OUTAGES_READ,
    _O.LOCATE_USE,
    _O.PLACES_NAME,
    _O.DIRECTORY_READ,
    _O.PICTURES_READ,
    _O.PICTURES_ADD,
}
_AGENT = _DESK | {
    _O.REPORTS_TAKE,
    _O.REPORTS_LOCATE,
    _O.CASES_WORK,
    _O.CALLBACKS_WORK,
    _O.MAP_READ,
    _O.NETWORK_READ,
}
_DISPATCHER = (
    _DESK
    | _READ_WORK
    | {_O.INCIDENTS_DECIDE, _O.WORK_ORDERS_DECIDE, _O.POSITIONS_READ, _O.REPORTS_LOCATE, _O.RING_BACKS_MAKE}
    | {_O.RECTIFICATIONS_READ}
)
_LEADER = _READ_WORK | {_O.ESCALATIONS_READ, _O.ESCALATIONS_REPORT, _O.ESCALATIONS_ACKNOWLEDGE}
_F = Function
ROLE_SEEDS: Final = (
    RoleSeed(
        "hotline centre",
        frozenset({_F.HOTLINE, _F.DISPATCH, _F.MAP}),
        "agent",
        frozenset(_AGENT | {_O.INCIDENTS_READ, _O.RING_BACKS_MAKE}),
        frozenset({PersonalField.PHONE, PersonalField.ADDRESS}),
    ),
    RoleSeed(
        "control room",
        frozenset({_F.HOTLINE, _F.DISPATCH, _F.MAP}),
        "dispatcher",
        frozenset(_DISPATCHER),
        frozenset({PersonalField.ADDRESS}),
    ),
    RoleSeed("field crews", frozenset({_F.FIELD}), "crew", frozenset({_O.FIELD_WORK}), frozenset()),
    RoleSeed(
        "supervision",
        frozenset({_F.HOTLINE, _F.DISPATCH, _F.MAP}),
        "supervisor",
        frozenset(
            (_DISPATCHER | _AGENT)
            | {_O.TRAILS_READ, _O.CREWS_MANAGE, _O.NETWORK_IMPORT, _O.NETWORK_PUBLISH}
            | {_O.PICTURES_MANAGE, _O.PLACES_MANAGE, _O.DIRECTORY_MANAGE, _O.RECTIFICATIONS_WORK}
            | {_O.ESCALATIONS_READ, _O.ESCALATIONS_REPORT, _O.ESCALATIONS_ACKNOWLEDGE}
            | {_O.ESCALATION_RULES_MANAGE, _O.TRIAGE_RULES_MANAGE}
        ),
        frozenset(PersonalField),
    ),
    RoleSeed("leadership", frozenset({_F.DISPATCH, _F.MAP}), "leader", frozenset(_LEADER), frozenset()),
    RoleSeed("management", frozenset({_F.DISPATCH, _F.MAP}), "director", frozenset(_LEADER), frozenset()),
    RoleSeed(
        "administration",
        frozenset(Function),
        "administrator",
        frozenset(Operation) - {_O.FIELD_WORK},
        frozenset(PersonalField),
    ),
)
