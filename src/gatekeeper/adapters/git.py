"""What git knows of a checkout: the merge base, what changed since, and how it was then."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.errors import UnavailableError, UsageError

# What a repository's own settings may not do here: run a hook, or a program that shows changes.
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
_FIX_SHALLOW = (
    "fetch the history first: `fetch-depth: 0` of actions/checkout, GIT_DEPTH: 0 in GitLab"
)


@dataclass(frozen=True, slots=True)
class Checkout:
    """A directory inside a git working tree; every path is relative to it."""

    directory: Path

    @classmethod
    def at(cls, directory: Path) -> Checkout:
        """The checkout around a directory; raises `UsageError` where there is none."""
        found = cls(directory)
        done = found._run("rev-parse", "--is-inside-work-tree")
        if done.returncode or done.stdout.strip() != b"true":
            said, fix = _said(done), "run this in a checkout, or name the manifests yourself"
            if "dubious ownership" in said:  # of a container that runs as somebody else
                fix = f"if it is yours: git config --global --add safe.directory {directory}"
            raise UsageError(
                f"is not in a git working tree: {said or 'a bare repository'}",
                where=str(directory),
                fix=fix,
            )
        return found

    def commit(self, revision: str) -> str:
        """The full hash of a commit; raises `UsageError` where git knows none of that name."""
        done = self._run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
        if done.returncode:
            fix = _FIX_SHALLOW if self._shallow() else "see `git branch --all`, or fetch it first"
            raise UsageError(f"git knows no commit {revision!r}", where=self._name, fix=fix)
        return done.stdout.decode().strip()

    def merge_base(self, revision: str) -> str:
        """The commit at which this checkout and a revision parted.

        Raises:
            UsageError: The revision is not known, or the two have no history in common here.
        """
        commit = self.commit(revision)
        done = self._run("merge-base", commit, "HEAD")
        if done.returncode:
            fix = _FIX_SHALLOW if self._shallow() else "name a revision that this one came from"
            raise UsageError(
                f"has no commit in common with {revision!r}", where=self._name, fix=fix
            )
        return done.stdout.decode().strip()

    def changed(self, commit: str) -> frozenset[str]:
        """Files below the directory that differ from a commit; new ones that git does not ignore.

        A file that was renamed is there under both names.
        """
        known = self._output(
            "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--relative", commit, "--"
        )
        new = self._output("ls-files", "--others", "--exclude-standard", "-z")
        return frozenset(os.fsdecode(name) for name in (known + new).split(b"\0") if name)

    def text(self, commit: str, file: str) -> str:
        """A file as it was at a commit; empty where it was not there."""
        done = self._run("cat-file", "blob", f"{commit}:./{file}")
        return "" if done.returncode else done.stdout.decode("utf-8", "replace")

    def put(self, commit: str, target: Path) -> Path:
        """The directory as it was at a commit, below `target`; what is there already is kept.

        Neither the repository nor its index is written to. Returns the directory in its place.
        """
        if not target.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".tmp-", dir=target.parent) as name:
                index, tree = Path(name) / "index", Path(name) / "tree"
                tree.mkdir()
                self._output("read-tree", commit, index=index)
                self._output("checkout-index", "--all", f"--prefix={tree}/", index=index)
                tree.rename(target)
        return target / self.prefix

    @property
    def prefix(self) -> str:
        """The directory, from the top of its working tree; empty at the top."""
        return os.fsdecode(self._output("rev-parse", "--show-prefix").rstrip(b"\n")).rstrip("/")

    @property
    def _name(self) -> str:
        return str(self.directory)

    def _shallow(self) -> bool:
        return self._run("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"

    def _output(self, *words: str, index: Path | None = None) -> bytes:
        done = self._run(*words, index=index)
        if done.returncode:
            raise UnavailableError(f"git {words[0]} failed: {_said(done)}", where=self._name)
        return done.stdout

    def _run(self, *words: str, index: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        command = ["git", "-C", str(self.directory), *_QUIET, *words]
        settings = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
        if index is not None:
            settings["GIT_INDEX_FILE"] = str(index)
        try:
            return subprocess.run(command, capture_output=True, check=False, env=settings)  # noqa: S603 - no shell, and names come after the options
        except FileNotFoundError:
            raise UnavailableError(
                "git is not installed", where=self._name, fix="install it, or name the manifests"
            ) from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else ""
