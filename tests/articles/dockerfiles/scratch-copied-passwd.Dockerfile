# Henderson 2018. The article: FROM ubuntu:latest as the first stage. Here: Debian.
FROM debian:bookworm
RUN useradd -u 10001 scratchuser

FROM scratch
COPY dosomething /dosomething
COPY --from=0 /etc/passwd /etc/passwd
USER scratchuser
ENTRYPOINT ["/dosomething"]
