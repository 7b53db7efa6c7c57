#!/bin/sh
# Creates the namespace that Regreen works in. Repeating it changes nothing.
set -eu

attempts=30
until temporal operator cluster health; do
    attempts=$((attempts - 1))
    [ "$attempts" -gt 0 ] || { echo "Temporal does not answer at $TEMPORAL_ADDRESS" >&2; exit 1; }
    sleep 2
done
temporal operator namespace describe --namespace default ||
    temporal operator namespace create --namespace default --retention "$RETENTION"
