/** Keeps one version of the kiosk's page, whole, for when the server is away. The server fills in the first lines. */
const VERSION = '__VERSION__';
const FILES = [/* FILES */];

const CACHE = `vizavi-kiosk-${VERSION}`;
const TEXTS = 'vizavi-kiosk-texts';
const PAGE = '/kiosk/';
const BOOT = '/kiosk/boot.js';
const PATIENCE_MS = 2000;

addEventListener('install', (event) => {
  event.waitUntil(install());
});
addEventListener('activate', (event) => {
  event.waitUntil(activate());
});
addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET') return;
  if (request.mode === 'navigate') event.respondWith(page(request));
  else if (origin === location.origin && pathname.startsWith('/kiosk/')) event.respondWith(file(request));
  else if (pathname.endsWith('.json')) event.respondWith(texts(request));
});

async function install() {
  const cache = await caches.open(CACHE);
  const html = await fetch(PAGE, { cache: 'no-cache' });
  if (html.headers.get('x-kiosk-version') !== VERSION)
    throw new Error('the server has another version by now');
  await cache.put(PAGE, html);
  await cache.add(new Request(BOOT, { cache: 'no-cache' }));
  await cache.addAll(FILES.map((name) => new Request(`/kiosk/${VERSION}/${name}`, { cache: 'no-cache' })));
  await skipWaiting();
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith('vizavi-kiosk-') && name !== CACHE && name !== TEXTS) await caches.delete(name);
  }
  await clients.claim();
}

/** The server's page: it may be a newer one. */
async function page(request) {
  try {
    // By its address: a navigation itself cannot be given a time limit.
    const response = await fetch(request.url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.status < 500) return response;
  } catch {
    // The server is away, or too slow.
  }
  return (await caches.match(PAGE, { cacheName: CACHE })) ?? Response.error();
}

/** An address with a version in it always means the same. */
async function file(request) {
  return (await caches.match(request, { cacheName: CACHE })) ?? fetch(request);
}

async function texts(request) {
  const cache = await caches.open(TEXTS);
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request);
    if (kept) return kept;
    throw error;
  }
}
