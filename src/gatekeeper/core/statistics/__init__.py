"""Estimates with their uncertainty. Every bound is one-sided at confidence 1 - alpha.

Each way of measuring has one function here that turns what was observed
(`gatekeeper.core.observation`) into an `inference.Inference`: a value that can be asked for its
bounds, for its p-value at a limit, and for the sample that would settle it. `core.measure` picks
the function; nothing else has to know which it was.

=====================================  ==================  =======================================
observed                               one release         candidate against baseline
=====================================  ==================  =======================================
`Proportion`, `PairedProportion`       `shares`            `pairs`
  called by a calibrated judge         `corrected`         `corrected_pairs`
`Sums` of scores                       `means`             `means`
`Sums` of a ratio                      `ratios`            `ratios`
  resampled where the policy says so   `bca`               `bca`
`Times`                                `durations`         `duration_changes`
`Declared`                             `declared`          `declared`
=====================================  ==================  =======================================

They answer with one of these: `shares.Share` (exact), `clustered_share`, `pairs.PairedShare`,
`student` (Student's t, corrected for skewness), `bootstrap` (percentiles of replicates),
`durations.OrderStatistics`, `declared.Fact`, `ties` (units that all agree), `unbounded` (nothing is
known of the error), `bracketed` (one of the others with what is missing on one side), and `scaled`,
one of the others in another unit.

What they are made of: `binomial` (exact tails and planning), `tango` (the score test of pairs),
`influence` (variance and skewness of functions of sums, by the delta method), `resampling` (the
weights of the bootstrap), `clustering` and `dependence` (how much less dependent trials and
requests say), `memory` (for how long a queue remembers), `judge` (what a calibration leaves
possible), `roots` (where a function is zero).

How many samples settle a rule: each of them for its estimate, `assurance` for what is possible.

Beside them: `multiplicity` (several rules at once), `replicates` (variance between and within
samples), `standard_errors` (for summaries that decide nothing).
"""
