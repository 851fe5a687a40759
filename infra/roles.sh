#!/bin/sh
# Roles and databases of an external Postgres, as the embedded server makes them by itself. Run once, as superuser.
set -eu
psql -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    -v owner="$OWNER_PASSWORD" -v app="$APP_PASSWORD" -v gate="$GATE_PASSWORD" -v backup="$BACKUP_PASSWORD" \
    -v lakes="$LAKES_PASSWORD" <<'SQL'
create role owner login password :'owner';
create role app login password :'app';
create role gate login password :'gate';
create role backup login bypassrls password :'backup';
create role lakekeeper login createrole password :'lakes';
create database shelftide owner owner;
create database lakes owner lakekeeper;
revoke all on database shelftide from public;
revoke all on database lakes from public;
grant connect, temporary on database shelftide to app, gate, backup;
SQL
