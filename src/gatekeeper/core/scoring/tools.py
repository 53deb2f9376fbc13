"""Scorers of tool calls: forbidden and malformed ones, the one asked for, the whole trajectory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from gatekeeper.core.scoring.scorer import Mark, Role, Scorer, flag
from gatekeeper.core.scoring.structure import same

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gatekeeper.core.scoring.conversation import Conversation
    from gatekeeper.model.envelope import ToolCall
    from gatekeeper.model.evalset import Sample

    _Call = tuple[str, Mapping[str, Any]]


class ForbiddenTools(Scorer):
    """No tool was asked for that may not be, and no call was malformed."""

    NAME: ClassVar[str] = "forbidden_tools"
    ROLE: ClassVar[Role] = "policy"

    def mark(self, talk: Conversation) -> Mark | None:
        """0 where the pipeline counted one; raises `ValueError` where it is not known."""
        counts = [reply.row.forbidden_tool_calls for reply in talk.replies]
        count = sum(filter(None, counts))
        if not count and None in counts:
            raise ValueError("it is not known whether forbidden tools were called")
        return flag(not count, f"{count} forbidden or malformed calls")


class OneTool(Scorer):
    """The one tool call that the sample expects, with its arguments, and no other."""

    NAME: ClassVar[str] = "tool_call"
    ROLE: ClassVar[Role] = "task"
    NEEDS: ClassVar[str] = "`tool`"
    NULL: ClassVar[str] = "the sample has no `tool`"

    def fits(self, sample: Sample) -> bool:
        """Whether a call is expected."""
        return sample.expect.tool is not None

    def mark(self, talk: Conversation) -> Mark | None:
        """1 where it was made once, and nothing else."""
        tool = talk.expect.tool
        if tool is None:
            return None
        made = [(call.name, call.arguments) for call in _made(talk)]
        return flag(made == [(tool.name, tool.arguments)], _told(_made(talk)))


class Trajectory(Scorer):
    """The tool calls of the whole conversation match those that the sample expects."""

    NAME: ClassVar[str] = "trajectory"
    ROLE: ClassVar[Role] = "task"
    NEEDS: ClassVar[str] = "`tools`"
    NULL: ClassVar[str] = "the sample has no `tools`"

    match: Literal["exact", "in_order", "any_order", "subset"] = "exact"
    """`exact`: these and no others; `in_order`: these, others may come between; `any_order`: these
    and no others, in any order; `subset`: nothing but these, and some may be missing."""
    arguments: Literal["equal", "given", "ignored"] = "equal"
    """`given`: a call may have arguments beside those that are expected."""

    def fits(self, sample: Sample) -> bool:
        """Whether calls are expected."""
        return bool(sample.expect.tools)

    def mark(self, talk: Conversation) -> Mark | None:
        """1 where they match."""
        wanted = [(tool.name, tool.arguments) for tool in talk.expect.tools]
        if not wanted:
            return None
        made = [(call.name, call.arguments) for call in _made(talk)]
        return flag(self._matches(wanted, made), _told(_made(talk)))

    def _matches(self, wanted: Sequence[_Call], made: Sequence[_Call]) -> bool:
        if self.match == "exact":
            return len(made) == len(wanted) and all(map(self._meets, made, wanted))
        if self.match == "in_order":
            rest = iter(made)
            return all(any(self._meets(one, need) for one in rest) for need in wanted)
        few = len(made) < len(wanted) if self.match == "subset" else False
        return (few or len(made) == len(wanted)) and self._paired(made, wanted)

    def _paired(self, made: Sequence[_Call], wanted: Sequence[_Call]) -> bool:
        """Whether each call that was made can be given a wanted one of its own."""
        owner: dict[int, int] = {}

        def place(call: int, tried: set[int]) -> bool:
            """Find a need for a call, moving earlier calls to other needs where that makes room."""
            for need in range(len(wanted)):
                if need in tried or not self._meets(made[call], wanted[need]):
                    continue
                tried.add(need)
                if need not in owner or place(owner[need], tried):
                    owner[need] = call
                    return True
            return False

        return all(place(call, set()) for call in range(len(made)))

    def _meets(self, made: _Call, wanted: _Call) -> bool:
        if made[0] != wanted[0]:
            return False
        given: Mapping[str, Any] = made[1]
        if self.arguments == "given":
            given = {key: value for key, value in given.items() if key in wanted[1]}
        return self.arguments == "ignored" or same(dict(given), dict(wanted[1]))


def _made(talk: Conversation) -> list[ToolCall]:
    return [call for reply in talk.replies for call in reply.response.tool_calls]


def _told(calls: Iterable[ToolCall]) -> str:
    names = ", ".join(call.name for call in calls)
    return f"called {names}" if names else "called no tool"
