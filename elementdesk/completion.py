"""What lets a shell complete commands and options, written from the commands themselves."""

import argparse

SCRIPT = """\
# elementdesk: completion for bash; load it with: eval "$(elementdesk completion bash)"
_elementdesk() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} words=
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="{commands}"
    else
        case ${{COMP_WORDS[1]}} in
{cases}
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _elementdesk elementdesk"""


ZSH = """\
#compdef elementdesk
# elementdesk: completion for zsh; load it with: eval "$(elementdesk completion zsh)"
_elementdesk() {{
    if (( CURRENT == 2 )); then
        compadd -- {commands}
        return
    fi
    case $words[2] in
{cases}
    esac
    _files
}}
compdef _elementdesk elementdesk"""


def zsh(parser: argparse.ArgumentParser) -> str:
    """Return the script for zsh; file names are completed beside our own words."""
    commands = _commands(parser)
    cases = [
        f"        {name}) compadd -- {' '.join(words)} ;;"
        for name, of in commands.items()
        if (words := _words(of))
    ]
    return ZSH.format(commands=" ".join(commands), cases="\n".join(cases))


def bash(parser: argparse.ArgumentParser) -> str:
    """Return the script for bash; where no word of ours fits, it completes file names."""
    commands = _commands(parser)
    cases = [
        f'            {name}) words="{" ".join(_words(of))}" ;;' for name, of in commands.items()
    ]
    return SCRIPT.format(commands=" ".join(commands), cases="\n".join(cases))


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    # Of argparse's own lists there is no public view.
    groups = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    return dict(groups[0].choices)


def _words(command: argparse.ArgumentParser) -> list[str]:
    options = [name for action in command._actions for name in action.option_strings]
    choices = [str(one) for action in command._actions for one in action.choices or ()]
    return [*options, *choices]
