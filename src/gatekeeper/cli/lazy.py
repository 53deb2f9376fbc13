"""Groups of verbs that are listed, and completed, without importing a single one of them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, ClassVar, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Verb = Callable[..., None] | typer.Typer
    """What a module holds for a verb: its function, or the group of what it has below it."""

PLAIN: Final[dict[str, Any]] = {
    "no_args_is_help": True,
    "pretty_exceptions_enable": False,
    # What Typer prints with rich takes twice as long to import as Typer itself.
    "rich_markup_mode": None,
}
"""How every `typer.Typer` of this command line is made."""


_COLUMN: Final = 30
"""Names of options that are longer have their text below them, as Typer does it."""


class VerbCommand(TyperCommand):
    """A verb whose help has its options below their headings."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """List arguments and options by heading: `rich_help_panel`, where they name one."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            kind = "Options" if parameter.param_type_name == "option" else "Arguments"
            heading = getattr(parameter, "rich_help_panel", None) or kind
            if row := parameter.get_help_record(ctx):
                sections.setdefault(heading, []).append(row)
        _list(sections, formatter)


class VerbGroup(TyperGroup):
    """A group whose verbs are a table; the module of one is imported when it is run.

    Attributes:
        package: Its verbs are the functions `GROUP_VERB` of the modules `VERB_` there; the name
            of the group is the last word of it.
        sections: By heading, each verb and what its help begins with.
    """

    package: ClassVar[str]
    sections: ClassVar[Mapping[str, Mapping[str, str]]]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {verb: TyperCommand(verb, help=text) for verb, text in self.texts().items()}

    @classmethod
    def texts(cls) -> dict[str, str]:
        """What the help of each verb begins with, whatever its section."""
        return {verb: text for verbs in cls.sections.values() for verb, text in verbs.items()}

    def load(self, verb: str) -> Verb:
        """Import what a verb does."""
        module = importlib.import_module(f"{self.package}.{verb}_")
        found: Verb = getattr(module, f"{self.package.rpartition('.')[2]}_{verb}")
        return found

    def loaded(self, verb: str) -> Any:
        """The whole command of a verb, its parameters included."""
        found = self.load(verb)
        if isinstance(found, typer.Typer):
            return get_group(found)
        single = typer.Typer(add_completion=False, **PLAIN)
        single.command(verb, cls=VerbCommand)(found)
        return get_command(single)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take what was typed apart, as Typer does.

        Where a verb comes first, or a word is completed, no option of the group counts; for Typer
        to find out that none was given, it would import pydantic.
        """
        own = self.params, self.add_help_option
        if ctx.resilient_parsing or (args and args[0] in self.commands):
            self.params, self.add_help_option = [], False
        try:
            return super().parse_args(ctx, args)
        finally:
            self.params, self.add_help_option = own

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """What is to be run of what was typed."""
        verb, _, rest = super().resolve_command(ctx, args)
        return verb, verb and self.loaded(verb), rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the verbs below their headings, texts in full."""
        del ctx
        _list({head: list(verbs.items()) for head, verbs in self.sections.items()}, formatter)


def _list(sections: Mapping[str, list[tuple[str, str]]], formatter: Any) -> None:
    """Write sections whose second columns are one below the other."""
    names = [len(name) for rows in sections.values() for name, _ in rows]
    width = max((length for length in names if length <= _COLUMN), default=0)
    for heading, rows in sections.items():
        with formatter.section(heading):
            formatter.write_dl([(f"{name:{width}}", text) for name, text in rows], col_max=width)
