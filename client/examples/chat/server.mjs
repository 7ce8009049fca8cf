/**
 * A small shop's own web server. It keeps the API key and gives each visitor's browser a token; that is all that a site
 * has to do for an avatar.
 *
 *   VIZAVI_URL=https://avatars.example.com VIZAVI_API_KEY=… node server.mjs
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const {
  VIZAVI_URL = 'http://localhost:8080',
  /** None is needed for a vizavi in development mode on this machine. */
  VIZAVI_API_KEY = '',
  HOST = '127.0.0.1',
  PORT = '8091',
} = process.env;
const SITE = fileURLToPath(new URL('./site/', import.meta.url));
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
};

/** What the avatar is to be here: the browser cannot change it. */
const SESSION = {
  avatarId: 'mira',
  instructions:
    'You are Mira, who advises the customers of Lindgren Bikes, a small bicycle shop with a workshop. ' +
    'You are friendly and brief. When somebody wants to come by, show the opening hours on the page.',
  tools: [
    {
      name: 'show_section',
      description: 'Scrolls the page to a section.',
      parameters: {
        type: 'object',
        properties: { section: { type: 'string', enum: ['bikes', 'workshop', 'hours'] } },
        required: ['section'],
      },
    },
  ],
  idleTimeoutSec: 120,
};

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error.message);
    if (!response.headersSent) response.writeHead(502, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { code: 'unavailable', message: 'the avatar cannot be reached' } }));
  });
});
server.listen(Number(PORT), HOST, () => {
  const name = HOST === '127.0.0.1' ? 'localhost' : HOST;
  console.log(`The shop is open at http://${name}:${server.address().port}`);
});

async function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://any');
  if (request.method === 'POST' && pathname === '/avatar-token') {
    const { status, body } = await openSession();
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(body);
    return;
  }
  const name = pathname === '/' ? 'index.html' : basename(pathname);
  const content = await readFile(SITE + name).catch(() => null);
  if (request.method !== 'GET' || !content) {
    response.writeHead(404).end('There is nothing here.');
    return;
  }
  const type = TYPES[extname(name)] ?? 'application/octet-stream';
  // The page names the avatar's server; a site of your own would have its address written there.
  const text = type.startsWith('text/html')
    ? content.toString().replaceAll('{{vizavi}}', VIZAVI_URL)
    : content;
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' }).end(text);
}

/** `{token, …}` of a new session, or the error that says why there is none. */
async function openSession() {
  const answered = await fetch(`${VIZAVI_URL}/v1/sessions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(VIZAVI_API_KEY && { authorization: `Bearer ${VIZAVI_API_KEY}` }),
    },
    body: JSON.stringify(SESSION),
    signal: AbortSignal.timeout(15_000),
  });
  return { status: answered.status, body: await answered.text() };
}
