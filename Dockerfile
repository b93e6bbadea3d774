# Plimsoll's own image. It passes Plimsoll's strictest policy: a numeric user, group 0, nothing that needs to be
# written outside /tmp, no set-user-id programs. It runs under any uid: `docker run --user 123456:0 --read-only`.
#
# BASE is any Debian with Python 3.11 or newer and its venv module. Pin it by digest where you build for others.
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS builder
# Set PIP_NO_INDEX=1 and put wheels into ./wheels to build without a network.
ARG PIP_NO_INDEX
# What registries of a cloud need to get their credential from it: "requirements-aws requirements-google requirements-azure".
ARG EXTRAS=
WORKDIR /build
COPY requirements*.txt wheels* ./
RUN python3 -m venv /opt/plimsoll/venv \
 && for name in requirements ${EXTRAS}; do \
      /opt/plimsoll/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes \
        --find-links /build --requirement "${name}.txt" || exit 1; \
    done \
 && /opt/plimsoll/venv/bin/python -m pip uninstall --yes pip
COPY manage.py /opt/plimsoll/app/
COPY scanner /opt/plimsoll/app/scanner
COPY compliance /opt/plimsoll/app/compliance
COPY templates /opt/plimsoll/app/templates
COPY static /opt/plimsoll/app/static
WORKDIR /opt/plimsoll/app
# The settings insist on addresses and keys; collecting files uses none of them, and none stays in the image.
RUN SECRET_KEY=build PLIMSOLL_CREDENTIAL_KEYS=build DATABASE_URL=postgres://nowhere/build REDIS_URL=redis://nowhere \
    STATIC_ROOT=/opt/plimsoll/static /opt/plimsoll/venv/bin/python manage.py collectstatic --no-input --verbosity 0 \
 && /opt/plimsoll/venv/bin/python -m compileall -q scanner compliance \
 && chmod -R u=rwX,go=rX . /opt/plimsoll/static

FROM ${BASE}
LABEL org.opencontainers.image.title="Plimsoll" \
      org.opencontainers.image.description="Who will this container run as? Scans registries and answers for every tag." \
      org.opencontainers.image.licenses="Apache-2.0"
# An account for 10001, so that `whoami` works; group 0, so that any other uid has the same rights.
# Programs that lend root's rights have no business here.
RUN echo 'plimsoll:x:10001:0:Plimsoll:/home/plimsoll:/usr/sbin/nologin' >> /etc/passwd \
 && install -d -o 10001 -g 0 -m 0770 /home/plimsoll \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
COPY --from=builder /opt/plimsoll /opt/plimsoll
ENV PATH=/opt/plimsoll/venv/bin:$PATH \
    HOME=/home/plimsoll \
    STATIC_ROOT=/opt/plimsoll/static \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /opt/plimsoll/app
USER 10001:0
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://localhost:8000/healthz', timeout=4)"]
CMD ["gunicorn", "compliance.project.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--worker-tmp-dir", "/tmp", "--access-logfile", "-"]
