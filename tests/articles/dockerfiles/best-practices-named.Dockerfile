# Dumpleton 2016. The article: FROM centos:centos7. Here: Debian.
FROM debian:bookworm
RUN groupadd --gid 1001 app
RUN useradd --uid 1001 --gid app --home /app app
COPY . /app
WORKDIR /app
USER app
