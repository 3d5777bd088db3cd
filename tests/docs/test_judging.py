"""What a failure says of the page, and what may come from the state that was inferred."""

import msgspec
from docs.docs_pages import page
from milvus_parity.docs.finding import Finding
from milvus_parity.docs.fixtures import Fixture
from milvus_parity.docs.frames import Job, Mark
from milvus_parity.docs.judging import Ran, judge_run
from milvus_parity.docs.tabs import certain
from milvus_parity.model.program import Program
from milvus_parity.model.scenario import Case, GivenCollection, Location
from milvus_parity.model.trace import CollectionSnapshot, Observation, Raised, Snapshot, StepTrace, Trace
from milvus_parity.model.wire import Recording

GIVEN = {"book": GivenCollection()}
SEARCH = {
    "python": 'Collection("book").search([[0.1, 0.2]])',
    "javascript": 'await client.search({ collection_name: "book", vectors: [[0.1, 0.2]] });',
    "java": 'client.search(SearchParam.newBuilder().withCollectionName("book").build());',
}


def job(language: str) -> Job:
    code = page(f"```{language}\n{SEARCH[language]}\n```\n").ready[0].code
    return Job(
        key=language,
        path="page.md",
        chain=(code,),
        program=Program(name="p1", case="c", files={}, snippets=(), spans=()),
        case=Case(id="c", title="c", scenario="c", location=Location(file="page.md", line=1)),
        marks={2: Mark(chain=0, line=1)},
        runs=True,
    )


def ran(language: str, error: Raised | None, *, inferred: bool = True, held: CollectionSnapshot | None = None) -> Ran:
    outcome = "raised" if error else "returned"
    step = StepTrace(step=2, outcome=outcome, error=error)
    snapshot = Snapshot(databases={"database": {"book": held or CollectionSnapshot(partitions=("_default",))}})
    trace = Trace(
        case="c",
        target=f"{language}@1",
        sdk_version="1",
        end="done",
        steps=(step,),
        observations=(Observation(after=2, snapshot=snapshot),),
    )
    fixture = Fixture(given=GIVEN, indexed={"book": True}, inferred=inferred)
    return judge_run(job(language), trace, Recording(), fixture=fixture, language=language, doubt=None)


def only(found: Ran) -> Finding:
    (one,) = found.findings
    return one


def test_a_refusal_may_come_from_the_inferred_state() -> None:
    error = Raised(classes=("MilvusException",), message="field vec not exist")
    doubted = only(ran("python", error))
    assert doubted.severity == "warning"
    assert "inferred as book" in doubted.message
    assert only(ran("python", error, inferred=False)).severity == "error"


def test_a_call_that_is_wrong_as_it_is_written_is_an_error_from_any_state() -> None:
    for message in (
        "Collection.search() missing 2 required positional arguments: 'anns_field' and 'param'",
        "search() got an unexpected keyword argument 'topk'",
        "'Collection' object has no attribute 'searches'",
        "module 'pymilvus.orm.utility' has no attribute 'create_aliases'",
        "client.searches is not a function",
    ):
        assert only(ran("python", Raised(classes=("TypeError",), message=message))).severity == "error"
    nothing = Raised(classes=("AttributeError",), message="'NoneType' object has no attribute 'ids'")
    assert only(ran("python", nothing)).severity == "warning"


def test_what_follows_from_a_load_that_needs_more_nodes_is_not_told() -> None:
    lines = ("collection.load(replica_number=2)", "collection.get_replicas()", "collection.gone()")
    assert failures(lines, "nodes not enough") == [("needs more nodes", 2), ("raised", 4)]


def test_what_follows_from_another_failure_is_not_told() -> None:
    lines = ("data = make()", "collection.insert(data[0])", "collection.gone()")
    assert failures(lines, "name 'make' is not defined") == [("not self-contained", 2), ("raised", 4)]


def failures(lines: tuple[str, str, str], first: str) -> list[tuple[str, int]]:
    """The findings when the first statement fails with a message, the others as they then do."""
    code = page("```python\n" + "\n".join(lines) + "\n```\n").ready[0].code
    messages = (first, "list index out of range", "'Collection' object has no attribute 'gone'")
    steps = tuple(
        StepTrace(step=at, outcome="raised", error=Raised(classes=("E",), message=message))
        for at, message in enumerate(messages, 2)
    )
    trace = Trace(case="c", target="python@1", sdk_version="1", end="done", steps=steps)
    made = msgspec.structs.replace(
        job("python"), chain=(code,), marks={at: Mark(chain=0, line=at - 1) for at in (2, 3, 4)}
    )
    found = judge_run(made, trace, Recording(), fixture=Fixture(given=GIVEN), language="python", doubt=None)
    return [(one.kind, one.line) for one in found.findings]


def test_parameters_that_are_refused_before_anything_is_sent_are_the_pages() -> None:
    error = Raised(classes=("pymilvus.exceptions.ParamError",), message="`limit` value ten is illegal")
    assert only(ran("python", error)).severity == "error"


def test_an_effect_that_is_missing_after_an_inferred_state_is_no_error() -> None:
    bare = CollectionSnapshot(partitions=("_default",), aliases=(), indexed=())
    found = ran("python", None, held=bare)
    assert only(found).severity == "warning"
    assert found.levels["effect"].startswith("not checked: ")
    assert ran("python", None, held=bare, inferred=False).levels["effect"] == "failed"


def test_what_is_enough_for_two_other_tabs_is_not_to_blame() -> None:
    error = Raised(classes=("MilvusException",), message="metric type not match")
    wrong, right = ran("python", error), ran("java", None)
    fixtures = {one.job.key: Fixture(given=GIVEN, inferred=True) for one in (wrong, right, ran("javascript", None))}
    assert certain([wrong, right], fixtures) == {}
    sure = certain([wrong, right, ran("javascript", None)], fixtures)
    assert [(one.severity, one.message) for one in sure.values()] == [
        ("error", "MilvusException: metric type not match")
    ]
    assert list(sure) == list(wrong.findings)
    other = {**fixtures, "java": Fixture(given={}, inferred=True)}
    assert certain([wrong, right, ran("javascript", None)], other) == {}
