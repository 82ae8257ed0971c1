// A web server for the files of one folder, for this machine alone. Any web page that its user has open can send it requests.
import { realpathSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, relative, sep } from 'node:path';
import sirv from 'sirv';

/** Under another host name, a request may come from a web page whose name resolves to this machine (DNS rebinding). */
const OWN_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/**
 * The parts of a file's path in a folder, by its address; undefined where there is no such file.
 * @param root The real path of the folder.
 */
function fileAt(root, url) {
  try {
    const path = decodeURIComponent(url.replace(/[?#].*$/s, ''));
    const parts = path.replace(/\/$/, '/index.html').split('/').slice(1);
    if (parts.some((part) => /^\.{0,2}$/.test(part))) return undefined;
    const file = realpathSync(join(root, ...parts));
    // A link may lead elsewhere.
    if (!file.startsWith(root + sep) || !statSync(file).isFile()) return undefined;
    return relative(root, file).split(sep);
  } catch {
    // Not decodable, a zero byte, too long a name, a file instead of a folder, nothing at all.
    return undefined;
  }
}

function refuse(response, status, text, headers = {}) {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(`${text}\n`);
}

/** @param send Answers a request that names a file of the folder. */
function answer(root, send, request, response) {
  const { method, url, headers } = request;
  if (!OWN_HOST.test(headers.host ?? '')) return refuse(response, 400, 'This server is for localhost alone.');
  if (method !== 'GET' && method !== 'HEAD')
    return refuse(response, 405, 'Only GET and HEAD are answered.', { allow: 'GET, HEAD' });
  if (!url.startsWith('/')) return refuse(response, 400, 'An address here begins with a slash.');
  const file = fileAt(root, url);
  if (!file) return refuse(response, 404, 'There is no such file.');
  request.url = `/${file.map(encodeURIComponent).join('/')}`;
  // A server may answer with the whole of a file; sirv throws at a range whose end is before its start.
  delete headers.range;
  response.on('pipe', (content) => {
    content.on('error', () => response.destroy());
    response.on('close', () => content.destroy());
  });
  send(request, response, () => refuse(response, 404, 'There is no such file.'));
}

/**
 * Serves a folder on localhost. Its files may change meanwhile.
 * @param folder An absolute path.
 * @param port Any free port is used where this one is taken.
 * @returns The address, and a function that ends the server.
 */
export async function serve(folder, port) {
  const root = realpathSync(folder);
  const send = sirv(root, { dev: true, etag: true, extensions: [] });
  const server = createServer((request, response) => {
    response.setHeader('x-content-type-options', 'nosniff');
    try {
      answer(root, send, request, response);
    } catch {
      // The file was removed between two accesses.
      if (response.headersSent) response.destroy();
      else refuse(response, 404, 'There is no such file.');
    }
  });
  const listen = (at) =>
    new Promise((resolve, reject) => server.once('error', reject).listen(at, '127.0.0.1', resolve));
  await listen(port).catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error;
    return listen(0);
  });
  // A connection that cannot be accepted, for example without a free file descriptor, does not end others.
  server.on('error', () => {});
  return {
    address: `http://localhost:${server.address().port}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
