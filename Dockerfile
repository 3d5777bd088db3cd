# The harness itself, for `docker compose run parity`. SDKs run in images of their own: runners/*/Dockerfile.
ARG BASE=python:3.11-slim
FROM ${BASE}
# iptables closes the workers' network towards this machine; without it the harness says what stays open.
RUN if command -v apt-get >/dev/null; then \
      apt-get update -qq && apt-get install -y -qq --no-install-recommends iptables && rm -rf /var/lib/apt/lists/*; \
    fi
COPY pyproject.toml README.md LICENSE /src/
COPY harness /src/harness
COPY runners /src/runners
COPY scenarios /src/scenarios
RUN python3 -m venv /opt/milvus-parity && /opt/milvus-parity/bin/pip install --no-cache-dir /src
ENV PATH=/opt/milvus-parity/bin:$PATH
ENV XDG_CACHE_HOME=/srv/cache
WORKDIR /srv
ENTRYPOINT ["milvus-parity"]
