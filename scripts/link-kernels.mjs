// Links the modules of kernels/ (WESL's syntax: imports and @if, https://wesl-lang.dev) into flat WGSL, a text for each
// kernel and variant. A module's text stays as it is, comments included; only declarations that a kernel uses are taken.
import { conditioned, withoutComments } from './kernel-conditions.mjs';

/**
 * A pass of attention is linked for dense and for sparse attention. In that of keys and values rows are keys and columns are queries: the
 * pass is transposed.
 */
const PASS = /^(attention\/\w+)\/(forward|backward_query|backward_key_value)$/;

const IMPORT = /^import package::([\w:]+)::(?:\{([^}]*)\}|(\w+));/;
const DIRECTIVE = /^(enable|requires|diagnostic)\b[^;]*;/;
const DECLARATION = /^((?:@\w+(?:\([^)]*\))?\s*)*)(fn|struct|alias|const|override|var(?:<[^>]*>)?)\s+(\w+)/;

/** Where the declaration that begins at `from` ends: after its semicolon, or after the brace of a function or struct. */
function endOfDeclaration(bare, from) {
  let depth = 0;
  for (let at = from; at < bare.length; at++) {
    if ('({['.includes(bare[at])) depth++;
    if (')}]'.includes(bare[at])) depth--;
    if (depth === 0 && (bare[at] === ';' || bare[at] === '}')) return at + 1;
  }
  return bare.length;
}

/** The names that a declaration takes from outside: no members, and none that it declares itself. */
function namesUsed(bare, kind) {
  const declared = new Set(
    kind === 'struct' ? [] : [...bare.matchAll(/\b(?:let|var|const)\s+(\w+)/g)].map(([, name]) => name),
  );
  for (const [, name] of bare.matchAll(/(?<![.\w])(\w+)\s*:/g)) declared.add(name);
  return [...new Set([...bare.matchAll(/(?<![.\w@])[a-zA-Z_]\w*/g)].map(([name]) => name))].filter(
    (name) => !declared.has(name),
  );
}

/** What a module declares, imports and asks for, under some conditions. */
function parsed(name, source, conditions) {
  const lines = conditioned(name, source, conditions);
  const text = lines.map((line) => line.text).join('\n');
  const bare = withoutComments(text);
  const module = { name, header: [], directives: [], imports: new Map(), declarations: new Map() };
  const rowOf = (at) => text.slice(0, at).split('\n').length - 1;
  const fail = (row, what) => {
    throw new Error(`kernels/${name}.wesl:${lines[row].line}: ${what}`);
  };
  let rowsTaken = 0;
  while (lines[rowsTaken]?.text.startsWith('//')) rowsTaken++;
  module.header = lines.slice(0, rowsTaken);
  for (let at = bare.search(/\S/); at >= 0 && at < bare.length; ) {
    const rest = bare.slice(at);
    const declared = DECLARATION.exec(rest);
    const imported = IMPORT.exec(rest);
    const end = imported ? at + imported[0].length : endOfDeclaration(bare, at);
    const [first, last] = [rowOf(at), rowOf(end - 1)];
    if (imported) {
      const [, path, list, single] = imported;
      for (const item of (list ?? single)
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean)) {
        if (!/^\w+$/.test(item))
          fail(first, `"${item}" cannot be imported: expected the name of a declaration`);
        module.imports.set(item, { from: path.replaceAll('::', '/'), row: first });
      }
    } else if (DIRECTIVE.test(rest)) {
      module.directives.push(...lines.slice(first, last + 1));
    } else if (declared) {
      let above = rowsTaken;
      while (lines[above].text === '') above++;
      const [, , kind, declaredName] = declared;
      if (module.declarations.has(declaredName)) fail(first, `"${declaredName}" is declared twice`);
      const uses = namesUsed(bare.slice(at, end), kind);
      module.declarations.set(declaredName, {
        kind,
        uses,
        row: first,
        lines: lines.slice(above, last + 1),
        gap: lines[above - 1]?.text === '',
      });
    } else {
      fail(first, `expected a declaration, found "${rest.split('\n')[0].trim()}"`);
    }
    rowsTaken = last + 1;
    const next = bare.slice(end).search(/\S/);
    if (next < 0) break;
    at = end + next;
    if (rowOf(at) === last) fail(last, 'expected a line of its own for each declaration');
  }
  module.fail = fail;
  return module;
}

/**
 * A kernel's lines: the entry's header, directives, and the declarations that its `main` reaches: the entry's first, then those of
 * each imported module.
 */
function linked(entry, moduleOf) {
  const owners = new Map();
  const modules = new Set([entry]);
  const reach = (module, name) => {
    const declaration = module.declarations.get(name);
    if (!declaration) {
      const imported = module.imports.get(name);
      if (!imported) return;
      const source = moduleOf(imported.from);
      if (!source) module.fail(imported.row, `there is no module kernels/${imported.from}.wesl`);
      if (!source.declarations.has(name))
        module.fail(imported.row, `kernels/${imported.from}.wesl declares no "${name}"`);
      reach(source, name);
      return;
    }
    const owner = owners.get(name);
    if (owner === module) return;
    if (owner)
      module.fail(
        declaration.row,
        `"${name}" is declared in kernels/${owner.name}.wesl too, and ${entry.name} uses both`,
      );
    owners.set(name, module);
    modules.add(module);
    for (const used of declaration.uses) reach(module, used);
  };
  reach(entry, 'main');

  const blank = { text: '' };
  const lines = [...entry.header];
  const directives = new Map(
    [...modules].flatMap((module) => module.directives.map((line) => [line.text, line])),
  );
  if (directives.size > 0) lines.push(blank, ...directives.values());
  for (const module of modules) {
    if (module !== entry) lines.push(blank, { text: `// ---- ${module.name}.wesl` }, ...module.header);
    for (const [name, declaration] of module.declarations) {
      if (owners.get(name) !== module) continue;
      if (declaration.gap && lines.length > 0 && lines.at(-1).text !== '') lines.push(blank);
      lines.push(...declaration.lines);
    }
  }
  return lines;
}

/** The origins of consecutive lines: [line of the linked text, module, line there] for each part from one module. */
function originsOf(lines) {
  const origins = [];
  lines.forEach(({ module, line }, index) => {
    if (!module) return;
    const [start, last, first] = origins.at(-1) ?? [];
    if (last !== module || line - first !== index + 1 - start) origins.push([index + 1, module, line]);
  });
  return origins;
}

/** The kernels of an entry: names and conditions, without COUNTING and those of its family. */
function variantsOf(name) {
  const [, folder, pass] = PASS.exec(name) ?? [];
  if (!pass) return [{ name, conditions: [] }];
  const ofPass = pass === 'forward' ? [] : ['BACKWARD'];
  if (pass === 'backward_key_value') ofPass.push('TRANSPOSED');
  return [
    { name: `${folder}/dense_${pass}`, conditions: ofPass },
    { name: `${folder}/sparse_${pass}`, conditions: ['SPARSE', ...ofPass] },
  ];
}

/** Families of kernels that have every operation, and the conditions of their modules. */
const FAMILIES = { wide: [], subgroup: ['SUBGROUP'] };

/** A folder of one family, or of kernels with subgroup matrices. */
const FAMILY_FOLDER = /\/(wide|subgroup|matrix)\//;

/** The name of one family's kernel of a module that both families use. */
function inFamily(name, family) {
  return name.replace(/(\w+)$/, `${family}/$1`);
}

/**
 * Every kernel: the modules with a compute entry point, in each of their variants. A module that is in neither family's
 * folder becomes a kernel of each, if it asks for SUBGROUP. A kernel with a module that asks for COUNTING has one more variant,
 * with "_counting" after the name.
 *
 * @param sources Text by module, named as its path below kernels/ without its ending.
 * @returns Name, text, and where its lines come from, sorted by name.
 * @throws Error with module and line where a module cannot be linked.
 */
export function linkKernels(sources) {
  const kernels = new Map();
  const modules = new Map();
  const textOf = (entry, conditions) => {
    const moduleOf = (path) => {
      const key = `${path} ${conditions}`;
      if (!modules.has(key) && sources.has(path))
        modules.set(key, parsed(path, sources.get(path), conditions));
      return modules.get(key);
    };
    const lines = linked(moduleOf(entry), moduleOf);
    return { code: `${lines.map(({ text }) => text).join('\n')}\n`, origins: originsOf(lines) };
  };
  const add = (entry, name, conditions) => {
    const plain = textOf(entry, conditions);
    const counting = textOf(entry, [...conditions, 'COUNTING']);
    kernels.set(name, { name, ...plain });
    if (counting.code !== plain.code)
      kernels.set(`${name}_counting`, { name: `${name}_counting`, ...counting });
  };
  for (const [entry, source] of sources) {
    if (!/^@compute\b/m.test(withoutComments(source))) continue;
    const [, folder] = FAMILY_FOLDER.exec(entry) ?? [];
    for (const { name, conditions } of variantsOf(entry)) {
      if (folder) {
        add(entry, name, [...conditions, ...(FAMILIES[folder] ?? [])]);
        continue;
      }
      const families = Object.entries(FAMILIES).map(([family, asked]) => [family, [...conditions, ...asked]]);
      const texts = new Set(families.map(([, all]) => textOf(entry, all).code));
      if (texts.size === 1) add(entry, name, conditions);
      else for (const [family, all] of families) add(entry, inFamily(name, family), all);
    }
  }
  return [...kernels.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
