#!/bin/sh
# What the official image does with RABBITMQ_DEFAULT_USER and RABBITMQ_DEFAULT_PASS, for Debian's package.
set -eu
if [ "$(id -u)" = 0 ]; then
    # A volume mounted here belongs to root.
    chown rabbitmq:rabbitmq /var/lib/rabbitmq
    cat >/etc/rabbitmq/rabbitmq.conf <<EOF
listeners.tcp.default = 5672
default_user = ${RABBITMQ_DEFAULT_USER:-guest}
default_pass = ${RABBITMQ_DEFAULT_PASS:-guest}
loopback_users = none
EOF
    chown rabbitmq:rabbitmq /etc/rabbitmq/rabbitmq.conf
    chmod 0600 /etc/rabbitmq/rabbitmq.conf
    cd /var/lib/rabbitmq
    exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups -- "$0" "$@"
fi
export HOME=/var/lib/rabbitmq RABBITMQ_LOGS=-
exec /usr/lib/rabbitmq/bin/rabbitmq-server "$@"
