#!/bin/sh
# Fetch one version of an SDK: a go.mod and a go.sum that say exactly what it is made of, its modules in the module cache,
# and its packages compiled into the build cache with the flags of the build, so that a build compiles only programs.
set -eu

# -modcacherw: a cache that can be removed like any other folder.
export GOFLAGS=-modcacherw GOWORK=off
case "$PARITY_TARGET" in
go-v1) packages="$PARITY_PACKAGE/client $PARITY_PACKAGE/entity" ;;
go-v2) packages="$PARITY_PACKAGE/milvusclient $PARITY_PACKAGE/entity $PARITY_PACKAGE/column $PARITY_PACKAGE/index
    github.com/milvus-io/milvus/pkg/v2/util/merr" ;;
*)
    echo "The Go pack does not know the target $PARITY_TARGET." >&2
    exit 2
    ;;
esac

cp -R "$PARITY_PACK/support/." .
if [ -n "${PARITY_SOURCE:-}" ]; then
    # A folder with a module that nobody has released: a copy of it, which builds will find where it is now.
    cp -R "$PARITY_SOURCE" source
    version=${PARITY_SDK_VERSION%%+*}
    go mod edit -require="$PARITY_PACKAGE@v${version#v}" -replace="$PARITY_PACKAGE=$PWD/source"
else
    go get "$PARITY_PACKAGE@v${PARITY_SDK_VERSION#v}"
fi
{
    echo 'package main'
    for package in $packages; do
        echo "import _ \"$package\""
    done
} >sdk.go
echo "compiling the SDK"
# Without inlining and debug information: a third less to compile, and nothing that an SDK gives back is another.
go build -mod=mod -trimpath -buildvcs=false "-ldflags=-s -w" "-gcflags=all=-l -dwarf=false" -o /dev/null .
# What its calls take, for parameter tables of documentation pages.
for package in $packages; do
    go doc -all "$package"
done >api.txt 2>/dev/null || true
rm -rf frame main.go sdk.go resolve.sh local
