"""Deployment files: Compose, Kubernetes objects, rendered charts. Text and facts in, a review out."""

from __future__ import annotations

from scanner.deployments.findings import Finding as Finding
from scanner.deployments.problems import DeploymentProblem as DeploymentProblem
from scanner.deployments.review import FactsFor as FactsFor
from scanner.deployments.review import Review as Review
from scanner.deployments.review import read_contents as read_contents
from scanner.deployments.review import review as review
from scanner.deployments.review import review_contents as review_contents
from scanner.deployments.review_report import review_report as review_report
from scanner.deployments.review_text import review_text as review_text
from scanner.deployments.yaml_documents import decode as decode
