#!/bin/sh
# Fetches one version of the SDK and makes a worker for it, in the current folder:
#   jars/     the SDK and all that it depends on
#   sdk.jar   the worker's own classes, and a class path of all jars
#   sdk.jsa   what a JVM has made of the classes when a worker is ready: with it the next one is ready in half the time
set -eu

fetch() {
    mvn -B -ntp -U -Dstyle.color=never -f "$PARITY_PACK/support/pom.xml" \
        -Dsdk.group="${PARITY_PACKAGE%%:*}" -Dsdk.artifact="${PARITY_PACKAGE##*:}" -Dsdk.version="$PARITY_SDK_VERSION" \
        -Dmaven.wagon.http.retryHandler.count=1 -Daether.connector.connectTimeout=10000 \
        -DoutputDirectory="$PWD/jars" -DincludeScope=runtime dependency:copy-dependencies
}

# Maven's local repository is not made for two that fill it at once.
if command -v flock >/dev/null; then
    exec 9>"$PARITY_CACHE/maven.lock"
    flock 9
fi
echo "fetching $PARITY_PACKAGE $PARITY_SDK_VERSION with Maven"
if ! fetch >maven.log 2>&1; then
    sed -n -e 's/ -> \[Help [0-9]*\]$//' -e '/Re-run Maven\|stack trace\|For more information\|\[Help/d' -e 's/^\[ERROR\] \(.\)/\1/p' maven.log
    exit 1
fi
exec 9>&-

echo "compiling the worker"
javac -encoding UTF-8 -nowarn -proc:none -cp "jars/*" -d classes \
    "$PARITY_PACK"/support/parity/*.java
{
    printf 'Class-Path:'
    printf ' %s\n ' jars/*.jar
    echo
} >manifest.txt
jar --create --file sdk.jar --manifest manifest.txt -C classes .
rm -r classes manifest.txt

# Some JVMs have no such archives; workers are right without one.
java -Xshare:auto -XX:ArchiveClassesAtExit=sdk.jsa -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -cp "$PWD/sdk.jar" parity.Worker </dev/null >archive.log 2>&1 || cat archive.log
