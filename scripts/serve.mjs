// A web server for the files of one folder, for this machine alone.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
};

/** The file of a folder that an address names, or undefined where it names none. */
function fileAt(folder, url) {
  let path;
  try {
    path = normalize(join(folder, decodeURIComponent(new URL(url, 'http://localhost').pathname)));
  } catch {
    return undefined;
  }
  if (path !== normalize(folder) && !path.startsWith(join(folder, sep))) return undefined;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return fileAt(folder, `${url.replace(/\/$/, '')}/index.html`);
  return stat?.isFile() ? { path, size: stat.size } : undefined;
}

/**
 * Serves a folder on this machine's own address.
 * @param folder An absolute path.
 * @param port The one to begin with; any that is free where it is taken.
 * @returns The address, and what ends the server.
 */
export async function serve(folder, port) {
  const server = createServer((request, response) => {
    const file = fileAt(folder, request.url);
    if (!file)
      return response.writeHead(404, { 'content-type': 'text/plain' }).end('There is no such file.\n');
    const type = TYPES[extname(file.path)] ?? 'application/octet-stream';
    response.writeHead(200, {
      'content-type': type,
      'content-length': file.size,
      'cache-control': 'no-cache',
    });
    if (request.method === 'HEAD') return response.end();
    createReadStream(file.path).pipe(response);
  });
  const listen = (at) =>
    new Promise((resolve, reject) => server.once('error', reject).listen(at, '127.0.0.1', resolve));
  await listen(port).catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error;
    return listen(0);
  });
  return {
    address: `http://localhost:${server.address().port}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
