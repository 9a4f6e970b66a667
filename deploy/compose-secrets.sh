#!/bin/sh
# Creates the secrets of compose.yaml that are missing in the given directory; existing ones are kept. Each service mounts its own
# subdirectory. The parent directory is accessible by its owner only.
set -eu
cd "$1"
chmod 0700 .
umask 022
mkdir -p postgres rabbitmq migrate parley sandbox grafana

random() {
    head -c 24 /dev/urandom | od -A n -t x1 | tr -d ' \n'
}

# write <file> <text>: atomically. Readable by all users, as services run as different ones.
write() {
    printf '%s\n' "$2" >"$1.new"
    chmod 0444 "$1.new"
    mv -f "$1.new" "$1"
}

# once <file> <text>
once() {
    [ -s "$1" ] || write "$1" "$2"
}

once postgres/password "$(random)"
for role in app platform owner; do
    once "migrate/$role.password" "$(random)"
done
url() {
    printf 'postgres://%s:%s@postgres:5432/%s' "$1" "$(cat "$2")" "$3"
}
write migrate/database_admin_url "$(url postgres postgres/password postgres)"
write migrate/database_owner_url "$(url parley_owner migrate/owner.password parley)"
write migrate/database_url "$(url parley_app migrate/app.password parley)"
write migrate/database_platform_url "$(url parley_platform migrate/platform.password parley)"
cp -f migrate/database_url migrate/database_platform_url parley/

once rabbitmq/password "$(random)"
write rabbitmq/rabbitmq.conf "default_user = parley
default_pass = $(cat rabbitmq/password)
log.console = true
vm_memory_high_watermark.absolute = 600MiB"
write parley/amqp_url "amqp://parley:$(cat rabbitmq/password)@rabbitmq:5672/%2f"

once parley/keys_encryption "first:$(head -c 32 /dev/urandom | base64)"
# Replace the random app secret with that of the Meta app; enter the verify token at Meta.
once parley/whatsapp_app_secret "$(random)"
once parley/whatsapp_verify_token "$(random)"
# The sandbox signs as Meta would.
cp -f parley/whatsapp_app_secret sandbox/

once grafana/admin_password "$(random)"
