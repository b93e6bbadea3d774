# Cane 2018. The article: FROM ubuntu:latest, redis-server by apt-get. Here: Debian, and no network, so no apt-get.
FROM debian:bookworm
RUN adduser --system --group --home /var/lib/redis redis && \
    install -d -o redis -g redis -m 0750 /var/lib/redis
EXPOSE 6379
CMD redis-server
