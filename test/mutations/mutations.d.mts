/** A fault that somebody could write. */
export interface Mutation {
  name: string;
  file: string;
  /** What stands once in the file, and what takes its place. */
  find: string;
  replace: string;
  /** The test file that must fail, and which of its tests, by a pattern; all where left out. */
  tests: string;
  only?: string;
}

export const MUTATIONS: readonly Mutation[];
