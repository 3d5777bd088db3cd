#!/bin/bash
# Starts a Docker engine on a machine that has none (Debian, root, no systemd): installs Debian's packages when needed.
# Does nothing when an engine answers. Variables: DATA_ROOT (the engine's data), ENGINE_LOG.
set -euo pipefail
data_root=${DATA_ROOT:-/var/lib/docker}
log=${ENGINE_LOG:-/var/log/dockerd.log}
socket=/var/run/docker.sock

answers() { [ -S "$socket" ] && curl -sf -m 2 --unix-socket "$socket" http://engine/_ping >/dev/null 2>&1; }

if answers; then exit 0; fi

if ! type -P dockerd iptables rootlesskit slirp4netns newuidmap >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # iptables is only recommended by docker.io, and it cannot do without. The last three are for engines without root.
  apt-get install -y -qq --no-install-recommends docker.io iptables docker-compose uidmap slirp4netns rootlesskit \
    </dev/null
fi

rm -f /var/run/docker.pid
# The default address pools have room for 31 networks, which some leaked ones would fill.
setsid nohup dockerd --data-root "$data_root" --shutdown-timeout 5 \
  --default-address-pool base=172.30.0.0/16,size=24 --default-address-pool base=172.31.0.0/16,size=24 \
  >>"$log" 2>&1 </dev/null &
for _ in $(seq 1 300); do
  if answers; then exit 0; fi
  sleep 0.1
done
echo "The Docker engine did not start; the end of $log:" >&2
tail -30 "$log" >&2
exit 1
