#!/bin/sh
# Makes the files of secrets/ that are not there yet. Replace what is in them; nothing else holds a secret.
# Use it: sh prepare.sh
# Made by `npm run emit` from the catalog of Celeriac. Do not edit: change the catalog or the config, then emit again.
set -eu
cd "$(dirname "$0")"
# Only you may look into the folder; the files are read by users of containers, who come by a mount of their own.
mkdir -p -m 0700 secrets
begin() {
  [ -e "secrets/$1" ] || { cat > "secrets/$1"; chmod 0644 "secrets/$1"; echo "secrets/$1: $2"; }
}
printf 'https://hooks.slack.com/services/REPLACE/ME' | begin slack-webhook-url "an incoming webhook of Slack"
printf 'REPLACE-ME' | begin pagerduty-routing-key "the integration key of a PagerDuty service (Events API v2)"
head -c 24 /dev/urandom | base64 | tr -d '\n' | begin grafana-admin-password "the password of the user admin in Grafana"
