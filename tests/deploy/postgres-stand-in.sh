#!/bin/sh
# What the compose file relies on in the official image: these variables, a volume owned by root, TCP for all networks.
set -eu
data=/var/lib/postgresql/data
as_postgres() { setpriv --reuid 999 --regid 999 --clear-groups "$@"; }

if [ ! -s "$data/PG_VERSION" ]; then
    chown 999:999 "$data"
    chmod 700 "$data"
    printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
    chown 999 /tmp/password
    # shellcheck disable=SC2086  # several arguments in one variable, as the official image has it
    as_postgres initdb -D "$data" --username "$POSTGRES_USER" --pwfile /tmp/password --no-sync $POSTGRES_INITDB_ARGS
    rm /tmp/password
    echo "CREATE DATABASE $POSTGRES_DB" | as_postgres postgres --single -D "$data" postgres
    echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
fi
exec setpriv --reuid 999 --regid 999 --clear-groups postgres -D "$data" -c 'listen_addresses=*'
