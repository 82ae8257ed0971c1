declare module 'fs-native-extensions' {
  /**
   * Locks a whole file for an open descriptor, for as long as that is open.
   * @returns Whether it could: false where another descriptor, of this process or another, holds a lock.
   */
  export function tryLock(descriptor: number): boolean;
}
