from milvus_parity.runtime.containers.images import log_line
from milvus_parity.runtime.containers.kept import KeptImage, Pruned, unneeded


def image(name: str, kind: str, created: float, sdk: str = "") -> KeptImage:
    return KeptImage(id=name, name=name, kind=kind, target="t", version="1", sdk=sdk, created=created, size=1)


IMAGES = [
    image("sdk-a", "sdk", 1),
    image("sdk-b", "sdk", 2),
    image("build-a1", "build", 3, "sdk-a"),
    image("build-a2", "build", 4, "sdk-a"),
    image("build-b", "build", 5, "sdk-b"),
    image("build-lost", "build", 6, "sdk-gone"),
]


def test_wanted_sdks_stay_with_their_newest_programs() -> None:
    assert [i.name for i in unneeded(IMAGES, {"sdk-a"})] == ["build-a1", "build-b", "build-lost", "sdk-b"]


def test_nothing_wanted_is_everything_gone_programs_first() -> None:
    gone = [i.kind for i in unneeded(IMAGES, ())]
    assert gone == ["build"] * 4 + ["sdk"] * 2


def test_what_people_read() -> None:
    assert str(IMAGES[0]).startswith("t@1  SDK  1 B  1970-01-01")
    assert str(Pruned(removed=(IMAGES[2],), in_use=(IMAGES[1],))).splitlines() == [
        f"removed {IMAGES[2]}",
        f"still used by a container: {IMAGES[1]}",
    ]
    assert str(Pruned()) == "There was nothing to remove."


def test_lines_of_a_log_for_people() -> None:
    assert log_line("Step 3/7 : RUN sh resolve.sh") == "image, step 3 of 7: RUN sh resolve.sh"
    assert log_line("STEP 3/7: RUN sh resolve.sh") == "image, step 3 of 7: RUN sh resolve.sh"
    assert log_line("\x1b[91mnpm warn\x1b[0m\n") == "npm warn"
    for noise in (
        "",
        " ---> 2974e1cca5b6",
        "Removing intermediate container 5c",
        "--> Using cache 1",
        "Successfully tagged x:1",
    ):
        assert log_line(noise) is None
