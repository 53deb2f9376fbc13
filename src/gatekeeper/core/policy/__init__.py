"""Gate policies: what their lines mean, which go together, and what they can show.

From a line of YAML to a result, module by module:

1. `adapters.policies` reads the file into one of the three forms of `model.policy`; a value that
   no rule can have is refused there, by the types.
2. `forms.normalise` takes the form apart into lines (`rules.Line`); `conditions` does so for the
   lists `require` and `deny_if`.
3. `rules.Rules` makes each line a `model.policy.Rule`, after `fitness.faults` has said whether its
   limit and its options are possible on its metric; `contradictions` looks at all rules together.
4. `use` lays over them what a person gives when they are applied: other limits, and skips.
5. `ops.gate.decide_run` makes the verdict: `ops.rule_results` has each metric measured, and
   `core.decide` compares it with the rule, by way of `core.measure` (estimate and bounds) and
   `core.slicing` (rules that go by slices); `core.unmeasured` decides the rules that need no
   measured value. `core.results` makes each `model.verdict.RuleResult`, and says what they come to.
6. `core.correction` corrects failures for how many rules there are.

A new option of a rule is a field of `RuleSpec` and of `Rule`, a word in `rules._OWN`, a check in
`fitness`, a direction in `diff` (does it demand more or less?), and whatever it changes in
`core.measure` or `core.decide`; the guide is `docs/policies.md`.

The other modules look at policies as wholes: `dates` (from when, until when), `document` (as
verdicts hold them), `diff` (what became looser), `power` (what so many samples can show), `trial`
(against labelled runs), `report` (how rules have done over time).
"""
