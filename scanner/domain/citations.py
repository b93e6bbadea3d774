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
OCI_INDEX = Link(
    "OCI image specification: image index", "https://github.com/opencontainers/image-spec/blob/main/image-index.md"
)

CIS_DI_0001 = Link("Dockle CIS-DI-0001", "https://github.com/goodwithtech/dockle/blob/master/CHECKPOINT.md")
DS_0002 = Link("Trivy DS-0002", "https://github.com/aquasecurity/trivy-checks")
DL3002 = Link("hadolint DL3002", "https://github.com/hadolint/hadolint/wiki/DL3002")
C_0013 = Link("Kubescape C-0013: non-root containers", "https://github.com/kubescape/regolibrary")

CVE_2024_40635 = Link("CVE-2024-40635 (containerd)", "https://github.com/advisories/GHSA-265r-hfxg-fhmg")
CVE_2026_46680 = Link("CVE-2026-46680 (containerd)", "https://github.com/advisories/GHSA-fqw6-gf59-qr4w")
OVERFLOW_UID = Link(
    "Linux: fs.overflowuid, 65534", "https://docs.kernel.org/admin-guide/sysctl/fs.html#overflowgid-overflowuid"
)
SECURITY_CONTEXT = Link(
    "Kubernetes: runAsGroup and supplementalGroupsPolicy",
    "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
)
KUBELET_130871 = Link(
    "Kubernetes pull request 130871: runAsNonRoot checks the range of a uid",
    "https://github.com/kubernetes/kubernetes/pull/130871",
)
KUBERNETES_GROUPS = Link(
    "Kubernetes issue 93666: the group in an image's USER is ignored",
    "https://github.com/kubernetes/kubernetes/issues/93666",
)
CONTAINERD_USER = Link(
    "containerd: how USER is resolved", "https://github.com/containerd/containerd/blob/main/pkg/oci/spec_opts.go"
)
RUNC_LOOKUP = Link("runc 1.1: supplementary gids are looked up by name", "https://github.com/opencontainers/runc")
GO_ACCOUNT_PARSER = Link("moby/sys user.GetExecUser, the parser of Docker", "https://github.com/moby/sys")

# Beyond USER: accounts, files, privileges, habits.
CIS_4_8 = Link("CIS Docker Benchmark 4.8: setuid and setgid permissions are removed")
CIS_PRIVILEGES = Link("CIS Docker Benchmark, section 5: the container is kept from acquiring additional privileges")
CIS_PORTS = Link("CIS Docker Benchmark, section 5: privileged ports are not mapped within containers")
POD_ESCALATION = Link(
    "Kubernetes Pod Security Standards: restricted, privilege escalation and capabilities",
    "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
OPENSHIFT_IMAGES = Link("OpenShift, “Creating images”: support arbitrary user ids")
KERNEL_PORTS = Link("Linux: net.ipv4.ip_unprivileged_port_start", "https://docs.kernel.org/networking/ip-sysctl.html")
NO_NEW_PRIVS = Link("Linux: no_new_privs", "https://docs.kernel.org/userspace-api/no_new_privs.html")
USER_NAMESPACES = Link(
    "user_namespaces(7): unmapped ids", "https://man7.org/linux/man-pages/man7/user_namespaces.7.html"
)
CAPABILITIES = Link("capabilities(7)", "https://man7.org/linux/man-pages/man7/capabilities.7.html")
PASSWD_5 = Link("passwd(5)", "https://man7.org/linux/man-pages/man5/passwd.5.html")
SHADOW_5 = Link("shadow(5)", "https://man7.org/linux/man-pages/man5/shadow.5.html")
SUDOERS_5 = Link("sudoers(5)", "https://www.sudo.ws/docs/man/sudoers.man/")
USERADD_8 = Link("useradd(8)", "https://man7.org/linux/man-pages/man8/useradd.8.html")
CHMOD_1 = Link("chmod(1)", "https://man7.org/linux/man-pages/man1/chmod.1.html")
MULTI_PLATFORM = Link("Docker: multi-platform builds", "https://docs.docker.com/build/building/multi-platform/")
DOCKERFILE_USER = Link("Dockerfile reference: USER", "https://docs.docker.com/reference/dockerfile/#user")
DOCKERFILE_EXPOSE = Link("Dockerfile reference: EXPOSE", "https://docs.docker.com/reference/dockerfile/#expose")

_DOCKLE = "https://github.com/goodwithtech/dockle/blob/master/CHECKPOINT.md"
CIS_DI_0008 = Link("Dockle CIS-DI-0008: setuid and setgid files", _DOCKLE)
DKL_DI_0001 = Link("Dockle DKL-DI-0001: avoid sudo", _DOCKLE)
DKL_LI_0001 = Link("Dockle DKL-LI-0001: empty passwords", _DOCKLE)
DKL_LI_0002 = Link("Dockle DKL-LI-0002: unique uids and groups", _DOCKLE)
DS_0010 = Link("Trivy DS-0010: sudo in RUN", "https://github.com/aquasecurity/trivy-checks")
KSV_0020 = Link("Trivy KSV-0020: low user id", "https://github.com/aquasecurity/trivy-checks")
KSV_0116 = Link("Trivy KSV-0116: root group", "https://github.com/aquasecurity/trivy-checks")
DL3004 = Link("hadolint DL3004: no sudo", "https://github.com/hadolint/hadolint/wiki/DL3004")
DL3066 = Link("hadolint DL3066: numeric USER", "https://github.com/hadolint/hadolint/wiki/DL3066")
C_0016 = Link("Kubescape C-0016: privilege escalation", "https://github.com/kubescape/regolibrary")
C_0046 = Link("Kubescape C-0046: insecure capabilities", "https://github.com/kubescape/regolibrary")

CVE_2025_7195 = Link("CVE-2025-7195: /etc/passwd writable by group 0", "https://nvd.nist.gov/vuln/detail/CVE-2025-7195")
CVE_2025_57852 = Link("CVE-2025-57852: the same in OpenShift AI", "https://nvd.nist.gov/vuln/detail/CVE-2025-57852")
CVE_2019_5021 = Link(
    "CVE-2019-5021: root without a password in Alpine", "https://nvd.nist.gov/vuln/detail/CVE-2019-5021"
)
