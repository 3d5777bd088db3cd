#!/bin/sh
# Compiles all programs in one go: what takes long is starting the compiler.
set -eu
find programs -name '*.java' >sources.txt
javac -J-XX:TieredStopAtLevel=1 -J-XX:+UseSerialGC -J-XX:-UsePerfData \
    -encoding UTF-8 -nowarn -proc:none -g -cp "$PARITY_SDK/sdk.jar" -d "$PARITY_BUILD/classes" @sources.txt
