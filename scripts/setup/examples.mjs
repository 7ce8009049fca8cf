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
 * as in production. Both end together.
 * @param {import('./context.mjs').Context} context
 * @param {string[]} args
 * @returns {Promise<number>}
 */
export async function runExample(context, [name]) {
  const example = Object.hasOwn(EXAMPLES, name ?? '') ? EXAMPLES[name] : null;
  if (!example) fail(`npm run example NAME, where NAME is ${Object.keys(EXAMPLES).join(', ')}`);
  const key = randomBytes(24).toString('base64url');
  const port = context.env['PORT'] ?? '8080';
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
      PORT: example.port,
      HOST: '127.0.0.1',
      VIZAVI_URL: `http://localhost:${port}`,
      VIZAVI_API_KEY: key,
    };
    running.push(runNode({ ...context, env: site }, [`${HOME}/${name}/server.mjs`]));
  }
  void ready(port).then(() =>
    say(
      `${example.says} is at http://localhost:${example.ownServer ? example.port : port}${example.path ?? '/'}`,
    ),
  );
  const code = await Promise.race(running);
  // One without the other is of no use.
  process.kill(process.pid, 'SIGTERM');
  await Promise.all(running);
  return code;
}

/** Resolves when an avatar is there. */
async function ready(port) {
  while (
    !(await fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await new Promise((resolve) => setTimeout(resolve, 200));
}
