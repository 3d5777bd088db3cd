"""What an SDK is fetched through (authorities, proxies, registries, files) is there then, and nowhere afterwards."""

import io
import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import certifi
import pytest
from milvus_parity.runtime.base import ResolveError
from milvus_parity.runtime.containers.engine import Engine

from containers.conftest import Bench
from containers.tiny import DOCKERFILE, RESOLVE, tiny_settings

pytestmark = pytest.mark.containers

SECRET = "word-7c1e"

# The script stays in the image, so it must not say the secret itself.
CHECKS = """
secret=word-7c; secret=${secret}1e
test "$HTTPS_PROXY" = "http://user:$secret@proxy:3128"
test "$PIP_INDEX_URL" = 'https://mirror/$simple "quoted"'
test -s "$SSL_CERT_FILE"
test "$PIP_CERT" = "$SSL_CERT_FILE"
grep -q 'BEGIN CERTIFICATE' "$NODE_EXTRA_CA_CERTS"
grep -q "_authToken=$secret" /root/.npmrc
test "$(cat /feed/a.nupkg)" = package
echo fetched > /opt/parity/sdk/what
"""


@pytest.fixture
def secretive(open_bench: Callable[..., Bench], tmp_path: Path) -> Bench:
    bundle, npmrc, feed = tmp_path / "ca.pem", tmp_path / "npmrc", tmp_path / "feed"
    bundle.write_text(certifi.contents())
    npmrc.write_text(f"//mirror/:_authToken={SECRET}\n")
    feed.mkdir()
    (feed / "a.nupkg").write_text("package")
    environment = {
        "HTTPS_PROXY": f"http://user:{SECRET}@proxy:3128",
        "PIP_INDEX_URL": 'https://mirror/$simple "quoted"',
    }
    return open_bench(
        tiny_settings(
            ca_bundle=bundle, build_environment=environment, build_files={"/root/.npmrc": npmrc, "/feed": feed}
        )
    )


def layers(engine: Engine, image: str) -> list[tuple[str, bytes]]:
    """Everything in an image: names and contents of its layers, and its configuration."""
    content = b"".join(engine.client.images.get(image).save())
    found = []
    with tarfile.open(fileobj=io.BytesIO(content)) as outer:
        for member in outer.getmembers():
            file = outer.extractfile(member) if member.isfile() else None
            data = file.read() if file else b""
            found.append((member.name, data))
            if member.name.endswith("layer.tar") or member.name.startswith("blobs/"):
                try:
                    with tarfile.open(fileobj=io.BytesIO(data)) as inner:
                        found += [(name, b"") for name in inner.getnames()]
                except tarfile.TarError:
                    continue
    return found


def test_nothing_stays_of_how_an_sdk_came(secretive: Bench, tmp_path: Path, engine: Engine) -> None:
    build = secretive.build(
        tmp_path / "tiny",
        resolve=f"{RESOLVE}\n# {time.time()}\n{CHECKS}",
        dockerfile=DOCKERFILE.replace("USER 65534", 'ENV SDK_HOME="/opt/parity/sdk"\nUSER 65534'),
    )
    secretive.do(secretive.runtime.close())
    try:
        image = engine.client.images.get(build.sdk.folder)
        assert "SDK_HOME=/opt/parity/sdk" in image.attrs["Config"]["Env"]
        assert image.attrs["Config"]["User"] == "65534:65534"
        for name, data in layers(engine, build.folder):
            assert SECRET.encode() not in data, name
            assert b"parity-ca" not in data, name
            assert "parity-ca" not in name
            assert ".npmrc" not in name
            assert "feed" not in Path(name).parts
        assert SECRET not in str(image.history())
        run = secretive.runtime._run
        left = engine.client.api.images(all=True, filters={"label": f"milvus-parity.run={run}"})
        assert left == [], "images that were only passing"
    finally:
        engine.client.images.remove(build.folder, force=True)
        engine.client.images.remove(build.sdk.folder, force=True)


def test_a_worker_of_such_an_image_works(secretive: Bench, tmp_path: Path, engine: Engine) -> None:
    build = secretive.build(tmp_path / "tiny", resolve=f"{RESOLVE}\n# {time.time()}\n{CHECKS}")
    try:
        worker = secretive.launch(build)
        assert worker.eval("open('/opt/parity/sdk/what').read()") == r"'fetched\n'"
        assert worker.eval("os.stat('/opt/parity/cache').st_uid") == "65534", "owners are kept"
        assert worker.eval("[n for n in os.environ if 'CERT' in n or 'PROXY' in n or 'PIP' in n]") == "[]"
    finally:
        worker.bench.do(worker.connection.kill())
        engine.client.images.remove(build.folder, force=True)
        engine.client.images.remove(build.sdk.folder, force=True)


def test_a_failed_fetch_leaves_nothing_either(secretive: Bench, tmp_path: Path, engine: Engine) -> None:
    with pytest.raises(ResolveError):
        secretive.build(tmp_path / "tiny", resolve=f"{RESOLVE}\n# {time.time()}\nexit 1")
    run = secretive.runtime._run
    secretive.do(secretive.runtime.close())
    assert engine.client.api.images(all=True, filters={"label": f"milvus-parity.run={run}"}) == []
    for image in engine.client.api.images(all=True):
        assert SECRET not in str(engine.client.images.get(image["Id"]).attrs["Config"]["Env"])


JAVA = """
import java.security.KeyStore;
import javax.net.ssl.*;
public class Check {
    public static void main(String[] a) throws Exception {
        TrustManagerFactory f = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        f.init((KeyStore) null);
        System.out.print(((X509TrustManager) f.getTrustManagers()[0]).getAcceptedIssuers().length);
    }
}
"""


def test_java_trusts_the_whole_bundle(engine: Engine, tmp_path: Path) -> None:
    """With a real Java: the truststore is read, without a password, and every authority of the bundle is in it."""
    from milvus_parity.runtime.containers import trust
    from milvus_parity.runtime.containers.inputs import Content, archive
    from milvus_parity.runtime.containers.settings import settings_from

    base = settings_from(dict(os.environ)).bases.get("java", "maven:3.9-eclipse-temurin-17")
    store = trust.truststore(trust.joined_bundle(certifi.contents()))
    container = engine.client.containers.create(
        base, ["java", "/opt/Check.java"], environment={"JAVA_TOOL_OPTIONS": trust.JAVA_OPTIONS}
    )
    try:
        files = {trust.TRUSTSTORE.strip("/"): Content(store), "opt/Check.java": Content(JAVA.encode())}
        container.put_archive("/", archive(files))
        container.start()
        assert container.wait()["StatusCode"] == 0, container.logs()
        trusted = len(trust.certificates(certifi.contents()))
        assert container.logs(stderr=False).decode() == str(trusted)
    finally:
        container.remove(force=True)
