#!/bin/sh
# Fetches one version of the SDK and makes a worker for it, in the current folder:
#   jars/     the SDK and all that it depends on
#   sdk.jar   the worker's own classes, and a class path of all jars
#   sdk.jsa   what a JVM has made of the classes when a worker is ready: with it the next one is ready in half the time
set -eu

# A jar that nobody has released becomes a repository of its own, with the pom that Maven put into it.
repository=
if [ -n "${PARITY_SOURCE:-}" ]; then
    group=${PARITY_PACKAGE%%:*} artifact=${PARITY_PACKAGE##*:}
    (cd "$PWD" && jar xf "$PARITY_SOURCE" "META-INF/maven/$group/$artifact/pom.xml")
    place=local/$(echo "$group" | tr . /)/$artifact/$PARITY_SDK_VERSION
    mkdir -p "$place"
    cp "$PARITY_SOURCE" "$place/$artifact-$PARITY_SDK_VERSION.jar"
    awk -v artifact="<artifactId>$artifact</artifactId>" -v version="$PARITY_SDK_VERSION" '
        /<dependencies>/ { wanted = 0 }
        index($0, artifact) && !found { found = 1; wanted = 1 }
        wanted && sub(/<version>[^<]*<\/version>/, "<version>" version "</version>") { wanted = 0 }
        { print }' "META-INF/maven/$group/$artifact/pom.xml" >"$place/$artifact-$PARITY_SDK_VERSION.pom"
    rm -r META-INF
    repository=file://$PWD/local
fi

fetch() {
    mvn -B -U -Dstyle.color=never -f "$PARITY_PACK/support/pom.xml" \
        -Dsdk.group="${PARITY_PACKAGE%%:*}" -Dsdk.artifact="${PARITY_PACKAGE##*:}" -Dsdk.version="$PARITY_SDK_VERSION" \
        -Dmaven.wagon.http.retryHandler.count=1 -Daether.connector.connectTimeout=10000 \
        ${repository:+"-Dsdk.repository=$repository"} -DoutputDirectory="$1" -DincludeScope=runtime dependency:copy-dependencies 2>&1 || printf '\nFAILED\n'
}

# Both targets take the jars of a version from here: they are fetched once and lie on the disk once.
fetched=$PARITY_CACHE/jars/${PARITY_PACKAGE##*:}-$PARITY_SDK_VERSION-$(cksum <"$PARITY_PACK/support/pom.xml" | cut -d ' ' -f 1)
mkdir -p "$PARITY_CACHE/jars"
# Maven's local repository is not made for two that fill it at once.
if command -v flock >/dev/null; then
    exec 9>"$PARITY_CACHE/jars/.lock"
    flock 9
fi
if [ ! -e "$fetched/.complete" ]; then
    echo "fetching $PARITY_PACKAGE $PARITY_SDK_VERSION with Maven"
    fetch "$fetched" | tee maven.log |
        awk '/^\[INFO\] Downloaded .*\.jar / { parts = split($5, part, "/"); print "fetched " part[parts]; fflush() }'
    if grep -q '^FAILED$' maven.log; then
        rm -rf "$fetched"
        sed -n -e 's/ -> \[Help [0-9]*\]$//' -e '/Re-run Maven\|stack trace\|For more information\|\[Help/d' \
            -e 's/^\[ERROR\] \(.\)/\1/p' maven.log
        exit 1
    fi
    touch "$fetched/.complete"
fi
cp -Rl "$fetched" jars 2>/dev/null || { rm -rf jars && cp -R "$fetched" jars; }
exec 9>&-

echo "compiling the worker"
javac -encoding UTF-8 -nowarn -proc:none -cp "jars/*" -d classes \
    "$PARITY_PACK"/support/parity/*.java "$PARITY_PACK/support/$PARITY_TARGET"/parity/*.java
{
    printf 'Class-Path:'
    printf ' %s\n ' jars/*.jar
    echo
} >manifest.txt
jar --create --file sdk.jar --manifest manifest.txt -C classes .
rm -r classes manifest.txt

# Not every JVM has such archives; a worker is right without one, only slower to start.
java -Xshare:auto -XX:ArchiveClassesAtExit=sdk.jsa -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -cp "$PWD/sdk.jar" parity.Worker </dev/null >archive.log 2>&1 || cat archive.log
