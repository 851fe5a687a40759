#!/bin/sh
# The image's command: web, worker, migrate, or the whole installation (up).
set -eu
case "${1:-up}" in
    web)
        exec granian --factory --interface asgi --loop uvloop --host "${SHELFTIDE_HOST:-0.0.0.0}" \
            --port "${SHELFTIDE_PORT:-8020}" --workers "${WEB_WORKERS:-1}" --workers-kill-timeout 20 --no-ws \
            shelftide.app:create ;;
    worker) exec python -m shelftide.worker ;;
    *) exec shelftide "$@" ;;
esac
