"""The texts our rules come from. A rule names them; it never repeats their titles."""

from __future__ import annotations

from scanner.domain.rule import Link

WHAT_USER = Link("Graham Dumpleton, “What USER should you use to run Docker images” (2016)")
RANDOM_IDS = Link("Graham Dumpleton, “Random user IDs when running Docker containers” (2015)")
NON_PRIVILEGED = Link("Benjamin Cane, on running containers as a non-privileged user (2018)")
STOP_ROOT = Link("Dave Henderson, “Stop running containers as root!” (2018)")
FRIENDS = Link("“Friends don't let friends run containers as root” (2021)")

CIS_4_1 = Link("CIS Docker Benchmark 4.1: a user for the container has been created")
NIST_800_190 = Link(
    "NIST SP 800-190, 4.1.2: image configuration defects", "https://csrc.nist.gov/pubs/sp/800/190/final"
)
NSA_CISA = Link("NSA and CISA, Kubernetes Hardening Guide: “non-root” containers")
POD_SECURITY = Link(
    "Kubernetes Pod Security Standards: restricted, running as non-root",
    "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
OCI_CONFIG = Link(
    "OCI image specification: config, User", "https://github.com/opencontainers/image-spec/blob/main/config.md"
)

CIS_DI_0001 = Link("Dockle CIS-DI-0001", "https://github.com/goodwithtech/dockle/blob/master/CHECKPOINT.md")
DS_0002 = Link("Trivy DS-0002", "https://github.com/aquasecurity/trivy-checks")
DL3002 = Link("hadolint DL3002", "https://github.com/hadolint/hadolint/wiki/DL3002")
C_0013 = Link("Kubescape C-0013: non-root containers", "https://github.com/kubescape/regolibrary")

CVE_2024_40635 = Link("CVE-2024-40635 (containerd)", "https://github.com/advisories/GHSA-265r-hfxg-fhmg")
CVE_2026_46680 = Link("CVE-2026-46680 (containerd)", "https://github.com/advisories/GHSA-fqw6-gf59-qr4w")
GO_ACCOUNT_PARSER = Link("moby/sys user.GetExecUser, the parser of Docker", "https://github.com/moby/sys")
