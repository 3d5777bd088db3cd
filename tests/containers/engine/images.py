#!/usr/bin/env python3
"""Make base images for tests out of the toolchains of this machine, where no image registry is reached.

Each holds what a language's official image holds for our purposes: a small Debian, the toolchain, and the certificate
authorities that this machine trusts. Needs Debian with dpkg, the toolchains, GNU tar and a Docker engine. Prints the
environment variables that make milvus-parity use the images; `images.py > FILE && . FILE`.

    images.py [LANGUAGE...]      python java go javascript csharp milvus; all of them by default

Variables: PREFIX (of image names), DOTNET_SDK_ARCHIVE (a tar.xz with a folder `dotnet`; without it there is no csharp),
NUGET_FEEDS (folders with packages, `:` between them, that take the place of NuGet in csharp), MILVUS_WHEEL (the wheel
milvus==2.3.5; fetched with pip when it is not given), FORCE=1 (make images again).
"""

import concurrent.futures
import functools
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

PREFIX = os.environ.get("PREFIX", "parity-bases")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
COMMON = ["ca-certificates", "netbase"]
NOT_NEEDED = re.compile(
    r"^/usr/share/(doc|man|info|locale|lintian|bug|icons|fonts|bash-completion|zoneinfo)/.|^/usr/lib/debug/|/jmods(/|$)|/src\.zip$"
)
BEFORE_USR_MERGE = re.compile(r"^/(bin|sbin|lib32|lib64|libx32|lib)/")
GENERATED = ["/etc/nsswitch.conf", "/etc/ld.so.conf", "/etc/debian_version", "/etc/ssl/certs"]
FOLDERS = ["dev", "home", "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp", "var/tmp"]


@functools.cache
def packages() -> dict[str, dict[str, str]]:
    """Installed packages: name -> fields of dpkg's status."""
    found = {}
    for stanza in Path("/var/lib/dpkg/status").read_text(encoding="utf-8").split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", stanza, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            found.setdefault(fields["Package"], fields)
    return found


@functools.cache
def providers() -> dict[str, str]:
    """Virtual package -> a package that provides it."""
    return {
        virtual: name
        for name, fields in packages().items()
        for virtual in re.findall(r"[a-z0-9][a-z0-9+.-]+", re.sub(r"\([^)]*\)", "", fields.get("Provides", "")))
    }


def with_dependencies(names: Iterable[str]) -> set[str]:
    """Packages and all that they depend on; of alternatives the first that is installed."""
    wanted: set[str] = set()
    todo = [name for name, fields in packages().items() if fields.get("Essential") == "yes"] + list(names)
    while todo:
        name = todo.pop()
        name = name if name in packages() else providers().get(name, name)
        if name in wanted or name not in packages():
            continue
        wanted.add(name)
        fields = packages()[name]
        for group in f"{fields.get('Pre-Depends', '')},{fields.get('Depends', '')}".split(","):
            alternatives = [re.split(r"[ (:]", one.strip())[0] for one in group.split("|") if one.strip()]
            todo += [one for one in alternatives if one in packages() or one in providers()][:1]
    return wanted


def files_of(names: Iterable[str]) -> set[str]:
    """The files of packages and their dependencies, as absolute paths."""
    missing = [name for name in names if name not in packages()]
    if missing:
        sys.exit(f"not installed on this machine: {' '.join(missing)}")
    files = set()
    for name in with_dependencies(names):
        for listed in (name, f"{name}:{packages()[name]['Architecture']}"):
            listing = Path(f"/var/lib/dpkg/info/{listed}.list")
            if listing.exists():
                for line in listing.read_text(encoding="utf-8").splitlines():
                    path = BEFORE_USR_MERGE.sub(r"/usr/\1/", line)
                    if path not in ("", "/.") and not NOT_NEEDED.search(path) and os.path.lexists(path):
                        files.add(path)
    for folder in ("/usr/bin", "/usr/sbin"):  # java, awk and others go through /etc/alternatives
        for entry in os.scandir(folder):
            target = str(Path(entry.path).readlink()) if entry.is_symlink() else ""
            real = BEFORE_USR_MERGE.sub(r"/usr/\1/", os.path.realpath(entry.path))
            if target.startswith("/etc/alternatives/") and real in files:
                files |= {entry.path, target}
    return files


def below(*folders: str) -> set[str]:
    """All that lies in folders, and the folders."""
    found = set()
    for folder in folders:
        found.add(folder)
        for parent, names, files in os.walk(folder):
            found |= {f"{parent}/{name}" for name in [*names, *files]}
    return found


def make(
    tag: str,
    files: set[str],
    environment: Mapping[str, str],
    fill: Callable[[Path], None] = lambda _folder: None,
    *,
    configuration: Iterable[str] = ('CMD ["/bin/sh"]',),
) -> None:
    """Import files of this machine, and what ``fill`` writes into a folder, as an image of one layer."""
    with tempfile.TemporaryDirectory(dir=memory()) as top:
        own = Path(top) / "own"
        for folder in [*FOLDERS, "etc"]:
            (own / folder).mkdir(parents=True)
        for folder in ("tmp", "var/tmp"):
            (own / folder).chmod(0o1777)
        users = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n"
        (own / "etc/passwd").write_text(users)
        (own / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
        fill(own)
        parents = {str(parent) for path in files for parent in Path(path).parents} - {"/"}
        names = sorted(path[1:] for path in files | parents if not os.path.lexists(own / path[1:]))
        listing = Path(top) / "files"
        listing.write_bytes(b"\0".join(os.fsencode(name) for name in names) + b"\0")
        tar = ["tar", "-c", "-f", "-", "--numeric-owner", "--no-recursion", "--null", "-C", "/", "-T", str(listing)]
        variables = {"PATH": PATH, "LANG": "C.UTF-8", **environment}
        lines = [*(f"ENV {name}={value}" for name, value in variables.items()), *configuration]
        stream = subprocess.Popen([*tar, "--recursion", "-C", str(own), "."], stdout=subprocess.PIPE)
        command = ["docker", "import", *(word for line in lines for word in ("-c", line)), "-", tag]
        subprocess.run(command, stdin=stream.stdout, check=True, stdout=subprocess.DEVNULL)
        if stream.wait() != 0:
            sys.exit(f"tar failed for {tag}")
    print(f"made {tag}", file=sys.stderr)


def debian(*names: str) -> set[str]:
    """A small Debian with packages."""
    generated = {path for path in GENERATED if os.path.lexists(path)}
    return files_of([*COMMON, *names]) | generated | below("/etc/ssl/certs", "/usr/local/share/ca-certificates")


def link(place: str, target: str) -> Callable[[Path], None]:
    """A symbolic link in an image."""

    def fill(folder: Path) -> None:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).symlink_to(target)

    return fill


def python() -> None:
    """Debian's Python with venv and pip."""
    files = {
        path for path in debian("python3-venv", "python3-pip", "libstdc++6") if not path.endswith("/EXTERNALLY-MANAGED")
    }
    make(f"{PREFIX}/python", files, {"PYTHONUNBUFFERED": "1"}, link("usr/bin/python", "python3"))


def java() -> None:
    """A JDK with Maven."""
    home = str(Path(shutil.which("javac") or sys.exit("no javac")).resolve().parents[1])
    make(f"{PREFIX}/java", debian("openjdk-17-jdk-headless", "maven"), {"JAVA_HOME": home})


def go() -> None:
    """The Go toolchain, without its tests."""
    root = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    left_out = re.compile(rf"^{re.escape(root)}/(test|api|doc|misc)/|/testdata/|_test\.go$")
    files = {path for path in below(root) if not left_out.search(path)}
    variables = {"PATH": f"{root}/bin:{PATH}", "GOPATH": "/go", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    make(f"{PREFIX}/go", debian() | files, variables)


def javascript() -> None:
    """Node.js with npm."""
    node = Path(shutil.which("node") or sys.exit("no node")).resolve()
    prefix = node.parents[1]
    npm = prefix / "lib/node_modules/npm"
    files = {str(node), *below(str(npm)), *(f"{prefix}/bin/{name}" for name in ("npm", "npx"))}
    files = {path for path in files if not path.startswith((f"{npm}/docs/", f"{npm}/man/"))}
    # npm has authorities of its own, and takes others besides.
    trusted = "/etc/ssl/certs/ca-certificates.crt"
    make(f"{PREFIX}/node", debian("libstdc++6") | files, {"NODE_EXTRA_CA_CERTS": trusted})


def csharp() -> None:
    """A .NET SDK out of an archive."""

    def fill(folder: Path) -> None:
        (folder / "usr/share").mkdir(parents=True)
        subprocess.run(["tar", "-C", folder / "usr/share", "-xJf", os.environ["DOTNET_SDK_ARCHIVE"]], check=True)
        link("usr/bin/dotnet", "/usr/share/dotnet/dotnet")(folder)
        feed = folder / "usr/share/nuget"
        feed.mkdir()
        for package in packages_of_feeds():
            shutil.copyfile(package, feed / package.name)
        (feed / "nuget.config").write_text(NUGET_CONFIG)

    variables = {
        "DOTNET_ROOT": "/usr/share/dotnet",
        "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
        "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
        "DOTNET_NOLOGO": "1",
        "DOTNET_SKIP_FIRST_TIME_EXPERIENCE": "1",
        "NUGET_CERT_REVOCATION_MODE": "offline",
        "UseAppHost": "false",  # an archive that was made small has no host for programs
    }
    if packages_of_feeds():
        variables["RestoreConfigFile"] = "/usr/share/nuget/nuget.config"
    make(dotnet_image(), debian("libstdc++6"), variables, fill)


def packages_of_feeds() -> list[Path]:
    """The packages in the folders that NUGET_FEEDS names."""
    folders = [Path(folder) for folder in os.environ.get("NUGET_FEEDS", "").split(":") if folder]
    return sorted(package for folder in folders for package in folder.glob("*.nupkg"))


def dotnet_image() -> str:
    """Its name, which tells one feed from another."""
    hasher = hashlib.sha256()
    for package in packages_of_feeds():
        hasher.update(package.name.encode() + package.read_bytes())
    return f"{PREFIX}/dotnet:{hasher.hexdigest()[:12]}"


def milvus() -> None:
    """The Milvus standalone out of its wheel, with fixed ports and its log on standard output."""
    variables = {
        "PATH": f"/milvus/bin:{PATH}",
        "LD_LIBRARY_PATH": "/milvus/bin",
        "DEPLOY_MODE": "STANDALONE",
        "METRICS_PORT": "9091",
        "MILVUS_RUN_DIR": "/milvus/run",
    }
    configuration = ("WORKDIR /milvus", "EXPOSE 19530 9091", 'CMD ["milvus", "run", "standalone"]')
    files = debian("libstdc++6", "libgomp1")
    make(f"{PREFIX}/milvus:2.3.5", files, variables, fill_milvus, configuration=configuration)


def fill_milvus(folder: Path) -> None:
    """Unpack the wheel's server into a folder, under /milvus."""
    home = folder / "milvus"
    for name in ("bin", "configs", "data", "run"):
        (home / name).mkdir(parents=True)
    with tempfile.TemporaryDirectory() as fetched:
        wheel = os.environ.get("MILVUS_WHEEL")
        if not wheel:
            pip = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", fetched, "milvus==2.3.5"]
            subprocess.run(pip, check=True)
            wheel = str(next(Path(fetched).glob("*.whl")))
        with zipfile.ZipFile(wheel) as archive:
            packed = [name for name in archive.namelist() if re.fullmatch(r"milvus/data/bin/[^/]+\.lzma", name)]
            template = archive.read("milvus/data/config.yaml.template").decode()
            glog = archive.read("milvus/data/glog.conf").decode()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda name: _unpack(wheel, name, home / "bin"), packed))
    (home / "configs/milvus.yaml").write_text(milvus_configuration(template))
    (home / "configs/glog.conf").write_text(glog.replace("--logtostderr=false", "--logtostderr=true"))


def _unpack(wheel: str, name: str, target: Path) -> None:
    path = target / Path(name).name.removesuffix(".lzma")
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(name) as packed,
        lzma.open(packed) as plain,
        path.open("wb") as out,
    ):
        shutil.copyfileobj(plain, out, 1 << 20)
    path.chmod(0o755)


def milvus_configuration(template: str) -> str:
    """The wheel's configuration with its placeholders filled in: the usual ports, data under /milvus."""
    values = {
        "etcd_log_level": "warn",
        "etcd_data_dir": "/milvus/data/etcd",
        "local_storage_dir": "/milvus/data",
        "rocksmq_data_dir": "/milvus/data/rocksmq",
        "system_log_path": '""',
    }
    placeholder = re.compile(r"\{\{\s*(?P<name>\w+)(?:\(\w+\))?\s*(?::\s*(?P<default>.*?))?\s*\}\}")
    return placeholder.sub(lambda found: values.get(found["name"]) or found["default"] or '""', template)


def memory() -> str | None:
    """A folder in memory for what lives some seconds, where there is one with room."""
    shared = "/dev/shm"
    return shared if Path(shared).is_dir() and shutil.disk_usage(shared).free > 2 << 30 else None


NUGET_CONFIG = """<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <packageSources>
    <clear />
    <add key="feed" value="/usr/share/nuget" />
  </packageSources>
</configuration>
"""

IMAGES = {
    "python": ("MILVUS_PARITY_BASE_PYTHON", f"{PREFIX}/python", python),
    "java": ("MILVUS_PARITY_BASE_JAVA", f"{PREFIX}/java", java),
    "go": ("MILVUS_PARITY_BASE_GO", f"{PREFIX}/go", go),
    "javascript": ("MILVUS_PARITY_BASE_JAVASCRIPT", f"{PREFIX}/node", javascript),
    "csharp": ("MILVUS_PARITY_BASE_CSHARP", dotnet_image(), csharp),
    "milvus": ("PARITY_MILVUS_IMAGE", f"{PREFIX}/milvus:2.3.5", milvus),
}


def is_there(image: str) -> bool:
    """Whether the engine has an image."""
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0


def main() -> None:
    """Make what is wanted and not there, two at a time, and print the variables."""
    wanted = sys.argv[1:] or [name for name in IMAGES if name != "csharp" or os.environ.get("DOTNET_SDK_ARCHIVE")]
    unknown = [name for name in wanted if name not in IMAGES]
    if unknown:
        sys.exit(f"no such image: {' '.join(unknown)}; there are {' '.join(IMAGES)}")
    force = os.environ.get("FORCE") == "1"
    todo = [IMAGES[name] for name in wanted if force or not is_there(IMAGES[name][1])]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(work) for _, _, work in todo]:
            done.result()
    for name in wanted:
        print(f"export {IMAGES[name][0]}={IMAGES[name][1]}")


if __name__ == "__main__":
    main()
