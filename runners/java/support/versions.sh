#!/bin/sh
# Prints what the registry says of the SDK's releases: Maven fetches that file whenever it is asked for the newest one.
set -eu

group=${PARITY_PACKAGE%%:*} artifact=${PARITY_PACKAGE##*:}
mvn -B -q -U -Dstyle.color=never dependency:get -Dartifact="$group:$artifact:LATEST:pom" -Dtransitive=false >&2
repository=$(mvn -B -q -Dstyle.color=never help:evaluate -Dexpression=settings.localRepository -DforceStdout |
    tr -d '\033' | sed 's/\[[0-9;]*m//g')
cat "$repository/$(echo "$group" | tr . /)/$artifact"/maven-metadata-*.xml
