# Makes a virtual environment in the current folder with one version of the SDK: resolve.sh PYTHON PACKAGE VERSION
# PARITY_SOURCE, where it is set, is a build to take instead of what the registry has.
set -eu

# What old releases of pymilvus need and do not say: environs of 2.2 and 2.3 wants marshmallow.__version_info__,
# 2.3 and 2.4 import pkg_resources. Later ones use neither.
printf '%s\n' 'marshmallow<4' 'setuptools<80' > constraints.txt

"$1" -m venv venv
wanted="$2==$3"
if [ -d "${PARITY_SOURCE:-}" ]; then
    # What pip makes while it builds belongs here and not into somebody's checkout.
    cp -R "$PARITY_SOURCE" source
    [ -e source/.git ] || export SETUPTOOLS_SCM_PRETEND_VERSION="${3%%+*}"
    wanted=./source
elif [ -n "${PARITY_SOURCE:-}" ]; then
    wanted=$PARITY_SOURCE
fi
venv/bin/python -m pip install --quiet --no-input --constraint constraints.txt "$wanted"
rm -rf source
venv/bin/python -c 'import pymilvus'
