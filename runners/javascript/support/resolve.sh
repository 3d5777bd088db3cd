# Installs one version of the SDK into the current folder: resolve.sh PACKAGE VERSION
set -eu

npm install --prefix . --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel error "$1@$2"
node -e 'require(process.argv[1])' "$1"
