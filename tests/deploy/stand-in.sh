#!/bin/sh
# What the compose file relies on in three official images. A command of postgres is made its folder first; no command
# is the registry; Valkey's command is in the compose file.
set -eu
[ $# -gt 0 ] || exec docker-registry serve /registry.yml
[ "$1" = postgres ] || exec "$@"
shift

# A volume is root's at first, and Postgres refuses to be root.
data=/var/lib/postgresql/data
as_nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
if [ ! -s "$data/PG_VERSION" ]; then
    chown 65534:65534 "$data"
    chmod 700 "$data"
    printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
    chown 65534 /tmp/password
    # shellcheck disable=SC2086  # several arguments in one variable, as the official image has it
    $as_nobody initdb -D "$data" --username "$POSTGRES_USER" --pwfile /tmp/password --no-sync $POSTGRES_INITDB_ARGS
    rm /tmp/password
    echo "CREATE DATABASE $POSTGRES_DB" | $as_nobody postgres --single -D "$data" postgres
    echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
fi
# The health check asks over this socket.
exec $as_nobody postgres -D "$data" -c 'listen_addresses=*' -c unix_socket_directories=/tmp "$@"
