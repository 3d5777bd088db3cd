import msgspec
from milvus_parity.runtime.containers.firewall import comment, rules_in
from milvus_parity.runtime.containers.labels import Owner

OWNER = Owner(run="r-1a2b3c4d", pid=7, started="boot/99", host="vm/pid:[4026531836]", created=1795518013.0)

LISTING = f"""-P INPUT ACCEPT
-A INPUT -d 172.17.3.1/32 -i mpar1a2b3c4d -p tcp -m socket -m comment --comment "{comment(OWNER)}" -j ACCEPT
-A INPUT -i mpar1a2b3c4d -p tcp -m comment --comment "{comment(OWNER)}" -j REJECT --reject-with tcp-reset
-A INPUT -i mpar1a2b3c4d -m comment --comment "somebody else" -j REJECT
-A INPUT -i docker0 -m comment --comment "milvus-parity fan" -j ACCEPT
-A FORWARD -i mpar1a2b3c4d -m comment --comment "{comment(OWNER)}" -j ACCEPT
"""


def test_our_rules_are_told_from_others_and_say_who_owns_them() -> None:
    rules = rules_in(LISTING)
    assert [rule.owner for rule in rules] == [OWNER, OWNER]
    assert rules[1].words == (
        "INPUT", "-i", "mpar1a2b3c4d", "-p", "tcp", "-m", "comment", "--comment", comment(OWNER),
        "-j", "REJECT", "--reject-with", "tcp-reset",
    )  # fmt: skip


def test_a_comment_is_one_word_a_part_and_not_too_long() -> None:
    odd = msgspec.structs.replace(OWNER, host="a host/with spaces", started="")
    assert comment(odd) == "milvus-parity r-1a2b3c4d 7 - a_host/with_spaces 1795518013"
    assert len(comment(msgspec.structs.replace(Owner.this_process("20261124-112218-2733-1a2b3c4d")))) < 256


def test_nothing_is_ours_in_nothing() -> None:
    assert rules_in("") == []
