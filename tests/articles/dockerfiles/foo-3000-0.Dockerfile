# "Friends don't let friends run containers as root", 2021. The article: FROM alpine:3.14, with busybox' adduser.
# Here: Debian, whose adduser spells the same options out and has to be told that a capital letter is meant.
FROM debian:bookworm

RUN addgroup --system --gid 3000 --allow-bad-names groupFoo
# Setup application user
RUN adduser --system --uid 3000 --ingroup groupFoo johndoe

# Copy your app to the image and change file owner to johndoe
COPY --chown=3000:0 . /app/foo
# Switch to executing user.
USER 3000:0
ENTRYPOINT [ "/app/foo/docker-entrypoint.sh" ]
