"""Render snippets and programs from a pack's templates."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

from milvus_parity.model.errors import BadInputError
from milvus_parity.model.program import Program, Snippet, SourceSpan
from milvus_parity.model.scenario import MAIN_CLIENT, MAIN_DATABASE, Argument, Case, DatabaseName, SdkStep
from milvus_parity.model.target import Target
from milvus_parity.packs.pack import Pack

if TYPE_CHECKING:
    import jinja2


class TemplateError(BadInputError):
    """A pack's template cannot be rendered."""


class _UnsupportedError(Exception):
    pass


class Variable:
    """Something known only at run time; its text is the name of the variable that will hold it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name


class SdkVersion:
    """A version that templates compare with strings (``sdk >= "2.5.14"``). An odd one counts by its numbers."""

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self.version = Version(text)
        except InvalidVersion:
            found = re.match(r"\d+(\.\d+)*", text)
            self.version = Version(found[0] if found else "0")

    def __str__(self) -> str:
        return self.text

    def __ge__(self, other: str) -> bool:
        return self.version >= Version(other)

    def __gt__(self, other: str) -> bool:
        return self.version > Version(other)

    def __le__(self, other: str) -> bool:
        return self.version <= Version(other)

    def __lt__(self, other: str) -> bool:
        return self.version < Version(other)


def variable_name(words: Sequence[str], style: str) -> str:
    """``[other, database]`` as ``other_database`` or ``otherDatabase``."""
    parts = [part for word in words for part in re.split(r"[^0-9A-Za-z]+", word) if part]
    if style == "snake":
        return "_".join(part.lower() for part in parts)
    return parts[0].lower() + "".join(part[:1].upper() + part[1:] for part in parts[1:])


def database_variable(logical: str, style: str) -> str:
    """The variable that holds the real name of a database."""
    return variable_name([MAIN_DATABASE] if logical == MAIN_DATABASE else [logical, "database"], style)


def client_variable(client: str, style: str) -> str:
    """The variable that holds a client."""
    return variable_name(["client"] if client == MAIN_CLIENT else ["client", client], style)


def _hex(value: int, digits: int = 0) -> str:
    return f"{value:0{digits}x}"


def _utf16(text: str) -> list[int]:
    data = text.encode("utf-16-be")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


class Renderer:
    """Renders the snippets and programs of one target. Pure: reads the pack's templates and nothing else."""

    def __init__(self, pack: Pack, target: Target, *, authorization: bool = True) -> None:
        import jinja2
        from jinja2.sandbox import SandboxedEnvironment

        spec = pack.spec.targets[target.name]
        self.pack = pack
        self.target = target
        self.style = pack.spec.variables
        self.authorization = authorization
        environment = SandboxedEnvironment(
            loader=jinja2.FileSystemLoader([str(pack.folder / folder) for folder in spec.templates]),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,
            auto_reload=False,
        )
        environment.filters["codepoints"] = lambda text: [ord(character) for character in text]
        environment.filters["utf8"] = lambda text: list(text.encode("utf-8"))
        environment.filters["utf16"] = _utf16
        environment.filters["hex"] = _hex
        environment.tests["variable"] = lambda value: isinstance(value, Variable)
        environment.tests["printable"] = lambda value: str(value).isprintable()
        environment.globals["unsupported"] = _unsupported
        environment.globals["sdk"] = SdkVersion(target.version)
        environment.globals["package"] = target.package
        environment.globals["target"] = target.name
        self._environment = environment

    def _template(self, name: str) -> "jinja2.Template":
        import jinja2

        try:
            return self._environment.get_template(name)
        except jinja2.TemplateNotFound as error:
            raise TemplateError(
                f"The pack has no template {error.name!r} for {self.target.name}.",
                where=str(self.pack.folder),
                hint="runners/README.md lists the operations that a pack renders.",
            ) from error
        except jinja2.TemplateSyntaxError as error:
            where = f"{error.filename or name}:{error.lineno}"
            raise TemplateError(f"The template is not right: {error.message}.", where=where) from error

    def _fault(self, name: str, error: Exception) -> TemplateError:
        place = name
        traceback = error.__traceback__
        while traceback is not None:
            file = traceback.tb_frame.f_code.co_filename
            if file.endswith(".jinja"):
                place = f"{file}:{traceback.tb_lineno}"
            traceback = traceback.tb_next
        return TemplateError(f"The template cannot be rendered: {error}.", where=place)

    def _value(self, value: Argument) -> object:
        if isinstance(value, DatabaseName):
            return Variable(database_variable(value.logical, self.style))
        if isinstance(value, tuple):
            return list(value)
        return value

    def _arguments(self, step: SdkStep) -> dict[str, object]:
        arguments = {name: self._value(value) for name, value in step.arguments.items()}
        if step.operation == "connect":
            arguments.setdefault("database", Variable(database_variable(MAIN_DATABASE, self.style)))
            if self.authorization:
                arguments.setdefault("user", Variable("user"))
                arguments.setdefault("password", Variable("password"))
        return arguments

    def snippet(self, step: SdkStep) -> Snippet:
        """A step as a reader of the docs would write it. Raises TemplateError when the template is broken."""
        name = f"{step.operation}.{self.pack.spec.extension}.jinja"
        template = self._template(name)
        client = client_variable(step.client, self.style)
        try:
            module: Any = template.make_module({**self._arguments(step), "client": client, "client_id": step.client})
        except _UnsupportedError as unsupported:
            return Snippet(step=step.id, operation=step.operation, client=client, unsupported=str(unsupported))
        except Exception as error:
            raise self._fault(name, error) from error
        names = {
            key: value
            for key, value in vars(module).items()
            if not key.startswith("_") and isinstance(value, str | list)
        }
        imports = names.pop("imports", [])
        return Snippet(
            step=step.id,
            operation=step.operation,
            client=client,
            client_id=step.client,
            text=str(module).strip("\n") + "\n",
            imports=tuple(imports if isinstance(imports, list) else [imports]),
            names={key: value if isinstance(value, str) else tuple(value) for key, value in names.items()},
        )

    def program(self, case: Case, number: int) -> Program:
        """The program of a case; its snippets stand in it byte for byte."""
        snippets = tuple(self.snippet(step) for step in case.steps if isinstance(step, SdkStep))
        logical = [MAIN_DATABASE, *(name for name in case.databases if name != MAIN_DATABASE)]
        variables = ["address", "uri", *(["user", "password"] if self.authorization else [])]
        variables += [database_variable(name, self.style) for name in logical]
        return self.assemble(f"p{number:04d}", case.id, snippets, variables)

    def assemble(self, name: str, case: str, snippets: tuple[Snippet, ...], variables: Sequence[str]) -> Program:
        """Snippets, rendered or taken from a page, inside the pack's frame."""
        supported = [snippet for snippet in snippets if snippet.unsupported is None]
        program = Program(name=name, case=case, snippets=snippets, variables=tuple(variables))
        context = _program_context(program, {snippet.step: f"\0{snippet.step}\0" for snippet in supported})
        files: dict[str, str] = {}
        spans: list[SourceSpan] = []
        for file in self.pack.spec.files:
            if file.per == "program":
                path = file.path.format(program=name)
                text, found = _splice(self._render(file.template, context), supported, path)
                files[path] = text
                spans += found
        return Program(
            name=name, case=case, snippets=snippets, variables=tuple(variables), files=files, spans=tuple(spans)
        )

    def _render(self, name: str, context: Mapping[str, object]) -> str:
        try:
            return self._template(name).render(context)
        except TemplateError:
            raise
        except Exception as error:
            raise self._fault(name, error) from error

    def sources(self, programs: Iterable[Program]) -> dict[str, str]:
        """All files of a build: those of the programs, those rendered once, and the support folders."""
        programs = list(programs)
        files = {path: text for program in programs for path, text in program.files.items()}
        context = {
            "programs": [
                _program_context(program, {snippet.step: snippet.text for snippet in program.snippets})
                for program in programs
            ]
        }
        for file in self.pack.spec.files:
            if file.per == "build":
                text = self._render(file.template, context)
                files[file.path] = text if text.endswith("\n") else text + "\n"
        for folder in self.pack.spec.support:
            root = self.pack.folder / folder
            for path in sorted(root.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    files[path.relative_to(root).as_posix()] = path.read_text(encoding="utf-8")
        return files


def _unsupported(why: str) -> None:
    raise _UnsupportedError(why)


def _program_context(program: Program, texts: Mapping[int, str]) -> dict[str, object]:
    supported = [snippet for snippet in program.snippets if snippet.unsupported is None]
    return {
        "program": program.name,
        "case": program.case,
        "imports": sorted({name for snippet in supported for name in snippet.imports}),
        "variables": list(program.variables),
        "steps": [
            {
                **snippet.names,
                "id": snippet.step,
                "operation": snippet.operation,
                "client": snippet.client,
                "client_id": snippet.client_id,
                "snippet": texts[snippet.step],
            }
            for snippet in supported
        ],
    }


def _splice(text: str, snippets: Sequence[Snippet], path: str) -> tuple[str, list[SourceSpan]]:
    """Put the snippets where their marks stand, and note their lines: what is shown is what runs."""
    spans: list[SourceSpan] = []
    by_step = {snippet.step: snippet for snippet in snippets}
    pieces: list[str] = []
    line = 1
    for index, part in enumerate(text.split("\0")):
        piece = part
        if index % 2:
            piece = by_step[int(part)].text.removesuffix("\n")
            spans.append(SourceSpan(file=path, first=line, last=line + piece.count("\n"), step=int(part)))
        pieces.append(piece)
        line += piece.count("\n")
    joined = "".join(pieces)
    return joined if joined.endswith("\n") else joined + "\n", spans
