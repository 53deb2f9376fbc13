"""The whole story with the real model: two releases pass, two are stopped, one is rolled back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TWO_SCREENS = 96


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """What the quickstart prints."""
    done = subprocess.run(
        ["bash", str(ROOT / "docs/quickstart.sh"), str(tmp_path_factory.mktemp("story") / "desk")],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def part(story, number):
    """The lines of one chapter."""
    return story.partition(f"\n{number}. ")[2].partition(f"\n{number + 1}. ")[0]


def test_the_good_release_is_promoted(story):
    assert "✓ PASS" in part(story, 2)
    assert "entry 1" in part(story, 2)


def test_the_dearer_release_is_stopped_by_cost(story):
    assert "✗ usd_per_resolved_request_max_increase" in part(story, 3)
    assert "refused" in part(story, 3)


def test_the_overeager_guard_is_stopped_by_refusals(story):
    assert "✗ false_refusal_rate_max" in part(story, 4)


def test_the_running_service_follows_promotion_and_rollback(story):
    before, after = part(story, 5).split("gatekeeper promote")
    assert "The documentation does not say." in before
    assert "The documentation does not say." not in after
    assert "The documentation does not say." in part(story, 6)


def test_it_fits_two_screens(story):
    assert len(story.splitlines()) <= TWO_SCREENS
