"""GitHub, GitLab and a terminal, as one job of each sees them, against local servers."""

import json

import pytest

from builders import write
from forges import GitHubHandler, GitLabHandler, forge_server, github_comment, gitlab_note
from gatekeeper.adapters.forges import forge_for
from gatekeeper.adapters.forges.forge import NoCommentError
from gatekeeper.adapters.forges.github import GitHub
from gatekeeper.adapters.forges.gitlab import GitLab
from gatekeeper.adapters.forges.rest import Rest
from gatekeeper.adapters.forges.terminal import Terminal

MARKER = "<!-- gatekeeper ci: desk -->"
ZEROS = "0" * 40
TOKEN = "secret"


@pytest.fixture
def hub():
    with forge_server(GitHubHandler) as server:
        yield server


@pytest.fixture
def lab():
    with forge_server(GitLabHandler) as server:
        yield server


@pytest.fixture
def github(hub, tmp_path):
    event = {"pull_request": {"number": 7, "base": {"sha": "b" * 40}, "head": {"sha": "e" * 40}}}
    return on_github(tmp_path, event, GITHUB_API_URL=hub.address, GITHUB_TOKEN=TOKEN)


def on_github(directory, event, **settings):
    path = write(directory / "event.json", json.dumps(event))
    return GitHub({"GITHUB_EVENT_PATH": str(path), "GITHUB_REPOSITORY": "acme/desk", **settings})


def on_gitlab(lab, **settings):
    told = {"CI_PROJECT_ID": "11", "CI_MERGE_REQUEST_IID": "7", "CI_API_V4_URL": lab.address}
    return GitLab({**told, "GATEKEEPER_COMMENT_TOKEN": "secret", **settings})


def test_the_platform_is_the_one_whose_environment_this_is():
    assert forge_for("auto", {"GITHUB_ACTIONS": "true"}).name == "github"
    assert forge_for("auto", {"GITLAB_CI": "true"}).name == "gitlab"
    assert forge_for("auto", {}).name == "none"
    assert forge_for("none", {"GITHUB_ACTIONS": "true"}).name == "none"
    assert forge_for("gitlab", {"GITHUB_ACTIONS": "true"}).name == "gitlab"


@pytest.mark.parametrize(
    ("event", "since"),
    [
        ({"pull_request": {"base": {"sha": "b"}}}, "b"),
        ({"merge_group": {"base_sha": "m"}}, "m"),
        ({"before": "p"}, "p"),
        ({"before": ZEROS}, ""),
        ([], ""),
    ],
)
def test_what_a_change_on_github_is_against(tmp_path, event, since):
    assert on_github(tmp_path, event).since == since


def test_a_job_of_github_without_an_event_knows_its_commit_only():
    forge = GitHub({"GITHUB_SHA": "f"})
    assert (forge.since, forge.commit, forge.log) == ("", "f", "")


def test_what_a_change_on_gitlab_is_against():
    assert GitLab({"CI_MERGE_REQUEST_DIFF_BASE_SHA": "b", "CI_COMMIT_BEFORE_SHA": "p"}).since == "b"
    assert GitLab({"CI_COMMIT_BEFORE_SHA": "p"}).since == "p"
    assert GitLab({"CI_COMMIT_BEFORE_SHA": ZEROS}).since == ""
    sources = {"CI_COMMIT_SHA": "merged", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "head"}
    assert GitLab(sources).commit == "head"


def test_a_comment_is_found_again_behind_many_others(github, hub):
    hub.kept += [github_comment(number, "chatter", "User") for number in range(1, 205)]
    assert github.comment("one", "desk").endswith("issuecomment-205")
    assert github.known_comment("desk")
    assert not github.known_comment("other")
    github.comment("two", "desk")
    assert len(hub.kept) == 205
    assert hub.bodies[-1] == f"{MARKER}\ntwo"


def test_each_key_has_a_comment_of_its_own(github, hub):
    github.comment("one", "desk")
    github.comment("two", "other/desk")
    assert hub.bodies == [f"{MARKER}\none", "<!-- gatekeeper ci: other/desk -->\ntwo"]


def test_the_comment_of_another_is_never_written_over(github, hub, lab):
    hub.kept.append(github_comment(1, f"{MARKER}\nmine", "User"))
    github.comment("ours", "desk")
    assert hub.bodies == [f"{MARKER}\nmine", f"{MARKER}\nours"]
    lab.kept.append(gitlab_note(1, f"{MARKER}\nmine", author=1))
    url = on_gitlab(lab, CI_MERGE_REQUEST_PROJECT_URL="https://x/y").comment("ours", "desk")
    assert url == "https://x/y/-/merge_requests/7#note_2"
    assert lab.bodies[0] == f"{MARKER}\nmine"


def test_a_call_that_does_no_harm_is_tried_again_and_a_post_is_not(hub):
    api = Rest(hub.address, {}, pauses=(0.0, 0.0))
    hub.refuse["GET"] = [502, 503]
    assert api.call("GET", "/repos/acme/desk/issues/7/comments?per_page=100&page=1") == []
    hub.refuse["GET"] = [500, 500, 500]
    with pytest.raises(NoCommentError, match="answered 500 not here") as caught:
        api.call("GET", "/repos/acme/desk/issues/7/comments?per_page=100&page=1")
    assert type(caught.value) is NoCommentError
    hub.refuse["POST"] = [502]
    with pytest.raises(NoCommentError, match="answered 502"):
        api.call("POST", "/repos/acme/desk/issues/7/comments", {"body": "x"})
    assert hub.kept == []


def test_a_redirect_is_not_followed_with_the_token(github, hub):
    hub.refuse["GET"] = [302]
    with pytest.raises(NoCommentError, match="answered 302"):
        github.comment("x", "desk")
    assert not any("elsewhere" in call for call in hub.calls)


def test_an_api_that_is_not_there_is_told_without_the_token(tmp_path):
    event = {"pull_request": {"number": 7}}
    for address, what in (("http://127.0.0.1:1", "did not answer"), ("file:///etc", "is not the")):
        api = Rest(address, {"Authorization": "secret"}, pauses=())
        with pytest.raises(NoCommentError, match=what) as caught:
            api.call("GET", "/passwd")
        assert "secret" not in str(caught.value)
        assert "secret" not in repr(api)
    with pytest.raises(NoCommentError, match="there is no token"):
        on_github(tmp_path, event).comment("x", "desk")


def test_outside_a_pull_request_there_is_nothing_to_comment_on(tmp_path, lab):
    with pytest.raises(NoCommentError, match="not of a pull request"):
        on_github(tmp_path, {}, GITHUB_TOKEN=TOKEN).comment("x", "desk")
    with pytest.raises(NoCommentError, match="not of a merge request"):
        on_gitlab(lab, CI_MERGE_REQUEST_IID="").comment("x", "desk")
    for action in (Terminal().known_comment, lambda key: Terminal().comment("x", key)):
        with pytest.raises(NoCommentError, match="no pull request here"):
            action("desk")


def test_a_value_for_later_steps_cannot_end_itself(tmp_path):
    path = write(tmp_path / "output", "")
    forge = GitHub({"GITHUB_OUTPUT": str(path)})
    forge.publish("", {"run": "a\nEOF\nforged=1"})
    first, *rest = path.read_text().splitlines()
    assert first.startswith("run<<end-")
    assert rest == ["a", "EOF", "forged=1", first.removeprefix("run<<")]
    assert forge.begin("a\n::error::b") == "::group::a ::error::b"


def test_a_gitlab_job_gets_no_more_variables_than_gitlab_takes(tmp_path):
    outputs = {
        "outcome": "pass",
        "reports": str(tmp_path),
        "manifests": json.dumps([f"manifests/{place:03}-desk.yaml" for place in range(300)]),
        "run": "x\nGATEKEEPER_OUTCOME=fail",
    }
    forge_for("gitlab", {}).publish("", outputs)
    written = (tmp_path / "outputs.env").read_text()
    assert len(written) <= 5_120
    assert written.splitlines() == [
        "GATEKEEPER_OUTCOME=pass",
        f"GATEKEEPER_REPORTS={tmp_path}",
        "GATEKEEPER_MANIFESTS=",
        "GATEKEEPER_RUN=x GATEKEEPER_OUTCOME=fail",
    ]
