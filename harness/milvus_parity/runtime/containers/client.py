"""The Docker SDK's client, made so that the certificates of an engine count."""

from collections.abc import Mapping
from typing import Any

import docker
import docker.constants
from docker.utils import kwargs_from_env


class Api(docker.APIClient):
    """Looks at REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE only when the engine has no authority of its own.

    requests lets these variables of the environment win over what a session was told to trust (requests 2.32, docker
    7.2), so that nobody behind a company's proxy could reach an engine with home-made certificates.
    """

    def merge_environment_settings(  # type: ignore[no-untyped-def]
        self, url, proxies, stream, verify, cert
    ) -> Any:
        """As requests does, but with the session's own authority first."""
        trusted = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, trusted, cert)


def client_of(variables: Mapping[str, str], *, timeout: int, pool_size: int) -> docker.DockerClient:
    """A client that speaks to the engine that environment variables lead to, having asked for its version.

    Raises what the SDK raises.
    """
    options: dict[str, Any] = {
        **kwargs_from_env(environment=dict(variables)),
        "timeout": timeout,
        "max_pool_size": pool_size,
    }
    # With a version it asks nobody: it is the other client that is kept.
    client = docker.DockerClient(**options, version=docker.constants.MINIMUM_DOCKER_API_VERSION)
    client.close()
    client.api = Api(**options)
    return client
