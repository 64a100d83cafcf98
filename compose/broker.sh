#!/bin/sh
# Runs the broker and has it read its password file again when that changed: the process that changes it lives in another
# container and cannot signal this one.
set -eu
folder=$1

mosquitto -c "$folder/mosquitto.conf" &
broker=$!
trap 'kill -TERM "$broker"' TERM INT

seen=$(stat -c '%i %Y' "$folder/passwords")
while kill -0 "$broker" 2>/dev/null; do
    now=$(stat -c '%i %Y' "$folder/passwords" 2>/dev/null || echo "$seen")
    if [ "$now" != "$seen" ]; then
        seen=$now
        kill -HUP "$broker"
    fi
    sleep 1 &
    wait $! || true
done
wait "$broker"
