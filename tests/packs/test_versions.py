"""Which versions people mean: parsed, expanded over what is published, without any registry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milvus_parity.model.errors import BadInputError
from milvus_parity.packs.versions import VersionWish, merged, parse_target, parsed, pick, sort_versions

PUBLISHED = ("2.2.9", "2.2.17", "2.3.0b1", "2.3.0", "2.3.7", "2.10.0", "3.0.0rc1", "3.0.2", "3.1.0.dev5")


def wishes(text: str) -> list[tuple[str, str]]:
    return [(wish.kind, wish.text) for wish in parse_target(text).versions]


def picked(text: str, releases: tuple[str, ...] = PUBLISHED) -> list[str]:
    (wish,) = parse_target(f"sdk@{text}").versions
    return list(pick(wish, releases))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("go-v1", [("suiting", "")]),
        ("javascript@2.2.24,2.3.5, 3.0.6", [("exact", "2.2.24"), ("exact", "2.3.5"), ("exact", "3.0.6")]),
        ("python-orm@2.3.7..3.0.2", [("range", "2.3.7..3.0.2")]),
        ("python-orm@..2.4,latest", [("range", "..2.4"), ("latest", "")]),
        ("java-v1@>=2.3,<2.5,2.6.22", [("range", ">=2.3,<2.5"), ("exact", "2.6.22")]),
        ("python-orm@./dist/pymilvus-3.1.0-py3-none-any.whl", [("build", "./dist/pymilvus-3.1.0-py3-none-any.whl")]),
        ("python-orm@pymilvus-3.1.0.tar.gz", [("build", "pymilvus-3.1.0.tar.gz")]),
        ("go-v1@../milvus-sdk-go,2.3.6", [("build", "../milvus-sdk-go"), ("exact", "2.3.6")]),
        ("go-v1@..", [("build", "..")]),
        ("go-v1@~/src/sdk@next", [("build", "~/src/sdk@next")]),
        ("csharp@2.3.0-preview.1", [("exact", "2.3.0-preview.1")]),
    ],
)
def test_what_is_meant(text: str, meant: list[tuple[str, str]]) -> None:
    assert wishes(text) == meant


def test_a_build_can_be_given_a_version() -> None:
    assert parse_target("go-v1@2.7.0=./sdk").versions == (VersionWish(kind="build", text="./sdk", version="2.7.0"),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("go@", "names no version"),
        ("go@2.3.5,,2.3.6", "comma"),
        ("go@2.3.x..2.4", "'2.3.x' in 'go@2.3.x..2.4' is no version"),
        ("go@2.4.0..2.3.0", "begins after it ends.\n  Did you mean 2.3.0..2.4.0?"),
        ("go@>=two", "no range of versions"),
        ("go@next=./sdk", "no version to call a build by"),
    ],
)
def test_what_cannot_be_meant(text: str, words: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_target(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "releases"),
    [
        ("2.2.17..2.3.7", ["2.2.17", "2.3.0", "2.3.7"]),
        ("2.3.0b1..2.3.7", ["2.3.0b1", "2.3.0", "2.3.7"]),
        ("..2.3.0", ["2.2.9", "2.2.17", "2.3.0"]),
        ("2.10.0..", ["2.10.0", "3.0.2"]),
        (">=2.3,<3", ["2.3.0", "2.3.7", "2.10.0"]),
        (">=3.0.0rc1,<3.1", ["3.0.0rc1", "3.0.2"]),
        ("~=2.3.0", ["2.3.0", "2.3.7"]),
        ("latest", ["3.0.2"]),
        ("4.0..5.0", []),
    ],
)
def test_ranges_are_expanded_in_order_and_prereleases_only_when_named(text: str, releases: list[str]) -> None:
    assert picked(text) == releases
    assert picked(text, tuple(reversed(PUBLISHED))) == releases


def test_the_newest_of_prereleases_only() -> None:
    assert picked("latest", ("2.2.2-preview.6", "2.3.0-preview.1")) == ["2.3.0-preview.1"]


def test_one_version_written_twice_is_one() -> None:
    assert merged(["v2.3.5", "2.4.0"], ["2.3.5", "2.2"]) == ("2.2", "v2.3.5", "2.4.0")


@pytest.mark.parametrize(
    ("before", "after"), [("2.6.0-SNAPSHOT", "2.6.0"), ("2.3.9", "2.3.10"), ("2.3.0-preview.1", "2.3.0")]
)
def test_order_is_that_of_releases(before: str, after: str) -> None:
    assert sort_versions([after, before]) == [before, after]


VERSIONS = st.lists(st.integers(0, 30), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))


@given(st.lists(VERSIONS, max_size=12), VERSIONS, VERSIONS)
def test_a_range_holds_what_lies_between_its_ends(releases: list[str], one: str, other: str) -> None:
    low, high = sort_versions([one, other])
    inside = picked(f"{low}..{high}", tuple(releases))
    for release in releases:
        between = parsed(low) <= parsed(release) <= parsed(high)  # type: ignore[operator]
        assert (release in inside) == between
    assert inside == sort_versions(inside)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    said = ""
    try:
        assert parse_target(text).versions
    except BadInputError as error:
        said = error.what
    assert said == "" or said.endswith(".")
