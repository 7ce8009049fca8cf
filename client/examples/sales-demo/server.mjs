/**
 * The server of a company that presents with vizavi: it keeps the API key, opens sessions, serves the deck, and hands out
 * links. The browsers hold short-lived tokens only.
 *
 *   VIZAVI_URL=https://avatars.example.com VIZAVI_API_KEY=… node server.mjs
 */
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const {
  VIZAVI_URL = 'http://localhost:8080',
  /** None is needed for a vizavi in development mode on this machine. */
  VIZAVI_API_KEY = '',
  HOST = '127.0.0.1',
  PORT = '8090',
  /** How browsers reach this server. */
  PUBLIC_URL = '',
  /** Who knows it may present. On this machine alone nobody is asked. */
  PRESENTER_PASSWORD = '',
} = process.env;
const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];
const DECK = fileURLToPath(new URL('./deck/', import.meta.url));
const TYPES = {
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
};
const SHOW_SLIDE = {
  name: 'show_slide',
  description: 'Shows a slide of the deck to everybody.',
  parameters: {
    type: 'object',
    properties: { number: { type: 'integer', minimum: 1 } },
    required: ['number'],
  },
};

/** Sessions by the two names that links give them: who may watch cannot guess how to present. */
const sessions = { watch: new Map(), desk: new Map() };

if (PRESENTER_PASSWORD === '' && !LOOPBACK.includes(HOST)) {
  console.error(
    'Set PRESENTER_PASSWORD: others reach this server at its HOST, and each session takes an avatar.',
  );
  process.exit(1);
}
const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    if (!(error instanceof Refusal)) console.error(error);
    const status = error instanceof Refusal ? error.status : 500;
    send(response, status, page(error instanceof Refusal ? error.message : 'Something went wrong.'));
  });
});
server.listen(Number(PORT), HOST, () => console.log(`Present at ${ownUrl()}`));

async function answer(request, response) {
  const { method } = request;
  const { pathname } = new URL(request.url, 'http://any');
  const [, what, name = ''] = pathname.split('/');
  const session = sessions[what]?.get(name);
  if (method === 'GET' && pathname === '/') {
    askPassword(request, response) && send(response, 200, page('', START));
  } else if (method === 'POST' && what === 'sessions') {
    if (!askPassword(request, response)) return;
    // A page of somebody else must not make this browser open sessions.
    const site = request.headers['sec-fetch-site'] ?? 'same-origin';
    if (site !== 'same-origin') throw new Refusal(403, 'Not from another site.');
    redirect(response, await deskOf(await open()));
  } else if (method === 'GET' && what === 'deck' && name !== '') {
    await sendFile(response, name);
  } else if (method === 'GET' && what === 'desk' && session) {
    if (askPassword(request, response)) redirect(response, await deskOf(session));
  } else if (method === 'GET' && what === 'watch' && session) {
    const { token, url } = await tokenFor(session, 'audience');
    redirect(response, `${url}/present/watch#token=${token}`);
  } else {
    throw new Refusal(404, 'There is nothing here. The presentation may be over.');
  }
}

/** One session is one avatar, however many watch. */
async function open() {
  const { avatar, instructions } = JSON.parse(await readFile(`${DECK}deck.json`, 'utf8'));
  const { sessionId, expiresAt } = await vizavi('/v1/sessions', {
    ...(avatar && { avatarId: avatar }),
    ...(instructions && { instructions }),
    tools: [SHOW_SLIDE],
  });
  const session = { sessionId, desk: randomUUID(), watch: randomUUID() };
  for (const kind of ['desk', 'watch']) sessions[kind].set(session[kind], session);
  const forget = () => ['desk', 'watch'].forEach((kind) => sessions[kind].delete(session[kind]));
  setTimeout(forget, Date.parse(expiresAt) - Date.now()).unref();
  return session;
}

async function deskOf(session) {
  const { token, url } = await tokenFor(session, 'presenter');
  const own = ownUrl();
  const desk = new URL(`${url}/present/`);
  desk.searchParams.set('deck', `${own}/deck/deck.json`);
  const links = { audience: `${own}/watch/${session.watch}`, presenter: `${own}/desk/${session.desk}` };
  desk.hash = new URLSearchParams({ token, ...links }).toString();
  return desk.href;
}

function tokenFor({ sessionId }, role) {
  return vizavi(`/v1/sessions/${sessionId}/tokens`, { role });
}

async function vizavi(path, body) {
  const response = await fetch(VIZAVI_URL + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(VIZAVI_API_KEY && { authorization: `Bearer ${VIZAVI_API_KEY}` }),
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(15_000),
  }).catch((cause) => {
    throw new Refusal(502, `vizavi cannot be reached at ${VIZAVI_URL}.`, { cause });
  });
  const answered = await response.json().catch(() => ({}));
  if (response.ok) return answered;
  throw new Refusal(
    response.status === 404 ? 404 : 502,
    answered.error?.message ?? `HTTP ${response.status}`,
  );
}

class Refusal extends Error {
  constructor(status, message, options) {
    super(message, options);
    this.status = status;
  }
}

/** HTTP Basic authentication (RFC 7617); any user name will do. Answers whether to go on. */
function askPassword(request, response) {
  if (PRESENTER_PASSWORD === '') return true;
  const [, encoded = ''] = /^Basic (\S+)$/.exec(request.headers.authorization ?? '') ?? [];
  const given = Buffer.from(encoded, 'base64')
    .toString()
    .replace(/^[^:]*:/, '');
  const hash = (text) => createHash('sha256').update(text).digest();
  if (timingSafeEqual(hash(given), hash(PRESENTER_PASSWORD))) return true;
  response.setHeader('www-authenticate', 'Basic realm="Presenter"');
  send(response, 401, page('Only presenters may do this.'));
  return false;
}

/** Deck and pictures, which pages of vizavi may read: `basename` keeps everything else out. */
async function sendFile(response, name) {
  const type = TYPES[extname(name)];
  const content = type ? await readFile(DECK + basename(name)).catch(() => null) : null;
  if (!content) throw new Refusal(404, 'There is no such file.');
  response.writeHead(200, {
    'content-type': type,
    'access-control-allow-origin': '*',
    'cache-control': 'no-cache',
  });
  response.end(content);
}

function redirect(response, location) {
  response.writeHead(303, { location, 'cache-control': 'no-store' }).end();
}

function send(response, status, html) {
  response
    .writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    .end(html);
}

const START = '<form method="post" action="/sessions"><button>Present</button></form>';

function page(text, form = '') {
  const escaped = text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Presentations</title>
<style>body{font:18px system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;text-align:center}button{font:inherit;padding:.8em 2em;border-radius:.8em}</style>
<h1>Northlight</h1><p>${escaped}</p>${form}`;
}

function ownUrl() {
  // A vizavi in development mode calls itself localhost, and turns other sites away.
  const name = LOOPBACK.includes(HOST) ? 'localhost' : HOST.includes(':') ? `[${HOST}]` : HOST;
  return PUBLIC_URL.replace(/\/+$/, '') || `http://${name}:${server.address().port}`;
}
