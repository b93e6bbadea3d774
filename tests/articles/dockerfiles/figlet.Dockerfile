# Henderson 2018. The article: FROM alpine, figlet by apk. Here: Debian, and no network.
FROM debian:bookworm

COPY dosomething /usr/bin/figlet

USER 65000:65000

ENTRYPOINT ["figlet"]
