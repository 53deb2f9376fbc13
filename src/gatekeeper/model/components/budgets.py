"""What a request and a day may use, and what is tried before a request is refused."""

from __future__ import annotations

from typing import Literal

from gatekeeper.model.base import Frozen, Usd
from gatekeeper.model.components.values import Count, Positive

BreachAction = Literal["downgrade_model", "reduce_context", "require_human_approval"]


class RequestBudget(Frozen):
    """Ceilings of one request, checked before each generation."""

    input_tokens: Positive | None = None
    output_tokens: Positive | None = None
    model_calls: Positive | None = None
    retries: Count | None = None
    loop_depth: Count | None = None
    usd: Usd | None = None


class DayBudget(Frozen):
    """Ceiling of one workload for one UTC day."""

    usd: Usd | None = None


class BudgetLimits(Frozen):
    """Which ceilings this release may not leave open; a build without them is refused."""

    daily_budget_by_workload: Literal["required", "optional"] = "optional"
    per_request_token_cap: Literal["required", "optional"] = "optional"
    per_task_cost_cap: Literal["required", "optional"] = "optional"


class BudgetActions(Frozen):
    """What is tried, in order, when a ceiling would be broken; then the request is refused."""

    on_budget_breach: tuple[BreachAction, ...] = ()


class Budgets(Frozen):
    """What a request and a workload may spend."""

    limits: BudgetLimits = BudgetLimits()
    per_request: RequestBudget = RequestBudget()
    per_day: DayBudget = DayBudget()
    actions: BudgetActions = BudgetActions()
