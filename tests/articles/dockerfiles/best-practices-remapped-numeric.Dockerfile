# Dumpleton 2016. The article: FROM centos:centos7. Here: Debian.
FROM debian:bookworm
RUN groupadd --gid 1001 app
RUN useradd --uid 1001 --gid app --home /app app
RUN sed -i -e 's/1001/0/g' /etc/passwd
COPY . /app
WORKDIR /app
USER 1001
