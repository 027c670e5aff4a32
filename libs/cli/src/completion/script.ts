export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * A script that asks `vitae complete` at each press of the key, so it never has to be made again. What is answered is a
 * word, a tab and what it is; when nothing is, the shell offers files.
 */
export function completionScript(shell: Shell): string {
  return { bash, zsh, fish }[shell];
}

// bash takes ":", "=" and "@" for the end of a word, and readline then replaces only what stands behind. So the line is cut
// at spaces, and what bash counts as before is taken off the answers again.
const bash = String.raw`# bash completion of vitae:  source <(vitae completion bash)
_vitae_completion() {
  local line=${'$'}{COMP_LINE:0:COMP_POINT} current word about words=()
  read -r -a words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  current=${'$'}{words[-1]}
  local counted=${'$'}{COMP_WORDS[COMP_CWORD]:0:${'$'}{#current}} before=
  [[ $counted == [=:@] ]] && counted=
  [[ $current == *"$counted" ]] && before=${'$'}{current:0:${'$'}{#current}-${'$'}{#counted}}
  COMPREPLY=()
  while IFS=$'\t' read -r word about; do
    [[ -z $word ]] && continue
    printf -v word '%q' "${'$'}{word#"$before"}"
    COMPREPLY+=("$word")
  done < <("${'$'}{words[0]}" complete -- "${'$'}{words[@]}" 2>/dev/null)
  [[ ${'$'}{#COMPREPLY[@]} -eq 1 && ${'$'}{COMPREPLY[0]} == */ ]] && compopt -o nospace
}
complete -o default -F _vitae_completion vitae
`;

const zsh = String.raw`#compdef vitae
# zsh completion of vitae:  vitae completion zsh > "${'$'}{fpath[1]}/_vitae"
_vitae() {
  local word about
  local -a found
  while IFS=$'\t' read -r word about; do
    [[ -z $word ]] && continue
    found+=("${'$'}{word//:/\\:}:$about")
  done < <("${'$'}{words[1]}" complete -- "${'$'}{(@)words[1,CURRENT]}" 2>/dev/null)
  if (( ${'$'}{#found} )); then
    _describe 'vitae' found
  else
    _files
  fi
}
if [[ ${'$'}{funcstack[1]} == _vitae ]]; then _vitae "$@"; else compdef _vitae vitae; fi
`;

const fish = String.raw`# fish completion of vitae:  vitae completion fish > ~/.config/fish/completions/vitae.fish
function __vitae_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] complete -- $words "$current" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete -c vitae -f -a '(__vitae_complete)'
`;
