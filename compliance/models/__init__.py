"""Tables. Content-addressed rows never change; pointers, work and judgement do."""

from compliance.models.image import Evaluation, Image, Index, IndexImage, Layer, Outline, VerdictChoice
from compliance.models.lease import LeaseLost
from compliance.models.registry import Policy, PolicyAssignment, PolicyVersion, Registry
from compliance.models.rejudging import Rejudging
from compliance.models.repository import DailySnapshot, Repository, Tag, TagChange
from compliance.models.scan import ACTIVE, RepositoryScan, Scan, ScanError, State
from compliance.models.user import User

__all__ = [
    "ACTIVE",
    "DailySnapshot",
    "Evaluation",
    "Image",
    "Index",
    "IndexImage",
    "Layer",
    "LeaseLost",
    "Outline",
    "Policy",
    "PolicyAssignment",
    "PolicyVersion",
    "Registry",
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
]
