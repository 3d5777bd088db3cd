# Fetches one version of the SDK, and all that it needs, into the current folder.
set -eu

# A package that nobody has released lies in a feed of its own; the feeds that people have serve what it needs.
feed=
if [ -n "${PARITY_SOURCE:-}" ]; then
    mkdir -p feed
    cp "$PARITY_SOURCE" feed/
    feed=-p:RestoreAdditionalProjectSources=$PWD/feed
fi
exec dotnet restore "$PARITY_PACK/support/worker.csproj" --packages "$PWD/packages" ${feed:+"$feed"} \
    -p:MSBuildProjectExtensionsPath="$PWD/obj/" -nodeReuse:false --verbosity quiet
