# Installs one version of the SDK into the current folder: resolve.sh PACKAGE VERSION
# PARITY_SOURCE, where it is set, is a tarball or folder to take instead of what the registry has.
set -eu

wanted=$1@$2
[ -z "${PARITY_SOURCE:-}" ] || wanted=file:$PARITY_SOURCE
npm install --prefix . --install-links --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel error "$wanted"
node -e 'require(process.argv[1])' "$1"
