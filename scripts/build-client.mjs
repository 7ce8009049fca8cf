/**
 * `node scripts/build-client.mjs`: client/dist/*.js, minified ES modules with their source maps. What several entries
 * need is in chunks that they share.
 * `--sizes`: prints what each entry costs a page, bytes minified and gzipped.
 * `--types`: client/dist/*.d.ts, the public types, one file an entry.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = `${root}client/dist/`;
/** File in dist → its source. */
const ENTRIES = {
  vizavi: `${root}client/src/index.ts`,
  element: `${root}client/src/element.ts`,
  bubble: `${root}client/src/bubble.ts`,
  react: `${root}client/src/react.ts`,
};

/** @returns esbuild's result: nothing is written */
export async function bundle() {
  const { build } = await import('esbuild');
  return build({
    entryPoints: ENTRIES,
    outdir: dist,
    chunkNames: 'chunk-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    sourcemap: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['react'],
    plugins: [lean],
    metafile: true,
    write: false,
  });
}

/**
 * What each entry costs: itself and all that it loads with it, and `later` with what it loads when it is needed.
 * @returns {Record<string, Record<'now' | 'later', { bytes: number, gzipped: number }>>}
 */
export function sizesOf({ metafile, outputFiles }) {
  const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]));
  const reach = (name, kinds, seen = new Set()) => {
    if (seen.has(name)) return seen;
    seen.add(name);
    for (const { path, kind, external } of outputs.get(name)?.imports ?? []) {
      if (!external && kinds.includes(kind)) reach(basename(path), kinds, seen);
    }
    return seen;
  };
  const weigh = (names) => {
    const contents = [...names].map((name) => files.get(name));
    return {
      bytes: contents.reduce((sum, content) => sum + content.length, 0),
      gzipped: contents.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).length, 0),
    };
  };
  return Object.fromEntries(
    Object.keys(ENTRIES).map((entry) => [
      entry,
      {
        now: weigh(reach(`${entry}.js`, ['import-statement'])),
        later: weigh(reach(`${entry}.js`, ['import-statement', 'dynamic-import'])),
      },
    ]),
  );
}

/** Parts of libraries that no browser of ours runs: React Native's handler and what mediasoup-client tests itself with. */
const LEFT_OUT = /mediasoup-client\/lib\/(handlers\/(ReactNative106|FakeHandler)|test\/fakeParameters)\.js$/;
const lean = {
  name: 'lean',
  setup(build) {
    build.onLoad({ filter: LEFT_OUT }, () => ({ contents: 'module.exports = {};', loader: 'js' }));
    // Schemas of the GPU workers' wire are not needed here, which esbuild cannot see by itself.
    build.onResolve({ filter: /gpu-messages\.ts$/ }, ({ path, importer }) => ({
      path: fileURLToPath(new URL(path, `file://${importer}`)),
      sideEffects: false,
    }));
  },
};

async function writeBundles(withSizes) {
  const result = await bundle();
  // A server may be reading these files: the chunks come first, then those that ask for them, each map before its file.
  const order = ({ path }) => (basename(path).startsWith('chunk-') ? 0 : 2) + (path.endsWith('.map') ? 0 : 1);
  const files = result.outputFiles.toSorted((a, b) => order(a) - order(b));
  for (const { path, contents } of files) replaceFile(path, contents);
  const written = new Set(files.map(({ path }) => basename(path)));
  for (const name of readdirSync(dist)) {
    if (name.startsWith('chunk-') && !written.has(name)) rmSync(`${dist}${name}`);
  }
  if (!withSizes) return;
  const kB = ({ bytes, gzipped }) =>
    `${(bytes / 1000).toFixed(1)} kB, ${(gzipped / 1000).toFixed(1)} kB gzipped`;
  for (const [name, { now, later }] of Object.entries(sizesOf(result))) {
    const more = later.bytes > now.bytes ? `; all in all ${kB(later)}` : '';
    console.log(`${name}.js with its chunks: ${kB(now)}${more}`);
  }
}

async function rollUpTypes() {
  const [{ rollup }, { dts }] = await Promise.all([import('rollup'), import('rollup-plugin-dts')]);
  for (const [name, input] of Object.entries(ENTRIES)) {
    const types = await rollup({
      input,
      external: ['react'],
      plugins: [
        dts({
          tsconfig: `${root}client/tsconfig.json`,
          // The wire is not published: its types become the client's own, read where the workspace's link leads.
          includeExternal: ['@vizavi/signaling'],
          compilerOptions: { preserveSymlinks: false },
        }),
      ],
    });
    const { output } = await types.generate({ format: 'es' });
    await types.close();
    replaceFile(`${dist}${name}.d.ts`, output[0].code);
  }
}

function replaceFile(path, contents) {
  writeFileSync(`${path}.tmp`, contents);
  renameSync(`${path}.tmp`, path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(dist, { recursive: true });
  if (process.argv.includes('--types')) await rollUpTypes();
  else await writeBundles(process.argv.includes('--sizes'));
}
