#!/bin/sh
# What the official image does with POSTGRES_PASSWORD, POSTGRES_PASSWORD_FILE and PGDATA, for Debian's package.
set -eu
# The official entry point takes the name of the server as its first argument, or only its options.
if [ "${1:-}" = postgres ]; then shift; fi
bin=$(echo /usr/lib/postgresql/*/bin)
data=${PGDATA:-/var/lib/postgresql/data}
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$data"
    chown postgres:postgres "$data"
    chmod 0700 "$data"
    cd /
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
fi
if [ ! -s "$data/PG_VERSION" ]; then
    password=$(mktemp)
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
        POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
    fi
    printf '%s' "${POSTGRES_PASSWORD:?must be set}" >"$password"
    "$bin/initdb" -D "$data" --username=postgres --pwfile="$password" --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 >/dev/null
    rm "$password"
    echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
fi
exec "$bin/postgres" -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
