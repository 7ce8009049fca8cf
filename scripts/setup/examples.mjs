import { randomBytes } from 'node:crypto';
import { fail, say } from './console.mjs';
import { runNode } from './processes.mjs';

const HOME = 'client/examples';
/** Each with what the avatar is to know, and where to look. */
const EXAMPLES = {
  chat: { knowledge: `${HOME}/chat/knowledge`, ownServer: true, port: '8091', says: 'the shop' },
  'sales-demo': {
    knowledge: `${HOME}/sales-demo/knowledge`,
    ownServer: true,
    port: '8090',
    says: 'the presenter’s start page',
  },
  kiosk: { knowledge: undefined, ownServer: false, path: '/kiosk/', says: 'the kiosk' },
};

/**
 * `npm run example NAME`: vizavi and, where the example has one, the server of the site that uses it, with a key between them
 * as in production. Both end together. `PORT` is vizavi's port, `EXAMPLE_PORT` the site's.
 * @param {import('./context.mjs').Context} context
 * @param {string[]} args
 * @returns {Promise<number>}
 */
export async function runExample(context, [name]) {
  const example = Object.hasOwn(EXAMPLES, name ?? '') ? EXAMPLES[name] : null;
  if (!example)
    fail(
      name ? `there is no example ${name}` : 'no example is named',
      `npm run example NAME, where NAME is ${Object.keys(EXAMPLES).join(', ')}`,
    );
  const key = randomBytes(24).toString('base64url');
  const port = context.env['PORT'] ?? '8080';
  const sitePort = context.env['EXAMPLE_PORT'] ?? example.port;
  const env = {
    ...context.env,
    PORT: port,
    VIZAVI_HOST: '127.0.0.1',
    ...(example.knowledge && { VIZAVI_KNOWLEDGE: example.knowledge }),
    ...(example.ownServer && { VIZAVI_API_KEYS: key, VIZAVI_LOG_LEVEL: 'warn' }),
  };
  const running = [runNode({ ...context, env }, ['server/src/main.ts'])];
  if (example.ownServer) {
    const site = {
      ...context.env,
      PORT: sitePort,
      HOST: '127.0.0.1',
      VIZAVI_URL: `http://localhost:${port}`,
      VIZAVI_API_KEY: key,
    };
    running.push(runNode({ ...context, env: site }, [`${HOME}/${name}/server.mjs`]));
  }
  const ended = new AbortController();
  const address = `http://localhost:${example.ownServer ? sitePort : port}${example.path ?? '/'}`;
  void ready(port, ended.signal).then((isReady) => isReady && say(`${example.says} is at ${address}`));
  const code = await Promise.race(running);
  ended.abort();
  // One without the other is of no use.
  if (example.ownServer) process.kill(process.pid, 'SIGTERM');
  await Promise.all(running);
  return code;
}

/** Resolves when an avatar is there; with false when there will be none. */
async function ready(port, signal) {
  while (!signal.aborted) {
    const isReady = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return false;
}
