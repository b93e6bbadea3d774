"""Tables. Content-addressed rows never change; pointers, work and judgement do."""

from compliance.models.api_token import ApiToken, ScopeChoice, TokenState
from compliance.models.audit import AuditAction, AuditCheck, AuditEvent
from compliance.models.factor_rule import DemandChoice, FactorRule
from compliance.models.finding import (
    BulkChange,
    Finding,
    FindingEvent,
    FindingSpan,
    Occurrence,
    ResolutionChoice,
    SavedView,
    SlaTerm,
    StatusChoice,
)
from compliance.models.group_grant import GroupGrant, GroupRoleChoice
from compliance.models.history import HISTORIES
from compliance.models.image import (
    BaseImage,
    Evaluation,
    Image,
    Index,
    IndexImage,
    Layer,
    Outline,
    ShownChoice,
    VerdictChoice,
)
from compliance.models.label import LabelSet
from compliance.models.lease import LeaseLost
from compliance.models.notice import (
    Channel,
    ChannelKind,
    Delivery,
    DeliveryAttempt,
    NoticeKind,
    Subscription,
    ViewMail,
    Watch,
)
from compliance.models.registry import AuthMethod, Policy, PolicyAssignment, PolicyVersion, Registry, RegistryState
from compliance.models.rejudging import Rejudging
from compliance.models.repository import DailySnapshot, FleetDay, Repository, Tag, TagChange
from compliance.models.retention import Retention
from compliance.models.scan import ACTIVE, RepositoryScan, Scan, ScanError, State
from compliance.models.shared_value import SharedValue
from compliance.models.team import Membership, OwnershipRule, Team, TeamRoleChoice
from compliance.models.user import Density, RoleChoice, User
from compliance.models.waiver import ReasonChoice, UnsettledWaiver, Waiver
from compliance.models.webhook import InboundEvent, Push, WebhookEndpoint

__all__ = [
    "ACTIVE",
    "HISTORIES",
    "ApiToken",
    "AuditAction",
    "AuditCheck",
    "AuditEvent",
    "AuthMethod",
    "BaseImage",
    "BulkChange",
    "Channel",
    "ChannelKind",
    "DailySnapshot",
    "Delivery",
    "DeliveryAttempt",
    "DemandChoice",
    "Density",
    "Evaluation",
    "FactorRule",
    "Finding",
    "FindingEvent",
    "FindingSpan",
    "FleetDay",
    "GroupGrant",
    "GroupRoleChoice",
    "Image",
    "InboundEvent",
    "Index",
    "IndexImage",
    "LabelSet",
    "Layer",
    "LeaseLost",
    "Membership",
    "NoticeKind",
    "Occurrence",
    "Outline",
    "OwnershipRule",
    "Policy",
    "PolicyAssignment",
    "PolicyVersion",
    "Push",
    "ReasonChoice",
    "Registry",
    "RegistryState",
    "Rejudging",
    "Repository",
    "RepositoryScan",
    "ResolutionChoice",
    "Retention",
    "RoleChoice",
    "SavedView",
    "Scan",
    "ScanError",
    "ScopeChoice",
    "SharedValue",
    "ShownChoice",
    "SlaTerm",
    "State",
    "StatusChoice",
    "Subscription",
    "Tag",
    "TagChange",
    "Team",
    "TeamRoleChoice",
    "TokenState",
    "UnsettledWaiver",
    "User",
    "VerdictChoice",
    "ViewMail",
    "Waiver",
    "Watch",
    "WebhookEndpoint",
]
