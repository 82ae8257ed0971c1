/**
 * The script of an explanation's page. The page contains the source text of these functions, so they may use only their arguments,
 * the other functions and constants of this file, and what every browser has.
 */

/** The data of the page's script, in the text's order. */
export interface PageData {
  /** Each word's text, tag and first token. Words follow each other without gaps. */
  words: { text: string; tag: string; first: number }[];
  /** What the tags of the words mean. */
  meanings: Record<string, string>;
  tokens: number;
  /** Tokens in the layout's order. */
  order: number[];
  /** For each rule set of the heads: the distinct rows of kinds of pairs, a digit a key, and the index of each token's row. */
  views: { rows: string[]; rowOf: number[] }[];
  /** The heads that are on the page. */
  heads: HeadData[];
}

/** The attention of one head. */
export interface HeadData {
  name: string;
  view: number;
  /** A character for each pair that exists, row by row: one of DIGITS. */
  probabilities: string;
}

/** The digits of attention, from none to all of it, in steps of its square root. */
export const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** A head's attention, [tokens][tokens]: probabilities, or -1 where a pair does not exist. */
export function decodedAttention(data: PageData, { view, probabilities }: HeadData): number[][] {
  const { rows, rowOf } = data.views[view];
  let at = 0;
  return rowOf.map((row) =>
    [...rows[row]].map((kind) =>
      kind === '0' ? -1 : (DIGITS.indexOf(probabilities[at++]) / (DIGITS.length - 1)) ** 2,
    ),
  );
}

/** The cells of a matrix as a path for each of eight shades, the lightest first. */
export function shadePaths(attention: readonly (readonly number[])[]): string[] {
  const paths = Array.from({ length: 8 }, () => '');
  attention.forEach((row, query) => {
    for (let from = 0; from < row.length; from++) {
      if (row[from] < 0) continue;
      const shade = Math.min(7, Math.floor(Math.sqrt(row[from]) * 8));
      let to = from + 1;
      while (to < row.length && row[to] >= 0 && Math.min(7, Math.floor(Math.sqrt(row[to]) * 8)) === shade)
        to++;
      paths[shade] += `M${from} ${query}.5h${to - from}`;
      from = to - 1;
    }
  });
  return paths;
}

/** The smallest attention that is drawn as an arc. */
export const LEAST_ARC = 0.05;

/** In units of the picture: the height of a word, the edges of the column of words, and the depth of the longest arc. */
export const ARCS = { pitch: 16, left: 140, right: 260, deepest: 178 };

/**
 * Arcs from queries to keys beside a column of words, as a path for each of four strengths, the weakest first. Arcs to earlier
 * tokens are at the left, arcs to later ones at the right. A short stroke is a token that attends to itself.
 * @param only The queries whose arcs are drawn; all by default.
 */
export function arcPaths(
  attention: readonly (readonly number[])[],
  least = LEAST_ARC,
  only?: readonly number[],
): string[] {
  const { pitch, left, right, deepest } = ARCS;
  const paths = ['', '', '', ''];
  const queries = only ?? attention.map((_, query) => query);
  for (const query of queries) {
    attention[query].forEach((weight, key) => {
      if (weight < least) return;
      const strength = Math.min(3, Math.floor(weight * 4));
      const [from, to] = [query * pitch + pitch / 2, key * pitch + pitch / 2];
      if (query === key) {
        paths[strength] += `M${right} ${from}h6`;
        return;
      }
      // Longer arcs are deeper, by the square root, so that the longest ones stay apart.
      const share = Math.sqrt(Math.abs(query - key) / attention.length);
      const depth = Math.round(12 + (deepest - 12) * share) * (key < query ? -1 : 1);
      const edge = key < query ? left : right;
      paths[strength] += `M${edge} ${from}C${edge + depth} ${from} ${edge + depth} ${to} ${edge} ${to}`;
    });
  }
  return paths;
}

/** Makes the page interactive: a hovered or focused word shows what it may and does attend to, and heads can be chosen. */
export function interact(document: Document): void {
  const data: PageData = JSON.parse(document.getElementById('explained')!.textContent!);
  const words = Array.from(document.querySelectorAll<HTMLElement>('[data-word]'));
  const status = document.getElementById('word-status')!;
  const kindNames = ['absent', 'hard', 'soft', 'plain'];
  const nextOf = (word: number) => data.words[word + 1]?.first ?? data.tokens;
  const tokensOf = (word: number) => {
    const { first } = data.words[word];
    return Array.from({ length: nextOf(word) - first }, (_, at) => first + at);
  };
  let head = data.heads.length > 0 ? Number(document.getElementById('attention')!.dataset.head) : -1;
  let attention = head < 0 ? undefined : decodedAttention(data, data.heads[head]);
  let shown = -1;

  const strongest = (query: number, key: number) => {
    const { rows, rowOf } = data.views[head < 0 ? 0 : data.heads[head].view];
    const kinds = tokensOf(query).flatMap((row) => tokensOf(key).map((column) => rows[rowOf[row]][column]));
    return Number(['1', '2', '3'].find((kind) => kinds.includes(kind)) ?? 0);
  };
  /** The attention of one word to another: the sum over the key's tokens, the mean over the query's. */
  const wordAttention = (query: number, key: number) => {
    const rows = tokensOf(query);
    const weights = rows.flatMap((row) =>
      tokensOf(key).map((column) => Math.max(0, attention![row][column])),
    );
    return weights.reduce((sum, weight) => sum + weight, 0) / rows.length;
  };
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const drawArcs = (selector: string, paths: string[]) => {
    document.querySelectorAll(selector).forEach((path, at) => {
      path.setAttribute('d', paths[at]);
    });
  };
  const markRows = (word: number) => {
    for (const plot of Array.from(document.querySelectorAll<SVGGElement>('[data-order]'))) {
      plot.querySelectorAll('.row-mark').forEach((old) => {
        old.remove();
      });
      if (word < 0) continue;
      const side = Number(plot.dataset.side);
      for (const token of tokensOf(word)) {
        const row = plot.dataset.order === 'sorted' ? data.order.indexOf(token) : token;
        const mark = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
        mark.setAttribute('class', 'row-mark');
        mark.setAttribute('y', String((row * side) / data.tokens));
        mark.setAttribute('width', String(side));
        mark.setAttribute('height', String(side / data.tokens));
        plot.append(mark);
      }
    }
  };
  const describe = (word: number) => {
    const seen = data.words.map((_, key) => key).filter((key) => strongest(word, key) > 0);
    const { text, tag } = data.words[word];
    const meaning = data.meanings[tag];
    const may = `${text} (${tag}${meaning === tag ? '' : `, ${meaning}`}) may attend to ${seen.length} of ${data.words.length} words`;
    const few = seen.slice(0, 12).map((key) => data.words[key].text);
    if (!attention) return `${may}: ${few.join(' ')}${seen.length > few.length ? ' …' : ''}`;
    const most = seen
      .map((key) => ({ key, share: wordAttention(word, key) }))
      .sort((a, b) => b.share - a.share);
    const listed = most.slice(0, 5).map(({ key, share }) => `${data.words[key].text} ${percent(share)}`);
    return `${may}. ${data.heads[head].name}: most to ${listed.join(', ')}`;
  };
  const show = (word: number) => {
    shown = word;
    words.forEach((element, key) => {
      const kind = word < 0 ? '' : kindNames[strongest(word, key)];
      element.dataset.sees = kind;
      const share = word >= 0 && attention ? wordAttention(word, key) : 0;
      element.style.setProperty('--given', percent(share));
      element.dataset.given = share >= 0.005 ? percent(share) : '';
    });
    document.body.classList.toggle('looking', word >= 0);
    status.textContent = word < 0 ? status.dataset.idle! : describe(word);
    markRows(word);
    if (attention)
      drawArcs(
        '.arcs-of-word path',
        word < 0 ? ['', '', '', ''] : arcPaths(attention, 0.005, tokensOf(word)),
      );
  };
  words.forEach((element, word) => {
    element.addEventListener('mouseenter', () => show(word));
    element.addEventListener('focus', () => show(word));
    element.addEventListener('mouseleave', () => show(words.indexOf(document.activeElement as HTMLElement)));
    element.addEventListener('blur', () => show(-1));
  });
  // Heads that can be seen before their data are here belong to an earlier text.
  const inputs =
    data.heads.length > 0 ? document.querySelectorAll<HTMLInputElement>('input[name="head"]') : [];
  for (const input of Array.from(inputs)) {
    input.disabled = false;
    input.addEventListener('change', () => {
      head = Number(input.value);
      attention = decodedAttention(data, data.heads[head]);
      document.getElementById('head-name')!.textContent = data.heads[head].name;
      drawArcs('.arcs path', arcPaths(attention));
      drawArcs('.shades path', shadePaths(attention));
      show(shown);
    });
  }
  show(-1);
}

/** The page's script. */
export function pageScript(): string {
  const functions = [decodedAttention, shadePaths, arcPaths, interact].map((each) => each.toString());
  const constants = Object.entries({ DIGITS, LEAST_ARC, ARCS }).map(
    ([name, value]) => `const ${name} = ${JSON.stringify(value)};`,
  );
  return `${[...constants, ...functions].join('\n')}\ninteract(document);`;
}
