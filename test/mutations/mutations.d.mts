/** A fault that a change could introduce. */
export interface Mutation {
  name: string;
  file: string;
  /** Text that occurs once in the file, and its replacement. */
  find: string;
  replace: string;
  /** The test file that must fail, and which of its tests, by a pattern; all by default. */
  tests: string;
  only?: string;
}

export const MUTATIONS: readonly Mutation[];
