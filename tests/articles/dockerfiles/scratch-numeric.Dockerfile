# Henderson 2018, as it stands.
FROM scratch

COPY dosomething /dosomething

USER 10001:10001

ENTRYPOINT ["/dosomething"]
