from milvus_parity.runtime.containers.network import our_rules

LISTING = """-P INPUT ACCEPT
-A INPUT -d 172.17.3.1/32 -i mparr1 -p tcp -m socket -m comment --comment "milvus-parity r1" -j ACCEPT
-A INPUT -i mparr1 -p tcp -m comment --comment "milvus-parity r1" -j REJECT --reject-with tcp-reset
-A INPUT -i mparother -m comment --comment "somebody else" -j REJECT
-A INPUT -i docker0 -m comment --comment "milvus-parity fan" -j ACCEPT
-A FORWARD -i mparr1 -m comment --comment "milvus-parity r1" -j ACCEPT
"""


def test_our_rules_are_told_from_others() -> None:
    rules = our_rules(LISTING)
    assert [rule.bridge for rule in rules] == ["mparr1", "mparr1"]
    assert rules[1].words == (
        "INPUT", "-i", "mparr1", "-p", "tcp", "-m", "comment", "--comment", "milvus-parity r1",
        "-j", "REJECT", "--reject-with", "tcp-reset",
    )  # fmt: skip


def test_nothing_is_ours_in_nothing() -> None:
    assert our_rules("") == []
