#!/bin/sh
# Creates Temporal's two databases, or brings them to this version's schema. Repeating it changes nothing.
set -eu

SQL_PASSWORD="$(cat /run/secrets/postgres_password)"
export SQL_PASSWORD
schema=/etc/temporal/schema/postgresql/v12

for database in temporal:temporal temporal_visibility:visibility; do
    name="${database%%:*}"
    folder="${database##*:}"
    temporal-sql-tool --db "$name" create
    # Without a version table there is no schema yet; with one, setting it up again would fail.
    temporal-sql-tool --db "$name" update-schema --schema-dir "$schema/$folder/versioned" ||
        { temporal-sql-tool --db "$name" setup-schema --version 0.0 &&
            temporal-sql-tool --db "$name" update-schema --schema-dir "$schema/$folder/versioned"; }
done
