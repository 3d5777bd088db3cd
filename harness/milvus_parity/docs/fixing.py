"""Fix pages: propose edits, check the edited pages, keep what holds."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path

from milvus_parity.docs import fix
from milvus_parity.docs.dialect import Dialect
from milvus_parity.docs.finding import FenceResult, Report
from milvus_parity.docs.fixtures import declared_for
from milvus_parity.docs.judging import TOO_FEW_NODES
from milvus_parity.docs.pages import ReadyPage, ready_page
from milvus_parity.docs.plan import Planned
from milvus_parity.docs.static import with_one_replica
from milvus_parity.model.errors import BadInputError
from milvus_parity.model.scenario import Frozen
from milvus_parity.packs.pack import Pack
from milvus_parity.packs.render import Renderer

_ROUNDS = 4


class Fixes(Frozen, frozen=True, kw_only=True):
    """``pages``: path -> the fixed text. ``notes``: what could not be fixed, or not be run, and why."""

    pages: Mapping[str, str]
    patch: str
    notes: tuple[str, ...] = ()

    def write(self) -> None:
        """Apply the patch. Raises BadInputError when a page cannot be written."""
        for path, text in self.pages.items():
            try:
                Path(path).write_bytes(text.encode("utf-8", "surrogateescape"))
            except OSError as error:
                raise BadInputError(f"The page cannot be written: {error.strerror}.", where=path) from error


async def fixed(
    pages: Sequence[ReadyPage],
    report: Report,
    planned: Planned,
    packs: Mapping[str, Pack],
    dialects: Mapping[str, Dialect],
    again: Callable[[Sequence[ReadyPage]], Awaitable[Report]],
) -> Fixes:
    """What of the pages can be fixed. An edit of a fence stays only when the edited fence has no error left."""
    originals = {page.page.path: page for page in pages}
    renderers = {path: _renderers(page, planned, packs) for path, page in originals.items()}
    edits = {path: fix.edits_for(page, report.findings, dialects, renderers[path]) for path, page in originals.items()}
    retried: set[tuple[str, tuple[int, int]]] = set()
    notes: list[str] = []
    for _ in range(_ROUNDS):
        patched = [
            ready_page(
                page.page.path,
                fix.apply(page.page.text, edits[page.page.path]),
                dialects,
                page.docs_version,
                declared_for(Path(page.page.path)),
                page.asked,
            )
            for page in pages
            if edits[page.page.path]
        ]
        if not patched:
            break
        result = await again(patched)
        failed = False
        for page in patched:
            path = page.page.path
            bad = _still_wrong(path, edits[path], result)
            if bad:
                failed = True
                edits[path] = [one for one in edits[path] if one.fence not in bad]
                for fence in sorted(bad):
                    other = None
                    if (path, fence) not in retried:
                        retried.add((path, fence))
                        other = fix.from_template(originals[path], fence, dialects, renderers[path])
                    if other is not None:
                        edits[path] = sorted([*edits[path], other], key=lambda one: (one.line, one.column))
                    else:
                        notes.append(f"{path}:{fence[0]}: no way to write this is known that holds")
        if not failed:
            asked = [_asking_for_one(page, result, edits[page.page.path], dialects) for page in patched]
            lowered = [page for page in asked if page is not None]
            second = await again(lowered) if lowered else None
            for page in patched:
                path = page.page.path
                notes += _not_run(path, edits[path], result, second)
                bad = _still_wrong(path, edits[path], second) if second is not None else set()
                edits[path] = [one for one in edits[path] if one.fence not in bad]
            break
    notes += [line for path in originals for line in _without(path, report, edits[path], notes)]
    texts = {}
    patch = ""
    for page in pages:
        path = page.page.path
        before = _as_it_is(path)
        after = fix.apply(before, edits[path])
        if after != before:
            texts[path] = after
            patch += fix.patch(path, before, after)
    return Fixes(pages=texts, patch=patch, notes=tuple(notes))


def _as_it_is(path: str) -> str:
    return Path(path).read_bytes().decode("utf-8", "surrogateescape")


def _renderers(page: ReadyPage, planned: Planned, packs: Mapping[str, Pack]) -> dict[str, Renderer]:
    found: dict[str, Renderer] = {}
    for members in planned.lanes.values():
        for member in members:
            if member.page is page:
                found.setdefault(member.target.language, Renderer(packs[member.target.language], member.target))
    return found


def _moved(line: int, edits: Sequence[fix.Edit]) -> int:
    """Where a line of the page is after the edits."""
    shift = 0
    for one in edits:
        if one.line < line and one.last < line:
            shift += one.new.count("\n") - (one.last - one.line)
    return line + shift


def _still_wrong(path: str, edits: Sequence[fix.Edit], result: Report) -> set[tuple[int, int]]:
    fences = {one.fence: _moved(one.fence[0], edits) for one in edits if one.fence is not None}
    wrong = {one.fence[0] for one in result.findings if one.path == path and one.severity == "error" and one.fence}
    return {fence for fence, line in fences.items() if line in wrong}


def _fences(path: str, edits: Sequence[fix.Edit], result: Report) -> Iterator[tuple[tuple[int, int], FenceResult]]:
    """The fences that were edited, by their lines before, with what became of them."""
    lines = {_moved(one.fence[0], edits): one.fence for one in edits if one.fence is not None}
    for page in result.pages:
        for fence in page.fences:
            if page.path == path and fence.line in lines:
                yield lines[fence.line], fence


def _asking_for_one(
    page: ReadyPage, result: Report, edits: Sequence[fix.Edit], dialects: Mapping[str, Dialect]
) -> ReadyPage | None:
    """The patched page with one replica where its fences ask for more than the server can have; else None."""
    lines = page.page.text.split("\n")
    for _, fence in _fences(page.page.path, edits, result):
        if TOO_FEW_NODES in fence.levels.get("runs", ""):
            lines[fence.line : fence.last] = [with_one_replica(line) for line in lines[fence.line : fence.last]]
    text = "\n".join(lines)
    if text == page.page.text:
        return None
    path = page.page.path
    return ready_page(path, text, dialects, page.docs_version, declared_for(Path(path)), page.asked)


def _not_run(path: str, edits: Sequence[fix.Edit], result: Report, second: Report | None) -> list[str]:
    """``second``: what became of the fences with one replica."""
    again = dict(_fences(path, edits, second)) if second is not None else {}
    notes = []
    for place, fence in _fences(path, edits, result):
        runs = fence.levels.get("runs", "not checked: nothing was run")
        if runs == "passed":
            continue
        if TOO_FEW_NODES in runs and place in again and again[place].levels.get("runs") == "passed":
            notes.append(f"{path}:{place[0]}: the patched fence was run with one replica: {TOO_FEW_NODES}")
        else:
            why = runs.removeprefix("not checked: ")
            notes.append(f"{path}:{place[0]}: the patched fence was not run: {why}")
    return notes


def _without(path: str, report: Report, edits: Sequence[fix.Edit], notes: Sequence[str]) -> Iterator[str]:
    """Errors that no edit was offered for, and of which nothing was said yet."""
    fences = {one.fence for one in edits if one.fence is not None}
    lines = {one.line for one in edits}
    for finding in report.errors:
        told = finding.fence is not None and any(note.startswith(f"{path}:{finding.fence[0]}:") for note in notes)
        if finding.path == path and finding.fence not in fences and finding.line not in lines and not told:
            yield f"{finding.place}: no edit is known that makes this right: {finding.message}"
