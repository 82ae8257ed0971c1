// The conditions of the kernels' modules: @if, @elif and @else (WESL's conditional translation).

/** What an @if may ask for. */
export const CONDITIONS = ['SPARSE', 'BACKWARD', 'TRANSPOSED', 'SUBGROUP', 'COUNTING'];

/** The text with every comment as blanks, so that positions in it are positions in the text. */
export function withoutComments(text) {
  return text.replace(/\/\/.*/g, (comment) => ' '.repeat(comment.length));
}

/** The value of an @if's expression of names, !, && and ||. */
function isTrue(expression, conditions, fail) {
  const names = expression.match(/\w+/g) ?? [];
  const unknown = names.find((name) => !CONDITIONS.includes(name));
  if (unknown) fail(`there is no condition "${unknown}": expected ${CONDITIONS.join(' or ')}`);
  // Alternatives of terms, without parentheses: what the modules need.
  const term = (text) => {
    const [, negated, name] =
      /^\s*(!?)\s*(\w+)\s*$/.exec(text) ?? fail(`"${expression}" is not made of names, !, && and ||`);
    return conditions.includes(name) !== (negated === '!');
  };
  return expression.split('||').some((alternative) => alternative.split('&&').every(term));
}

/** Where the declaration, statement, member or block that begins at `from` ends. */
function endOfConstruct(bare, from) {
  let depth = 0;
  let templates = 0;
  for (let at = from; at < bare.length; at++) {
    const character = bare[at];
    // A template, as in array<f32, 4>. Comparisons have blanks around them.
    const opens = character === '<' && /\w<\w/.test(bare.slice(at - 1, at + 2));
    if (opens) templates++;
    else if (character === '>' && templates > 0) templates--;
    if ('([{'.includes(character)) depth++;
    if (')]}'.includes(character)) {
      if (depth === 0) return at;
      depth--;
      if (character === '}' && depth === 0 && !/^\s*else\b/.test(bare.slice(at + 1))) return at + 1;
    }
    if (depth === 0 && (character === ';' || (character === ',' && templates === 0))) return at + 1;
  }
  return bare.length;
}

/**
 * The lines of a module that are left under some conditions, each with the module's name and its number there. A line without
 * remaining text is removed, and so is the comment above a removed construct.
 *
 * @throws Error with module and line where an @if cannot be read.
 */
export function conditioned(module, text, conditions) {
  const bare = withoutComments(text);
  const dropped = new Uint8Array(text.length + 1);
  const lineAt = (at) => text.slice(0, at).split('\n').length;
  const removed = new Set(); // the first lines of removed constructs
  let chain = { end: -1, taken: false };
  const branch = /@(if|elif|else)\b(?:\(([^)]*)\))?[ \t]*\n?/g;
  for (let found = branch.exec(bare); found; found = branch.exec(bare)) {
    const [attribute, kind, expression = ''] = found;
    const fail = (what) => {
      throw new Error(`kernels/${module}.wesl:${lineAt(found.index)}: ${what}`);
    };
    const follows = chain.end >= 0 && bare.slice(chain.end, found.index).trim() === '';
    if (kind !== 'if' && !follows) fail(`@${kind} has no @if before it`);
    const taken = kind !== 'if' && chain.taken;
    const chosen = !taken && (kind === 'else' || isTrue(expression, conditions, fail));
    const begin = found.index + attribute.length;
    const end = endOfConstruct(bare, begin);
    // One of the two blanks around the removed text stays.
    const blank = bare[found.index - 1] === ' ' && bare[end] === ' ' ? 1 : 0;
    dropped.fill(1, found.index, chosen ? begin : end + blank);
    chain = { end, taken: taken || chosen };
    if (chosen) continue;
    // Conditions inside of removed text are skipped.
    branch.lastIndex = end;
    if (kind === 'if' && !/^\s*@(elif|else)\b/.test(bare.slice(end))) removed.add(lineAt(found.index));
  }
  const lines = [];
  let start = 0;
  text.split('\n').forEach((line, index) => {
    const left = [...line]
      .filter((_, column) => !dropped[start + column])
      .join('')
      .trimEnd();
    const touched = dropped.subarray(start, start + line.length + 1).includes(1);
    const stays = !touched || withoutComments(left).trim() !== '';
    if (stays) lines.push({ module, line: index + 1, text: left });
    else if (removed.has(index + 1)) while (/^\s*\/\//.test(lines.at(-1)?.text)) lines.pop();
    start += line.length + 1;
  });
  return lines;
}
