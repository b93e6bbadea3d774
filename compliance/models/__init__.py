"""Tables. Content-addressed rows never change; pointers, work and judgement do."""

from compliance.models.image import Evaluation, Image, Index, IndexImage, Layer, Outline, VerdictChoice
from compliance.models.lease import LeaseLost
from compliance.models.registry import AuthMethod, Policy, PolicyAssignment, PolicyVersion, Registry, RegistryState
from compliance.models.rejudging import Rejudging
from compliance.models.repository import DailySnapshot, Repository, Tag, TagChange
from compliance.models.scan import ACTIVE, RepositoryScan, Scan, ScanError, State
from compliance.models.user import User
from compliance.models.webhook import InboundEvent, Push, WebhookEndpoint

__all__ = [
    "ACTIVE",
    "AuthMethod",
    "DailySnapshot",
    "Evaluation",
    "Image",
    "InboundEvent",
    "Index",
    "IndexImage",
    "Layer",
    "LeaseLost",
    "Outline",
    "Policy",
    "PolicyAssignment",
    "PolicyVersion",
    "Push",
    "Registry",
    "RegistryState",
    "Rejudging",
    "Repository",
    "RepositoryScan",
    "Scan",
    "ScanError",
    "State",
    "Tag",
    "TagChange",
    "User",
    "VerdictChoice",
    "WebhookEndpoint",
]
