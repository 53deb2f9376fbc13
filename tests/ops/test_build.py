"""From a manifest to a release: what is pinned, what is refused, and where it says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from builders import make_model, make_project, manifest, write, write_manifest
from gatekeeper.adapters.project import Project
from gatekeeper.cli import wiring
from gatekeeper.core import dsse
from gatekeeper.errors import InputError, UnavailableError
from gatekeeper.model.statement import BUILD, RELEASE_SIGNATURE, Statement
from gatekeeper.ops.build import publish
from releases import built, rebuilt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gatekeeper.errors import Problem


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_project(tmp_path)


@pytest.fixture
def signing(tmp_path: Path) -> Path:
    return make_project(tmp_path, keys=True)


def problems(root: Path, edit: Callable[[dict[str, Any]], object] = dict) -> list[Problem]:
    with pytest.raises(InputError) as caught:
        rebuilt(root, edit)
    return list(caught.value.problems)


def lines(found: list[Problem]) -> list[str]:
    return [
        f"{problem.file}:{problem.line}: {problem.path}: {problem.message}" for problem in found
    ]


def test_everything_is_pinned(root: Path) -> None:
    release = built(root).packed.release
    components = release.components
    assert components.prompt.system.startswith("You are the support desk")
    assert components.prompt.output_schema == json.loads(
        (root / "manifests/desk/answer.json").read_text()
    )
    model = components.model.models["small"]
    assert model.context_length == 2048
    assert [file.path for file in model.files][-1] == "tokenizer_config.json"
    documents = {document.path: document.tenant for document in components.retrieval.documents}
    assert documents == {"tenants/acme/contract.md": "acme", "velar.md": None, "zentor.md": None}


def test_everything_in_files_of_its_own(root: Path) -> None:
    write(root / "shots.yaml", "- {user: a, assistant: b}\n")
    write(root / "tool.json", '{"type": "object"}')
    write(root / "guard.yaml", "policy: agent_execution\nrequire_approval_for: [external_email]\n")
    write(root / "chat.jinja", "{% for m in messages %}{{ m.content }}{% endfor %}")
    make_model(root / "models/tokenizer", seed=2)
    make_model(root / "models/lora", seed=3)

    def edit(content: dict[str, Any]) -> None:
        components = content["components"]
        components["prompt"]["few_shot"] = {"file": "shots.yaml"}
        components["tools"]["allow"]["open_ticket"]["parameters"] = {"file": "tool.json"}
        components["tools"]["allow"]["open_ticket"]["triggers"] = ["external_email"]
        components["tools"]["guardrail"] = {"file": "guard.yaml"}
        components["model"]["models"]["small"] |= {
            "chat_template": {"file": "chat.jinja"},
            "tokenizer": {"directory": "models/tokenizer"},
            "context_length": 1024,
            "adapters": [{"name": "polite", "source": {"directory": "models/lora"}}],
        }

    result = rebuilt(root, edit)
    components = result.packed.release.components
    assert components.prompt.few_shot[0].assistant == "b"
    assert components.tools.allow["open_ticket"].parameters == {"type": "object"}
    assert components.tools.guardrail.require_approval_for == ("external_email",)
    model = components.model.models["small"]
    assert model.chat_template is not None
    assert model.chat_template.startswith("{% for")
    assert len(model.tokenizer_files) == len(model.adapters[0].files) == 4
    assert model.context_length == 1024
    assert result.locations == {
        "small": "models/tiny",
        "small/tokenizer": "models/tokenizer",
        "small/adapters/polite": "models/lora",
    }


def test_a_hosted_model(root: Path) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["governance"] = {"external_model_calls": True}
        content["components"]["model"]["models"]["small"]["source"] = {"endpoint": "gpt-x"}
        content["components"]["serving"]["engines"] = [{"name": "openai"}]

    result = rebuilt(root, edit)
    model = result.packed.release.components.model.models["small"]
    assert (model.pinned, model.endpoint_model, model.files) == (False, "gpt-x", ())
    assert result.locations == {"small": "endpoint:gpt-x"}
    assert [warning.path for warning in result.warnings] == ["components.model.models.small"]


def test_a_model_that_cannot_be_resolved_yet(root: Path) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["components"]["model"]["models"]["small"]["source"] = {
            "oci": "models/x@sha256:" + "0" * 64
        }

    with pytest.raises(UnavailableError):
        rebuilt(root, edit)


def test_all_problems_at_once_each_in_its_file(root: Path) -> None:
    write(root / "manifests/desk/template.jinja", "Question:\n{{ inptu }}")
    write(root / "manifests/desk/answer.json", '{"type": "object",\n "properties": 3}')
    write(root / "guard.yaml", "require_approval_for: []\nverifierz: []\n")

    def edit(content: dict[str, Any]) -> None:
        components = content["components"]
        components["prompt"]["system"] = {"file": "manifests/none.jinja"}
        components["tools"]["guardrail"] = {"file": "guard.yaml"}
        components["router"]["routes"][0]["route_to"] = "serch"
        components["model"]["models"]["small"]["source"] = {"directory": "models/none"}
        components["retrieval"]["snapshot"]["directory"] = "../elsewhere"

    found = problems(root, edit)
    said = lines(found)
    for expected in (
        "manifests/desk/template.jinja:2: components.prompt.template: the template uses 'inptu'",
        "manifests/desk/answer.json:2: properties: is not valid JSON Schema at properties",
        "guard.yaml:2: verifierz: unknown key 'verifierz'",
        "components.prompt.system.file: manifests/none.jinja: no such file",
        "components.router.routes[0].route_to: tier 'serch' is not declared",
        "components.model.models.small.source: models/none: no such directory",
        "components.retrieval.snapshot.directory:",
    ):
        assert any(expected in line for line in said), (expected, said)
    assert len(said) == 7
    assert all(problem.line for problem in found)


def test_what_cannot_be_read_is_not_complained_about_twice(root: Path) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["components"]["retrieval"]["snapshot"]["directory"] = "none"

    assert [problem.path for problem in problems(root, edit)] == [
        "components.retrieval.snapshot.directory"
    ]


def test_a_fault_in_a_text_inside_the_manifest_says_its_line(root: Path) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["components"]["prompt"]["template"] = "{{ input }}\n{{ user }}\n"

    [found] = problems(root, edit)
    assert found.file == "manifests/desk-v1.yaml"
    assert "(line 2 of the text)" in found.message


def test_a_template_that_fails_on_its_values(root: Path) -> None:
    write(root / "manifests/desk/template.jinja", "{{ input }}{{ chunks[7].text }}")
    [found] = problems(root)
    assert found.path == "components.prompt.template"
    assert "cannot be rendered" in found.message


def test_a_tokenizer_that_is_none(root: Path) -> None:
    write(root / "models/tiny/tokenizer.json", "{}")
    assert any("tokenizer" in problem.message for problem in problems(root))
    (root / "models/tiny/tokenizer.json").unlink()
    assert ["no tokenizer.json" in warning.message for warning in built(root).warnings] == [True]


def test_the_prompt_is_measured_by_the_models_own_tokenizer(root: Path) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["components"]["retrieval"]["top_k"] = 30
        content["components"]["budgets"]["per_request"]["input_tokens"] = 40

    found = {problem.path: problem.message for problem in problems(root, edit)}
    # 54 + 29 bytes of text, one token each, and the tokens of the chat template.
    assert "the prompt alone is 84 tokens" in found["components.budgets.per_request.input_tokens"]
    assert "chunks 30 x 100 + output 64" in found["components.retrieval.top_k"]


SECRET = "AKIA" + "ABCDEFGH12345678"


def test_credentials_are_refused_wherever_they_are_and_never_repeated(root: Path) -> None:
    write(root / "manifests/desk/system.jinja", f"hello\n{SECRET}")
    write(root / "manifests/desk/docs/velar.md", f"{SECRET}\n")
    write(root / "manifests/desk/answer.json", json.dumps({"description": SECRET}))

    def edit(content: dict[str, Any]) -> None:
        content["components"]["serving"]["engine_args"] = {"extra": [SECRET]}
        content["metadata"]["labels"] = {"note": SECRET}

    found = problems(root, edit)
    assert {problem.file: problem.line for problem in found} == {
        "manifests/desk-v1.yaml": found[1].line,
        "manifests/desk/docs/velar.md": 1,
        "manifests/desk/system.jinja": 2,
        "manifests/desk/answer.json": 1,
    }
    assert len(found) == 5
    assert all("an AWS access key" in problem.message for problem in found)
    assert not any(SECRET in str(problem) for problem in found)


def publish_once(root: Path) -> bool:
    project = Project(root.resolve())
    document = wiring.read_manifest(project, root / "manifests/desk-v1.yaml")
    result = wiring.build_in_memory(project, document, wiring.models_of(project))
    signer, _ = wiring.release_signer(project)
    return publish(result, document, wiring.store_of(project), signer)


def test_a_release_is_signed_once_and_said_so(signing: Path) -> None:
    root = signing
    assert publish_once(root)
    assert not publish_once(root)
    store = wiring.store_of(Project(root.resolve()))
    [stored] = store.list()
    assert [kind for kind, _, _ in store.statements(stored.digest)] == [RELEASE_SIGNATURE, BUILD]
    record = store.record(stored.digest)
    assert record is not None
    assert (record.metadata.owner, record.manifest) == (
        "support-platform",
        "manifests/desk-v1.yaml",
    )
    assert record.model_locations == {"small": "models/tiny"}
    [(_, bundle)] = store.referrers(stored.digest, RELEASE_SIGNATURE)
    statement = Statement.model_validate_json(dsse.parse(bundle).payload)
    assert statement.concerns(stored.digest)


def test_another_owner_is_a_new_record_of_the_same_release(signing: Path) -> None:
    root = signing
    publish_once(root)
    content = manifest()
    content["metadata"]["owner"] = "somebody-else"
    write_manifest(root, content)
    assert publish_once(root)
    store = wiring.store_of(Project(root.resolve()))
    [stored] = store.list()
    record = store.record(stored.digest)
    assert record is not None
    assert record.metadata.owner == "somebody-else"


def test_another_key_signs_again(signing: Path) -> None:
    root = signing
    publish_once(root)
    for path in (root / ".gatekeeper/keys").glob("*"):
        path.unlink()
    (root / ".gatekeeper/keyring-seen.json").unlink(missing_ok=True)
    from gatekeeper.adapters import keyring
    from gatekeeper.model.keyring import ROLES

    project = Project(root.resolve())
    pairs = [keyring.new_key((role,), password="", development=True) for role in ROLES]
    for pair in pairs:
        pair.write(project.keys, pair.key.roles[0])
    wiring.keys_of(project).write(keyring.first(tuple(pair.key for pair in pairs)))
    assert publish_once(root)
