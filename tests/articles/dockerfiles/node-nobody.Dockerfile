# Henderson 2018, "docker run -u nobody" written into the image. The article: alpine. Here: Debian.
FROM debian:bookworm

RUN mkdir -p /app
COPY . /app
RUN chown -R nobody /app

WORKDIR /app
USER nobody

CMD ["node", "."]
