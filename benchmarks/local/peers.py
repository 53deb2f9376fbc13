"""The same samples by gatekeeper, Inspect, promptfoo and lm-evaluation-harness: set-ups and times.

Used by ../endpoint.py. Every tool is started as its documentation says, with as many requests at
once as the others, caching off, no telemetry, and scores by looking for the expected words.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from local import instant

if TYPE_CHECKING:
    from collections.abc import Callable

CONCURRENT = 64
SYSTEM = "You are the support desk. Answer briefly."
EXPECTED = "24 months"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gatekeeper-benchmarks"
QUIET = {
    "OPENAI_API_KEY": "none",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "PROMPTFOO_SELF_HOSTED": "1",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "INSPECT_DISPLAY": "none",
}


@dataclass(frozen=True, slots=True)
class Job:
    """A command, and how to see that it did its work: the file that it has to leave behind."""

    command: list[str]
    place: Path
    env: dict[str, str]
    proof: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Time:
    """Seconds on the clock and of the processor."""

    wall: float
    cpu: float


def measure(prepare: Callable[[Path, str, int], Job], url: str, samples: int) -> Time:
    """An evaluation as a process; ends the program where fewer samples than asked were answered."""
    with tempfile.TemporaryDirectory() as place:
        job = prepare(Path(place), url, samples)
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            job.command,
            cwd=job.place,
            env=os.environ | QUIET | job.env,
            capture_output=True,
            check=False,
        )
        wall = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if (count := job.proof()) != samples:
            told = (done.stdout[-2000:] + done.stderr[-4000:]).decode()
            sys.exit(f"{job.command[0]}: {count} of {samples} samples, {done.returncode}\n{told}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Time(wall, cpu)


def question(number: int) -> str:
    """No two alike."""
    return f"How long is the warranty of product {number:06}, and what does it cover?"


def lines(path: Path, samples: int, line: Callable[[int], dict[str, object]]) -> Path:
    """A JSON Lines file of so many samples."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line(number)) + "\n" for number in range(samples))
    return path


def contestants(home: Path | None) -> dict[str, Callable[[Path, str, int], Job]]:
    """Who takes part, ours first."""
    ours: dict[str, Callable[[Path, str, int], Job]] = {
        "gatekeeper": gatekeeper,
        "gatekeeper, not streaming": partial(gatekeeper, stream="false"),
    }
    if home is None:
        return ours
    return ours | {
        "inspect": partial(inspect, home),
        "promptfoo": partial(promptfoo, home),
        "lm-eval": partial(lm_eval, home),
    }


def install() -> Path:
    """The peers, below the cache directory; what is there is used as it is."""
    if not (CACHE / "venv/bin/lm_eval").exists():
        subprocess.run([sys.executable, "-m", "venv", CACHE / "venv"], check=True)
        wanted = ["inspect_ai", "openai", "lm_eval[api]"]
        subprocess.run([CACHE / "venv/bin/pip", "install", "--quiet", *wanted], check=True)
    if not (CACHE / "npm/node_modules/.bin/promptfoo").exists():
        (CACHE / "npm").mkdir(exist_ok=True)
        command = ["npm", "install", "--prefix", str(CACHE / "npm"), "--no-fund", "--no-audit"]
        subprocess.run([*command, "--loglevel=error", "promptfoo"], check=True)
    return CACHE


MANIFEST = """\
apiVersion: gatekeeper/v1
kind: ReleaseManifest
metadata: {{name: instant, version: "1", owner: benchmarks, workload: answers}}
components:
  prompt:
    system: {system}
    template: "{{{{ input }}}}"
  model:
    models: {{instant: {{source: {{endpoint: instant}}}}}}
  serving:
    engines: [{{name: openai}}]
    engine_args: {{stream: {stream}}}
    sampling: {{max_tokens: 64}}
  router:
    routes: [{{route_to: standard}}]
    tiers: {{standard: {{model: instant, timeout_seconds: 20}}}}
  budgets:
    per_request: {{input_tokens: 1000, output_tokens: 64, model_calls: 1}}
governance: {{external_model_calls: true}}
evaluation: {{policy: gate.yaml, sets: [set.yaml]}}
"""
SET = """\
apiVersion: gatekeeper/v1
kind: EvalSet
name: instant
owner: benchmarks
licence: Apache-2.0
split: held_out
suite: quality
file: set.jsonl
scorers: [facts]
"""
GATE = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: instant, owner: benchmarks, effective: 2026-01-01}
sections: {quality: {owner: benchmarks, resolved_rate_min: 0.9}}
"""
PRICES = """\
apiVersion: gatekeeper/v1
kind: PriceBook
currency: USD
effective: 2026-01-01
models:
  instant:
    input_usd_per_million: 0.1
    cached_input_usd_per_million: 0.1
    output_usd_per_million: 0.8
"""


def gatekeeper(place: Path, url: str, samples: int, stream: str = "true") -> Job:
    """A project with a hosted model, built; the job is its evaluation and gate."""
    command = [sys.executable, "-m", "gatekeeper"]
    root = place / "project"
    run = partial(subprocess.run, check=True, capture_output=True)
    run([*command, "init", str(root)])
    manifest = MANIFEST.format(system=SYSTEM, stream=stream)
    texts = {"instant.yaml": manifest, "set.yaml": SET, "gate.yaml": GATE}
    for name, text in (*texts.items(), ("gates/prices.yaml", PRICES)):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    lines(root / "set.jsonl", samples, _sample)
    run([*command, "build", "instant.yaml"], cwd=root)
    command += ["evaluate", "instant.yaml", "--output", "json", "--concurrency", str(CONCURRENT)]
    return Job(command, root, {"GATEKEEPER_OPENAI_BASE_URL": url}, partial(_recorded, root))


def _sample(number: int) -> dict[str, object]:
    expect = {"contains": [EXPECTED]}
    return {"id": f"s{number:06}", "input": question(number), "expect": expect}


def _recorded(root: Path) -> int:
    import duckdb

    files = f"{root}/.gatekeeper/runs/*/requests.parquet"
    query = "SELECT count(*) FROM read_parquet(?) WHERE status = 'ok'"
    found = duckdb.execute(query, [files]).fetchone()
    return found[0] if found else 0


INSPECT = """\
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import includes
from inspect_ai.solver import generate, system_message

@task
def instant():
    solver = [system_message({system!r}), generate()]
    return Task(dataset=json_dataset("set.jsonl"), solver=solver, scorer=includes())
"""


def inspect(home: Path, place: Path, url: str, samples: int) -> Job:
    """Inspect, with its OpenAI provider."""
    (place / "instant.py").write_text(INSPECT.format(system=SYSTEM), encoding="utf-8")
    lines(place / "set.jsonl", samples, lambda n: {"input": question(n), "target": EXPECTED})
    command = [str(home / "venv/bin/inspect"), "eval", "instant.py", "--model", "openai/instant"]
    command += ["--max-connections", str(CONCURRENT), "--max-samples", str(CONCURRENT)]
    command += [
        "--display",
        "none",
        "--log-dir",
        "logs",
        "--max-tokens",
        "64",
        "--temperature",
        "0",
    ]
    command += ["--model-base-url", f"{url}/v1", "-M", "responses_api=false"]

    def proof() -> int:
        shown = subprocess.run(
            [home / "venv/bin/inspect", "log", "dump", "--header-only", *place.glob("logs/*")],
            capture_output=True,
            check=True,
        )
        return int(json.loads(shown.stdout)["results"]["completed_samples"])

    return Job(command, place, {}, proof)


def promptfoo(home: Path, place: Path, url: str, samples: int) -> Job:
    """promptfoo, with its OpenAI provider."""
    chat = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "{{question}}"}]
    config = {"apiBaseUrl": f"{url}/v1", "max_tokens": 64, "temperature": 0}
    suite = {
        "prompts": ["file://prompt.json"],
        "providers": [{"id": "openai:chat:instant", "config": config}],
        "defaultTest": {"assert": [{"type": "contains", "value": EXPECTED}]},
        "tests": [{"vars": {"question": question(number)}} for number in range(samples)],
    }
    (place / "prompt.json").write_text(json.dumps(chat), encoding="utf-8")
    (place / "suite.json").write_text(json.dumps(suite), encoding="utf-8")
    command = [str(home / "npm/node_modules/.bin/promptfoo"), "eval", "--config", "suite.json"]
    command += [
        "--max-concurrency",
        str(CONCURRENT),
        "--no-cache",
        "--no-table",
        "--no-progress-bar",
    ]
    command += ["--no-share", "--output", "results.json"]

    def proof() -> int:
        found = json.loads((place / "results.json").read_bytes())
        return int(found["results"]["stats"]["successes"])

    return Job(command, place, {"PROMPTFOO_CONFIG_DIR": str(place / "state")}, proof)


LM_EVAL = """\
task: instant
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["\\n\\n"], max_gen_toks: 64, temperature: 0}}
filter_list:
  - name: found
    filter: [{{function: regex, regex_pattern: "({expected})"}}, {{function: take_first}}]
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
"""


def lm_eval(home: Path, place: Path, url: str, samples: int) -> Job:
    """lm-evaluation-harness, with its chat completions client."""
    file = lines(
        place / "set.jsonl", samples, lambda n: {"question": question(n), "answer": EXPECTED}
    )
    task = LM_EVAL.format(file=file, expected=EXPECTED)
    (place / "instant.yaml").write_text(task, encoding="utf-8")
    address = f"base_url={url}/v1/chat/completions,model=instant,num_concurrent={CONCURRENT}"
    command = [str(home / "venv/bin/lm_eval"), "run", "--model", "local-chat-completions"]
    command += ["--model_args", f"{address},tokenized_requests=False,max_retries=3"]
    command += ["--tasks", "instant", "--include_path", str(place), "--apply_chat_template"]
    command += ["--system_instruction", SYSTEM, "--output_path", str(place / "out")]

    def proof() -> int:
        (found,) = place.glob("out/**/results_*.json")
        told = json.loads(found.read_bytes())
        right = told["results"]["instant"]["exact_match,found"] == 1.0
        return int(told["n-samples"]["instant"]["effective"]) if right else 0

    env = {"HF_HOME": str(place / "cache")}
    return Job(command, place, env, proof)


assert EXPECTED in "".join(instant.words(20))  # noqa: S101 - or every tool would score nothing
