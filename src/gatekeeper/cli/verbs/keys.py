"""`gatekeeper keys`: who may sign what."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatekeeper.cli.lazy import PLAIN
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session
from gatekeeper.errors import UsageError
from gatekeeper.report.markup import escape

if TYPE_CHECKING:
    from gatekeeper.model.keyring import Key, Keyring

app = typer.Typer(
    name="keys", help="The keys of a project: list, show, generate, revoke, renew.", **PLAIN
)


class Role(StrEnum):
    """What a key may sign."""

    release = "release"
    gate = "gate"
    promote = "promote"
    root = "root"


@app.command("list")
def list_keys(output: OutputOption = Output.text, project: ProjectOption = HERE) -> None:
    """List every key of the keyring, with its role and standing."""
    from gatekeeper.cli.wiring import keys_of

    session = Session(project, output)
    keys = keys_of(session.project)
    keyring = keys.keyring(allow_expired=True)
    session.emit(_document(keyring, set(keys.private())), _table(keyring, set(keys.private())))


@app.command()
def show(
    key_id: Annotated[str, typer.Argument(help="The key's id, or the beginning of it.")],
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Show one key, with the public key in PEM for other tools."""
    import base64

    from gatekeeper.adapters.keyfile import public_pem
    from gatekeeper.cli.wiring import keys_of

    session = Session(project, output)
    keyring = keys_of(session.project).keyring(allow_expired=True)
    key = _find(keyring, key_id)
    pem = public_pem(base64.b64decode(key.spki)).decode()
    document = {**key.model_dump(mode="json"), "pem": pem}
    session.emit(document, f"{_line(key, set())}\n{key.id}\n{pem}".rstrip())


@app.command()
def generate(
    role: Annotated[Role, typer.Option("--role", help="What it may sign.")],
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Make a key, protected by GATEKEEPER_KEY_PASSWORD, and list it in the keyring."""
    import os

    from gatekeeper.adapters import keyring as keyrings
    from gatekeeper.cli.wiring import keys_of

    session = Session(project, output)
    password = os.environ.get(keyrings.PASSWORD_VARIABLE, "")
    if not password:
        raise UsageError(
            "a key needs a password",
            fix=f"put one into the environment variable {keyrings.PASSWORD_VARIABLE}",
        )
    keys = keys_of(session.project)
    keys.signer(keys.keyring(allow_expired=True), "root")
    new = keyrings.new_key((role.value,), password=password)
    name = f"{role.value}-{new.key.id[:12]}"
    new.write(keys.path, name)
    keyring = keys.update(lambda old: (*old.keys, new.key))
    document = {"version": keyring.version, **new.key.model_dump(mode="json")}
    session.emit(
        document,
        f"[green]made[/green] {_line(new.key, {new.key.id})}\n  private key keys/{name}.key",
    )


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, or the beginning of it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the keyring.")],
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Let nothing count any more that a key signed, unless a later ledger entry vouches for it."""
    from gatekeeper.cli.wiring import keys_of

    session = Session(project, output)

    def without(keyring: Keyring) -> tuple[Key, ...]:
        """The keys with the revoked one ended; raises `UsageError` for the last root."""
        key = _find(keyring, key_id)
        _refuse_last_root(keyring, key)
        ended = key.model_copy(update={"revokedAt": datetime.now(UTC), "reason": reason})
        return tuple(ended if one.id == key.id else one for one in keyring.keys)

    keyring = keys_of(session.project).update(without)
    ended = _find(keyring, key_id)
    document = {"version": keyring.version, **ended.model_dump(mode="json")}
    session.emit(document, f"[green]revoked[/green] {_line(ended, set())}")


@app.command()
def renew(output: OutputOption = Output.text, project: ProjectOption = HERE) -> None:
    """Publish the keyring again as it is, good for another year."""
    from gatekeeper.cli.wiring import keys_of

    session = Session(project, output)
    new = keys_of(session.project).update(lambda keyring: keyring.keys)
    session.emit(
        {"version": new.version, "expires": new.model_dump(mode="json")["expires"]},
        f"[green]renewed[/green] keyring version {new.version}, until {new.expires:%Y-%m-%d}",
    )


def _refuse_last_root(keyring: Keyring, key: Key) -> None:
    roots = [one for one in keyring.holding("root") if one.revokedAt is None]
    if [one.id for one in roots] == [key.id]:
        raise UsageError(
            "this is the last root key: nobody could sign the keyring after it",
            fix="make another with `gatekeeper keys generate --role root` first",
        )


def _find(keyring: Keyring, key_id: str) -> Key:
    found = [key for key in keyring.keys if key_id and key.id.startswith(key_id)]
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} keys begin with" if found else "no key begins with"
    raise UsageError(f"{what} {key_id!r}", fix="see `gatekeeper keys list`")


def _document(keyring: Keyring, private: set[str]) -> dict[str, Any]:
    content = keyring.model_dump(mode="json")
    for key in content["keys"]:
        key["private"] = key["id"] in private
    return content


def _table(keyring: Keyring, private: set[str]) -> str:
    head = (
        f"keyring version {keyring.version}, until {keyring.expires:%Y-%m-%d};"
        " [bold]*[/bold] the private key is here"
    )
    return "\n".join([head, *(_line(key, private) for key in keyring.keys)])


def _line(key: Key, private: set[str]) -> str:
    here = "*" if key.id in private else " "
    refusal = key.refusal(datetime.now(UTC))
    standing = f"[red]{escape(refusal)}[/red]" if refusal else f"until {key.notAfter:%Y-%m-%d}"
    kind = "  [yellow]development[/yellow]" if key.development else ""
    return f"{here} {key.id[:12]}  {', '.join(key.roles):<8} {standing}{kind}"
