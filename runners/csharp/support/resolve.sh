# Fetches one version of the SDK, and all that it needs, into the current folder.
set -eu

exec dotnet restore "$PARITY_PACK/support/worker.csproj" --packages "$PWD/packages" \
    -p:MSBuildProjectExtensionsPath="$PWD/obj/" -nodeReuse:false --verbosity quiet
