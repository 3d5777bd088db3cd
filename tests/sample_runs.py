"""Runs as they might be stored: eight targets and a handful of cases, with what Milvus 2.3.5 and its SDKs do."""

from collections.abc import Mapping, Sequence

import msgspec
from milvus_parity.model.run import (
    Footer,
    PackRules,
    Program,
    RunHeader,
    ServerInfo,
    StepSnippet,
    Unavailable,
    label_of,
)
from milvus_parity.model.scenario import (
    Argument,
    Case,
    Expectation,
    Expected,
    GivenCollection,
    GivenDatabase,
    Location,
    SdkStep,
    Then,
    ThenCollection,
)
from milvus_parity.model.target import Missing, Rule, Target
from milvus_parity.model.trace import CollectionSnapshot, End, Observation, Raised, Snapshot, StepTrace, Trace
from milvus_parity.model.wire import RecordedCall, Recording
from milvus_parity.store.reader import MemoryRun

MILVUS_RULE = Rule(
    on=("raised", "error value"),
    classes=("*Exception", "*Error"),
    result="refused",
    code="fields.code",
    reason="message",
)
STATUS_OK = Rule(on=("status",), where={"code": "0"}, result="ok")
STATUS_REFUSED = Rule(on=("status",), result="refused", code="code", reason="reason")
TRANSPORT = Rule(on=("raised",), classes=("*RpcError",), result="transport failure", code="fields.code")

RULES: dict[str, PackRules] = {
    language: PackRules(
        language=language, title=title, outcome=(TRANSPORT, STATUS_OK, STATUS_REFUSED, MILVUS_RULE), fence=fence
    )
    for language, title, fence in (
        ("python", "Python", "python"),
        ("java", "Java", "java"),
        ("go", "Go", "go"),
        ("javascript", "Node.js", "javascript"),
    )
}

TARGETS: tuple[Target, ...] = tuple(
    Target(name=name, language=language, title=title, package=package, version=version)
    for name, language, title, package, version in (
        ("python-orm", "python", "Python, pymilvus ORM", "pymilvus", "2.3.7"),
        ("python-client", "python", "Python, MilvusClient", "pymilvus", "2.3.7"),
        ("java-v1", "java", "Java, MilvusServiceClient", "io.milvus:milvus-sdk-java", "2.3.10"),
        ("go-v1", "go", "Go, milvus-sdk-go/v2", "github.com/milvus-io/milvus-sdk-go/v2", "2.3.6"),
        ("javascript", "javascript", "Node.js", "@zilliz/milvus2-sdk-node", "2.3.5"),
    )
)
LABELS: tuple[str, ...] = tuple(target.label for target in TARGETS)

CSHARP_MISSING = Unavailable(
    name="csharp",
    language="csharp",
    missing=Missing(what="dotnet is not on PATH", install="https://dotnet.microsoft.com/download"),
)


def place(line: int, column: int = 5, file: str = "scenarios/drop_partition/sample.yaml") -> Location:
    return Location(file=file, line=line, column=column)


def expected(result: str = "ok", **more: object) -> Expectation:
    return Expectation(any_of=(Expected(result=result, **more),), location=place(9, 13))  # type: ignore[arg-type]


def sdk_step(
    id: int,  # noqa: A002
    operation: str,
    expect: Expectation | None = None,
    then: Then | None = None,
    **arguments: Argument,
) -> SdkStep:
    return SdkStep(id=id, operation=operation, arguments=arguments, expect=expect, then=then, location=place(5 + id))


def a_case(
    *steps: SdkStep,
    id: str = "drop_partition/sample",  # noqa: A002
    title: str = "A sample",
    **more: object,
) -> Case:
    return Case(
        id=id,
        title=title,
        scenario=id.partition("[")[0],
        location=place(1, 1),
        databases={
            "database": GivenDatabase(
                collections={"book": GivenCollection(partitions={"novel": 100}, loaded=("novel",))}
            )
        },
        steps=steps,
        **more,  # type: ignore[arg-type]
    )


def book(*partitions: str, **more: object) -> Snapshot:
    held = CollectionSnapshot(partitions=tuple(sorted(("_default", *partitions))), **more)  # type: ignore[arg-type]
    return Snapshot(databases={"database": {"book": held}})


def then_book(*partitions: str) -> Then:
    return Then(
        databases={"database": {"book": ThenCollection(partitions=("_default", *partitions))}}, location=place(20, 3)
    )


def returned(step: int, value: object = None, *, milliseconds: float = 3.0) -> StepTrace:
    return StepTrace(step=step, outcome="returned", value=value, milliseconds=milliseconds)


def refused(
    step: int, message: str, code: object = None, *, classes: Sequence[str] = ("MilvusException", "Exception")
) -> StepTrace:
    fields = {} if code is None else {"code": code}
    return StepTrace(step=step, outcome="raised", error=Raised(classes=tuple(classes), message=message, fields=fields))


def error_value(step: int, message: str) -> StepTrace:
    error = Raised(classes=("errors.Error",), message=message)
    return StepTrace(step=step, outcome="error value", error=error)


def status(step: int, code: int, reason: str = "", value: object = None) -> StepTrace:
    return StepTrace(step=step, outcome="returned", value=value, status={"code": code, "reason": reason})


def a_trace(
    target: str,
    *steps: StepTrace,
    case: str = "drop_partition/sample",
    end: End = "done",
    after: Mapping[int, Snapshot] | None = None,
    **more: object,
) -> Trace:
    name, _, version = target.partition("@")
    return Trace(
        case=case,
        target=name,
        sdk_version=version,
        end=end,
        steps=steps,
        observations=tuple(Observation(after=step, snapshot=found) for step, found in (after or {}).items()),
        databases={"database": f"parity_{sum(map(ord, target))}_db"},
        address="127.0.0.1:39001",
        seconds=0.25,
        started=1_700_000_000.0,
        **more,  # type: ignore[arg-type]
    )


def a_header(*cases: Case, **more: object) -> RunHeader:
    values: dict[str, object] = {
        "id": "20240101-000000-ab12",
        "started": 1_700_000_000.0,
        "harness_version": "0.1.0",
        "server": ServerInfo(kind="embedded", version="2.3.5", features=("load_partitions",)),
        "targets": TARGETS,
        "packs": RULES,
        "runtime": "process",
        "cases": cases,
    }
    return RunHeader(**{**values, **more})  # type: ignore[arg-type]


COMPLETE = Footer(end="complete", ended=1_700_000_060.0)

DROP_EMPTY = a_case(
    sdk_step(1, "connect"),
    sdk_step(2, "drop", expected("ok"), collection="book", partition="novel"),
    id="drop_partition/empty",
    title="An empty partition is dropped",
    then=then_book(),
)
DROP_MISSING = a_case(
    sdk_step(1, "connect"),
    sdk_step(2, "drop", collection="book", partition="poetry"),
    id="drop_partition/missing",
    title="A partition that never was",
    parity_only=True,
)
DROP_LOADED = a_case(
    sdk_step(1, "connect"),
    sdk_step(
        2,
        "drop",
        Expectation(
            any_of=(Expected(result="refused", by="server", code=65535, reason="partition is loaded"),),
            location=place(8, 13),
        ),
        collection="book",
        partition="novel",
    ),
    sdk_step(3, "has", expected("ok", value=True), collection="book", partition="novel"),
    id="drop_partition/loaded",
    title="A loaded partition is refused until it is released",
    then=then_book("novel"),
)
DROP_BLANK = a_case(
    sdk_step(1, "connect"),
    sdk_step(2, "drop", collection="book", partition=" "),
    id="drop_partition/names[partition=blank]",
    title="Names: blank",
    parity_only=True,
)

_SNIPPETS: dict[str, str] = {
    "python-orm": "collection.drop_partition({0!r})",
    "python-client": 'client.drop_partition(\n    collection_name="book",\n    partition_name={0!r},\n)',
    "java-v1": (
        "R<RpcStatus> response = client.dropPartition(DropPartitionParam.newBuilder()\n"
        '        .withCollectionName("book")\n'
        '        .withPartitionName("{0}")\n'
        "        .build());"
    ),
    "go-v1": 'err := client.DropPartition(ctx, "book", "{0}")',
    "javascript": 'await client.dropPartition({{\n  collection_name: "book",\n  partition_name: "{0}",\n}});',
}


def programs_of(case: Case) -> tuple[Program, ...]:
    return tuple(
        Program(
            case=case.id,
            target=target.label,
            steps=tuple(
                StepSnippet(step=step.id, text=_snippet(target.name, step))
                for step in case.steps
                if isinstance(step, SdkStep)
            ),
        )
        for target in TARGETS
    )


def _snippet(name: str, step: SdkStep) -> str:
    if step.operation == "drop":
        return _SNIPPETS[name].format(step.arguments.get("partition", "novel"))
    return f"{step.operation}()"


def _executions() -> list[Trace]:
    traces = []
    for label in LABELS:
        name = label.partition("@")[0]
        traces.append(a_trace(label, returned(1), returned(2), case=DROP_EMPTY.id, after={2: book()}))
        # Release 2 of the Go SDK looks the partition up and refuses by itself.
        missing = (
            error_value(2, "partition poetry of collection book does not exist") if name == "go-v1" else returned(2)
        )
        traces.append(a_trace(label, returned(1), missing, case=DROP_MISSING.id, after={2: book("novel")}))
        words = "partition cannot be dropped, partition is loaded, please release it first"
        loaded = {
            "go-v1": error_value(2, words),
            "javascript": status(2, 65535, words),
        }.get(name, refused(2, words, 65535))
        traces.append(
            a_trace(label, returned(1), loaded, returned(3, True), case=DROP_LOADED.id, after={3: book("novel")})
        )
        if name == "javascript":
            traces.append(
                a_trace(label, returned(1), case=DROP_BLANK.id, end="hung", running_step=2, after={1: book("novel")})
            )
        else:
            blank = {
                "java-v1": refused(
                    2, "Partition name cannot be null or empty", classes=("io.milvus.exception.ParamException",)
                ),
            }.get(name, refused(2, "Invalid partition name: . Partition name should not be empty.", 65535))
            traces.append(a_trace(label, returned(1), blank, case=DROP_BLANK.id, after={2: book("novel")}))
    return traces


CASES = (DROP_EMPTY, DROP_LOADED, DROP_MISSING, DROP_BLANK)


def _call(name: str, step: int, partition: str, **more: object) -> RecordedCall:
    values: dict[str, object] = {
        "method": f"/milvus.proto.milvus.MilvusService/{name}",
        "name": name,
        "step": step,
        "status": 0,
        "request": {"collection_name": "book", "partition_name": partition},
        "requests": 1,
    }
    return RecordedCall(**{**values, **more})  # type: ignore[arg-type]


def _recording(case: Case, label: str, databases: Mapping[str, str]) -> Recording:
    name = label.partition("@")[0]
    drop = case.steps[1]
    assert isinstance(drop, SdkStep)
    partition = str(drop.arguments["partition"])
    metadata = {} if name == "javascript" else {"dbname": databases["database"]}
    calls = [_call("Connect", 1, "", background=True)]
    if name == "go-v1":
        calls.append(_call("HasPartition", 2, partition, metadata=metadata))
    if not (name == "go-v1" and case is DROP_MISSING) and not (name == "java-v1" and case is DROP_BLANK):
        failed = {} if case in (DROP_EMPTY, DROP_MISSING) else {"code": 65535, "error_code": "UnexpectedError"}
        calls.append(_call("DropPartition", 2, partition, metadata=metadata, **failed))
    return Recording(calls=tuple(calls), connections=1)


def a_run(*, recorded: bool = False, **more: object) -> MemoryRun:
    """The sample run: one case in which all agree, three with differences of their own kind."""
    header = a_header(*CASES, unavailable=(CSHARP_MISSING,), **more)
    programs = tuple(program for case in CASES for program in programs_of(case))
    traces = _executions()
    recordings = {}
    if recorded:
        traces = [msgspec.structs.replace(trace, wire="recorded") for trace in traces]
        cases = {case.id: case for case in CASES}
        recordings = {
            (trace.case, label_of(trace)): _recording(cases[trace.case], label_of(trace), trace.databases)
            for trace in traces
        }
    return MemoryRun(header, tuple(traces), programs, recordings, footer=COMPLETE)
