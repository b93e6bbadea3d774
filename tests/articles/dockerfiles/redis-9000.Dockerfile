# Cane 2018, its fix. The article: FROM ubuntu:latest, redis-server by apt-get. Here: Debian, and no network.
FROM debian:bookworm
RUN adduser --system --group --home /var/lib/redis redis && \
    install -d -o redis -g redis -m 0750 /var/lib/redis
USER 9000
EXPOSE 6379
CMD redis-server
