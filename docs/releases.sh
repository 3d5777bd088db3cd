#!/bin/sh
# Makes releases.md anew: docs/releases.sh [RUNS]
#
# Runs the scenarios through real releases of each SDK, one language after the other, and writes down what changed. The runs are
# kept in the folder RUNS (default: parity-runs/releases); one that is there already is not run again. Takes about a quarter of an
# hour when nothing was fetched before. MILVUS_PARITY is the command to call (default: milvus-parity).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
runs=${1:-parity-runs/releases}
parity=${MILVUS_PARITY:-milvus-parity}
export MILVUS_PARITY_RUNTIME="${MILVUS_PARITY_RUNTIME:-process}"
mkdir -p "$runs"

releases() { # NAME TITLE TARGET...
    name=$1 title=$2
    shift 2
    if [ ! -e "$runs/$name/run.json" ]; then
        wanted=$(printf ' --target %s' "$@")
        # shellcheck disable=SC2086 # one word for each option and target
        $parity run $wanted --out "$runs/$name" >"$runs/$name.txt" || [ $? -ne 2 ]
    fi
    printf '## %s\n\n' "$title"
    printf '`milvus-parity run --target %s`\n\n' "$(echo "$@" | sed 's/ / --target /g')"
    $parity diff "$runs/$name" --no-told --format markdown | sed -e '1,2d' -e 's/^###/####/' || [ $? -ne 2 ]
    echo
}

change() { # TARGET CASE GOOD BAD
    printf '```console\n$ milvus-parity bisect %s --case %s --good %s --bad %s\n' "$@"
    $parity bisect "$1" --case "$2" --good "$3" --bad "$4"
    printf '```\n\n'
}

{
    cat <<'TEXT'
# What changed around dropping a partition, release by release

Made by [releases.sh](releases.sh), from real releases against Milvus 2.3.5: `milvus-parity diff RUN` compares each version in a run with
the next. "Newly agrees" and "newly differs" are meant with what is promised, or with the other versions in the run. Bold: something that must match
got worse. What never counts (how something was told, which calls were sent) is left out here.

TEXT
    releases python "pymilvus 2.2.17 to 3.0.2" \
        python-orm@2.2.17,2.3.7,2.4.15,2.5.18,2.6.17,3.0.2 python-client@2.3.7,2.4.15,2.5.18,2.6.17,3.0.2
    releases java "Java 2.3.10 to 2.6.22" java-v1@2.3.10,2.4.8,2.5.10,2.6.22 java-v2@2.3.10,2.4.8,2.5.10,2.6.22
    releases go-v1 "Go, milvus-sdk-go 2.2.8 to 2.4.2" go-v1@2.2.8,2.3.4,2.3.5,2.3.6,2.4.0,2.4.1,2.4.2
    releases go-v2 "Go, milvus/client 2.5.6 to 2.6.2" go-v2@2.5.6,2.6.0,2.6.2
    releases javascript "Node.js 2.2.24 to 3.0.6" javascript@2.2.24,2.3.5,2.4.9,2.5.12,2.6.17,3.0.6
    printf '## In which release\n\n'
    change go-v1 drop_partition/never_was 2.2.8 2.4.2
    change go-v1 drop_partition/never_was 2.3.6 2.4.1
    change go-v1 drop_partition/never_was 2.4.1 2.4.2
    change go-v1 drop_partition/wrong_password 2.3.6 2.4.2
    change python-orm drop_partition/never_was 2.2.17 2.3.7
    change python-orm drop_partition/use_unknown_database 2.5.18 2.6.17
    change python-client drop_partition/two_databases_one_switches 2.4.15 2.5.18
    change python-client drop_partition/switched_database 2.5.18 2.6.17
    change javascript drop_partition/with_rows 2.2.24 2.3.5
} >"$runs/releases.md"
mv "$runs/releases.md" "$here/releases.md"
