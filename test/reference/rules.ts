/** The method as section 2 of the design words it, pair by pair. It shares no code with what it tests. */
export interface Rules {
  tags: readonly (string | number)[];
  hard: readonly (readonly [query: string | number, key: string | number])[];
  soft: readonly (readonly [query: string | number, key: string | number])[];
  beta: number;
}

/** For a pair of tokens with these tag indexes: what is added to its score, or undefined where it does not exist. */
export function pairBias(
  { tags, hard, soft, beta }: Rules,
  strategy: 'none' | 'hard' | 'soft' | 'guided',
  query: number,
  key: number,
): number | undefined {
  const matches = (pairs: Rules['hard']) => pairs.some(([q, k]) => q === tags[query] && k === tags[key]);
  const isHard = matches(hard);
  const isSoft = matches(soft) && !isHard;
  switch (strategy) {
    case 'none':
      return 0;
    case 'hard':
      return isHard ? 0 : undefined;
    case 'soft':
      return isSoft ? beta : 0;
    case 'guided':
      return isHard ? 0 : isSoft ? beta : undefined;
  }
}
