#!/bin/sh
# Stores the SQLite file DATABASE and the folder FOLDER as one archive in /backups, and keeps the latest KEEP.
set -eu

fail() {
    echo "backup: $*" >&2
    exit 1
}

# sqlite3 makes an empty database of a name that is wrong.
[ -s "$DATABASE" ] || fail "there is no database $DATABASE"

name=backup-$(date -u +%Y-%m-%dT%H%M%SZ).tar.gz
partial=/backups/$name.partial
work=$(mktemp -d)
trap 'rm -rf "$work" "$partial"' EXIT
trap 'exit 143' INT TERM

# One state of the database, even while others write to it.
sqlite3 "$DATABASE" '.timeout 60000' ".backup '$work/database.sqlite'"
check=$(sqlite3 "$work/database.sqlite" 'PRAGMA integrity_check')
[ "$check" = ok ] || fail "$DATABASE is damaged: $check"

# What a program has written when it fails or is killed is stored as well: only a whole archive gets its name.
# It is waited for because a shell heeds a signal only between its commands, or while it waits.
tar -czf "$partial" "$FOLDER" -C "$work" database.sqlite &
wait $!
gzip -t "$partial"
mv "$partial" "/backups/$name"

# Older ones may go when the bucket has the new one.
sync /backups
set -- /backups/backup-*.tar.gz
while [ $# -gt "$KEEP" ]; do
    rm "$1"
    shift
done
# What earlier runs left that were killed, but not what another one writes now.
find /backups -name '*.partial' -mtime +0 -delete
echo "backup: stored $name"
