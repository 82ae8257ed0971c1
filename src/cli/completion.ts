import { Argument, Command, type Option } from 'commander';
import { print } from './terminal.js';

/** The scripts by which a shell asks `parsimony complete` for the next word. Without candidates it offers files. */
const SCRIPTS = {
  bash: `_parsimony() {
  local IFS=$'\\n'
  COMPREPLY=($(parsimony complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _parsimony parsimony`,
  zsh: `#compdef parsimony
_parsimony() {
  local -a lines values shown
  lines=(\${(f)"$(parsimony complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  values=(\${lines%%$'\\t'*})
  shown=(\${lines/$'\\t'/  })
  if (( $#values )); then compadd -l -d shown -a values; else _files; fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef _parsimony parsimony`,
  fish: `function __parsimony
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l lines (parsimony complete -- $words[2..-1] "$current" 2>/dev/null)
  if test (count $lines) -gt 0
    printf '%s\\n' $lines
  else
    set -l flag (string match -r '^--[\\w-]+=' -- "$current")
    printf '%s\\n' "$flag"(__fish_complete_path (string replace -- "$flag" '' "$current"))
  end
end
complete -c parsimony -f -a '(__parsimony)'`,
} as const;

const EXAMPLE = `
Example:
  $ parsimony completion bash >> ~/.bashrc
  $ parsimony completion zsh >> ~/.zshrc
  $ parsimony completion fish > ~/.config/fish/completions/parsimony.fish

The shell then completes commands, options and their choices, where "parsimony" is on its path (npm install --global).`;

export function completionCommand(command: Command): void {
  command
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', EXAMPLE)
    .action((shell: keyof typeof SCRIPTS) => print(SCRIPTS[shell]));
}

/** `parsimony complete`, which the scripts call. */
export function completeCommand(root: Command): Command {
  return new Command('complete')
    .argument('[words...]', 'the words of a command line, the last of them as far as it is typed')
    .action((words: string[]) => {
      const lines = completions(root, words).map(({ value, description }) => `${value}\t${description}\n`);
      // Not `print`, which escapes tabs.
      process.stdout.write(lines.join(''));
    });
}

interface Completion {
  value: string;
  description: string;
}

function isVisible({ hidden, long }: Option): boolean {
  return !hidden && long !== undefined;
}

/** The words that may complete the last of some words: commands, options, or the choices of an option or an argument. */
function completions(root: Command, words: readonly string[]): Completion[] {
  const help = root.createHelp();
  const typed = words.at(-1) ?? '';
  const [, flag, value] = /^(--[\w-]+)=(.*)$/.exec(typed) ?? [];
  if (flag) {
    const values = completions(root, [...words.slice(0, -1), flag, value]);
    return values.map((each) => ({ ...each, value: `${flag}=${each.value}` }));
  }
  let command = root;
  let pending: Option | undefined;
  // bash makes "=" a word of its own.
  for (const word of words.slice(0, -1).filter((each) => each !== '=')) {
    if (pending?.required) {
      pending = undefined;
      continue;
    }
    const option = command.options.find(({ long, short }) => long === word || short === word);
    pending = option?.required || option?.optional ? option : undefined;
    if (!option) command = command.commands.find((each) => each.name() === word) ?? command;
  }
  const describe = (value: string): Completion => ({ value, description: '' });
  const candidates = (): Completion[] => {
    if (typed.startsWith('-') && !pending?.required) {
      const options = help.visibleOptions(command).filter(isVisible);
      return options.map((option) => ({ value: option.long!, description: option.description }));
    }
    if (pending) return (pending.argChoices ?? []).map(describe);
    const choices = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
    const commands = help.visibleCommands(command);
    return [
      ...commands.map((each) => ({ value: each.name(), description: each.description() })),
      ...choices.map(describe),
    ];
  };
  return candidates().filter(({ value }) => value.startsWith(typed) && typed !== '=');
}
