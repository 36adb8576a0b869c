"""What is typed: each command with its options, and one way out for all that is not done."""

import argparse
import getpass
import os
import sys
import traceback
from datetime import date
from typing import NoReturn
from uuid import UUID

from elementdesk import applying, completion, instances, planning
from elementdesk.failures import Exit, NotDoneError, plain
from elementdesk.login import Login, find_login, read_key, read_url, store
from elementdesk.server import Server

LEVELS = ("view", "use", "manage")
WAIT_SECONDS = 300.0
FILTER_HELP = {
    "q": "a part of the name, a tag or an ID",
    "status": "such as active, disabled or needs_person",
    "health": "such as healthy or failing",
    "environment": "sandbox or production",
    "owner": "me",
    "tag": "a tag",
    "element": "an element's key, such as zuorav2",
    "access": "shared",
}


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, and never repeats a key that was typed as an argument."""

    def error(self, message: str) -> NoReturn:
        """End with what cannot be understood."""
        raise NotDoneError(Exit.USAGE, f"{plain(message)}. See {self.prog} --help.")


def main(arguments: list[str] | None = None) -> int:
    """Do what was typed; return the exit code."""
    try:
        asked = parser().parse_args(arguments)
        code = asked.run(asked)
        sys.stdout.flush()
        return int(code)
    except NotDoneError as failure:
        _complain(failure.sentence)
        return failure.code
    except KeyboardInterrupt:
        _complain("Interrupted.")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read it has enough; the interpreter shall not complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except Exception as error:
        # Neither message nor values: they could hold a secret.
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} at {os.path.basename(last.filename)}:{last.lineno}"
        _complain(f"This is a fault of elementdesk itself; please report it: {place}.")
        return Exit.NEEDS_PERSON


def _complain(sentence: str) -> None:
    sys.stderr.write(f"elementdesk: {plain(sentence)}\n")


def parser() -> Parser:
    """Return the commands with their options."""
    top = Parser(prog="elementdesk", description="Element instances from the command line.")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    _add_login(commands)
    _add_list(commands)
    _add_create_and_wait(commands)
    _add_token_and_share(commands)
    _add_plan(commands)
    _add_completion(commands)
    return top


Commands = argparse._SubParsersAction  # what argparse has no public name for


def _add_login(commands: "Commands[Parser]") -> None:
    command = commands.add_parser("login", help="keep a server's address and a key for it")
    command.add_argument("address", nargs="?", default="", help="asked for if it is missing")
    command.set_defaults(run=_login)


def _add_list(commands: "Commands[Parser]") -> None:
    command = commands.add_parser("list", help="list instances, newest first")
    for name in instances.FILTERS:
        command.add_argument(f"--{name}", default="", help=FILTER_HELP[name])
    _add_json(command)
    command.set_defaults(run=lambda asked: instances.list_instances(_server(), asked))


def _add_create_and_wait(commands: "Commands[Parser]") -> None:
    command = commands.add_parser("create", help="ask for the instance of an instance.json")
    command.add_argument("file", metavar="FILE", help="- for standard input")
    command.add_argument("--key", default="", help="the idempotency key of an earlier try")
    command.add_argument("--wait", action="store_true", help="until it is there, or is not")
    _add_timeout(command)
    _add_json(command)
    command.set_defaults(run=lambda asked: instances.create(_server(), asked))
    command = commands.add_parser("wait", help="wait for an operation")
    command.add_argument("id", metavar="ID", type=_id, help="of the operation")
    _add_timeout(command)
    _add_json(command)
    command.set_defaults(run=lambda asked: instances.wait(_server(), asked))


def _add_token_and_share(commands: "Commands[Parser]") -> None:
    command = commands.add_parser("token", help="fetch the token of an instance")
    command.add_argument("id", metavar="ID", type=_id, help="of the instance")
    command.add_argument(
        *("--env-file",),
        nargs=2,
        metavar=("PATH", "NAME"),
        help="keep it there, in place of printing",
    )
    command.add_argument("--reason", default="", help="why, where its organization asks for that")
    command.set_defaults(run=lambda asked: instances.token(_server(), asked))
    command = commands.add_parser("share", help="share an instance")
    command.add_argument("id", metavar="ID", type=_id, help="of the instance")
    whom = command.add_mutually_exclusive_group(required=True)
    whom.add_argument("--person", default="", metavar="NAME", help="user name or e-mail address")
    whom.add_argument("--team", default="", metavar="NAME")
    command.add_argument("--level", choices=LEVELS, required=True)
    command.add_argument("--until", type=_day, metavar="YYYY-MM-DD", help="that day too")
    _add_json(command)
    command.set_defaults(run=lambda asked: instances.share(_server(), asked))


def _add_plan(commands: "Commands[Parser]") -> None:
    command = commands.add_parser("plan", help="compare an instances.yaml with what is there")
    command.add_argument("file", metavar="FILE", help="- for standard input")
    _add_json(command)
    command.set_defaults(run=lambda asked: planning.show(_server(), asked))
    command = commands.add_parser("apply", help="do what a plan said, and nothing else")
    command.add_argument("file", metavar="FILE")
    command.add_argument("--plan", required=True, metavar="HASH", help="as `plan` printed it")
    command.add_argument("--reason", default="", help="kept with what is enabled or disabled")
    _add_timeout(command)
    command.set_defaults(run=lambda asked: applying.apply(_server(), asked))
    command = commands.add_parser("export", help="print the instances.yaml of what is there")
    command.set_defaults(run=lambda asked: applying.export(_server(), asked))


def _add_completion(commands: "Commands[Parser]") -> None:
    command = commands.add_parser("completion", help="print what lets a shell complete commands")
    command.add_argument("shell", choices=("bash", "zsh"))
    command.set_defaults(run=_completion)


def _add_json(command: Parser) -> None:
    command.add_argument("--json", action="store_true", help="for programs, as the API tells it")


def _add_timeout(command: Parser) -> None:
    command.add_argument(
        *("--timeout",),
        type=_seconds,
        default=WAIT_SECONDS,
        metavar="SECONDS",
        help="to wait at most",
    )


def _id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise argparse.ArgumentTypeError("this is no ID") from None


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError("write a day as 2027-01-31") from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError("write seconds as a number")
    return seconds


def _server() -> Server:
    return Server(find_login())


def _login(asked: argparse.Namespace) -> Exit:
    """Try a key, and keep it if it is good."""
    is_typed = sys.stdin.isatty()
    if not asked.address and not is_typed:
        raise NotDoneError(
            Exit.USAGE, "Give the address, too: elementdesk login https://desk.example.com."
        )
    try:
        url = read_url(asked.address or input("Address: "))
        # Never an argument: every user of a machine sees those of all processes.
        key = read_key(
            getpass.getpass("API key (not shown): ") if is_typed else sys.stdin.readline()
        )
    except EOFError:
        raise NotDoneError(Exit.USAGE, "Nothing was typed.") from None
    login = Login(url, key)
    told = Server(login).get("key")
    path = store(login)
    scopes = ", ".join(told["scopes"])
    instances.say(
        plain(f"Signed in to {url} as {told['owner']}, for {told['organization']['name']}."),
        plain(f"The key may {scopes} until {told['expires_at']}. It is kept in {path}."),
    )
    return Exit.DONE


def _completion(asked: argparse.Namespace) -> Exit:
    instances.say({"bash": completion.bash, "zsh": completion.zsh}[asked.shell](parser()))
    return Exit.DONE
