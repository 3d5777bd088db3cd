#!/bin/sh
# Compiles all programs in one go: what takes long is starting the compiler. A complaint comes in one line, with its column.
set -eu
find programs -name '*.java' >sources.txt
javac -J-XX:TieredStopAtLevel=1 -J-XX:+UseSerialGC -J-XX:-UsePerfData \
    -encoding UTF-8 -nowarn -proc:none -Xmaxerrs 100000 -g -cp "$PARITY_SDK/sdk.jar" -d "$PARITY_BUILD/classes" \
    @sources.txt >javac.log 2>&1 && exit
awk '
    function tell() { if (complaint != "") print complaint; complaint = "" }
    /^[^ ]+\.java:[0-9]+: [a-z]+: / { tell(); complaint = $0; source = NR + 1; next }
    complaint == "" { print; next }
    NR == source { next }
    /^[ \t]*\^$/ { column = index($0, "^"); sub(/: /, ":" column ": ", complaint); next }
    /^ *location: class p[0-9]+$/ { next }
    /^[0-9]+ errors?$|^Note: / { next }
    { gsub(/ +/, " "); complaint = complaint ";" (/^ / ? "" : " ") $0 }
    END { tell() }
' javac.log
exit 1
