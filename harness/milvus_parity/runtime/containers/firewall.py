"""Rules of this machine's INPUT chain that close a run's network towards this machine's own services.

From the run's bridge only those connections are taken for which a socket is bound to the bridge's own address, and that
is what the harness's gateways are bound to; services bound to all addresses do not match (xt_socket passes over them
unless told otherwise). The rules carry their owner as a comment, so that those of a dead harness can be removed.
"""

import os
import re
import shlex
import shutil
import subprocess

from milvus_parity.model.scenario import Frozen
from milvus_parity.runtime.containers.labels import Owner

COMMENT = "milvus-parity"
SECONDS = 20

OPEN = "workers can reach services of this machine that listen on all interfaces"


class Rule(Frozen, frozen=True, kw_only=True):
    """A rule of ours: its owner, and its words as ``iptables -D`` wants them."""

    owner: Owner
    words: tuple[str, ...]


def close_doors(bridge: str, gateway: str, owner: Owner) -> str | None:
    """Set the rules; when they cannot be set, what that means and why."""
    iptables = _iptables()
    if iptables is None:
        return f"{OPEN}: iptables is not installed"
    mark = ["-m", "comment", "--comment", comment(owner)]
    # Inserted at the top, so in reverse order.
    rules = [
        ["-i", bridge, "-j", "REJECT", *mark],
        ["-i", bridge, "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset", *mark],
        ["-i", bridge, "-d", gateway, "-p", "tcp", "-m", "socket", "-j", "ACCEPT", *mark],
    ]
    for rule in rules:
        complaint = _run([iptables, "-w", "5", "-I", "INPUT", "1", *rule])
        if complaint is not None:
            open_doors(owner.run)
            why = "that takes root" if os.geteuid() != 0 else complaint
            return f"{OPEN}: iptables refused ({why})"
    return None


def open_doors(run: str) -> None:
    """Remove the rules of a run; harmless when there are none or they cannot be removed."""
    _remove([rule for rule in _ours() if rule.owner.run == run])


def sweep_rules(*, everything: bool = False) -> int:
    """Remove the rules of harnesses that are gone; how many. Nothing happens without the right to."""
    return _remove([rule for rule in _ours() if everything or not rule.owner.lives()])


def comment(owner: Owner) -> str:
    """An owner as the comment of a rule; iptables takes 256 characters."""
    parts = (owner.run, owner.pid, owner.started, owner.host, f"{owner.created:.0f}")
    return " ".join([COMMENT, *(re.sub(r"\s", "_", str(part)) or "-" for part in parts)])


def rules_in(listing: str) -> list[Rule]:
    """Our rules in what ``iptables -S`` prints."""
    rules = []
    for line in listing.splitlines():
        if COMMENT not in line or not line.startswith("-A INPUT "):
            continue
        words = shlex.split(line)[1:]
        parts = words[words.index("--comment") + 1].split(" ") if "--comment" in words else []
        if len(parts) == 6 and parts[0] == COMMENT and parts[2].isdigit() and parts[5].isdigit():
            owner = Owner(run=parts[1], pid=int(parts[2]), started=parts[3], host=parts[4], created=float(parts[5]))
            rules.append(Rule(owner=owner, words=tuple(words)))
    return rules


def _ours() -> list[Rule]:
    iptables = _iptables()
    if iptables is None:
        return []
    try:
        done = subprocess.run(
            [iptables, "-w", "5", "-S", "INPUT"], capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return rules_in(done.stdout)


def _remove(rules: list[Rule]) -> int:
    iptables = _iptables()
    assert iptables is not None or not rules
    return sum(_run([iptables or "", "-w", "5", "-D", *rule.words]) is None for rule in rules)


def _iptables() -> str | None:
    return shutil.which("iptables") or shutil.which("iptables", path="/usr/sbin:/sbin")


def _run(command: list[str]) -> str | None:
    """Run a command; what it complained about, None when it did not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else (done.stderr.strip() or f"status {done.returncode}").splitlines()[0]
