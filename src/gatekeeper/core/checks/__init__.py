"""Checks of a release before it is built: every `finding.Finding`, not the first alone.

`across` asks what each component takes for granted about the others, `content` looks inside
them, `routing` follows every route to its end, and `unmeetable` finds JSON Schemas that no value
can meet.
"""

from gatekeeper.core.checks.across import PROMPT_VARIABLES, PromptSize, check, prompt

__all__ = ["PROMPT_VARIABLES", "PromptSize", "check", "prompt"]
