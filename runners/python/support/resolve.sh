# Makes a virtual environment in the current folder with one version of the SDK: resolve.sh PYTHON PACKAGE VERSION
set -eu

# What old releases of pymilvus need and do not say: environs of 2.2 and 2.3 wants marshmallow.__version_info__,
# 2.3 and 2.4 import pkg_resources. Later ones use neither.
printf '%s\n' 'marshmallow<4' 'setuptools<80' > constraints.txt

"$1" -m venv venv
venv/bin/python -m pip install --quiet --no-input --constraint constraints.txt "$2==$3"
venv/bin/python -c 'import pymilvus'
