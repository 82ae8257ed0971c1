import { CallerError } from '../../../base/errors.js';

/** A Redis server, as ioredis takes it. */
export interface QueueAddress {
  host: string;
  port: number;
  db: number;
  username?: string;
  password?: string;
  tls?: object;
}

const EXPECTED = 'redis://[user:password@]host[:port][/database], or rediss:// for TLS';

/**
 * Parses the address of a queue.
 * @param where The flag or variable that it is from.
 * @throws CallerError, which does not have the address, as it may have a password.
 */
export function parseQueueAddress(text: string, where: string): QueueAddress {
  const refuse = (what: string): never => {
    throw new CallerError({ what, where, expected: EXPECTED });
  };
  const url = URL.canParse(text) ? new URL(text) : refuse('not a URL');
  if (!['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') refuse('a URL of another kind');
  if (!/^(\/\d*)?$/.test(url.pathname) || url.search !== '' || url.hash !== '')
    refuse('a URL with more than a database after the host');
  const decoded = (part: string) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return refuse('a user or password with a % that starts no escape, which is written %25');
    }
  };
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    db: Number(url.pathname.slice(1) || 0),
    ...(url.username && { username: decoded(url.username) }),
    ...(url.password && { password: decoded(url.password) }),
    ...(url.protocol === 'rediss:' && { tls: { servername: url.hostname } }),
  };
}

/** An address without its user and password. */
export function publicAddress({ host, port, db, tls }: QueueAddress): string {
  return `${tls ? 'rediss' : 'redis'}://${host.includes(':') ? `[${host}]` : host}:${port}/${db}`;
}
