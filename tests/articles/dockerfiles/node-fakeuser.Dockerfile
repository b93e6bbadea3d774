# Henderson 2018. The article: FROM node. Here: Debian without node; accounts and owners are the same.
FROM debian:bookworm

RUN mkdir -p /app
COPY . /app
RUN chown -R nobody /app

WORKDIR /app

RUN groupadd -g 64000 fakeuser && \
    useradd -r -u 64000 -g fakeuser fakeuser
USER fakeuser

CMD ["node", "."]
