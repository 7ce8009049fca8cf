/**
 * `node scripts/build-client.mjs`: client/dist/vizavi.js, one minified ES module with its source map.
 * `node scripts/build-client.mjs --types`: client/dist/vizavi.d.ts, the public types in one file.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const entry = `${root}client/src/index.ts`;
const dist = `${root}client/dist/`;

mkdirSync(dist, { recursive: true });
await (process.argv.includes('--types') ? rollUpTypes() : bundle());

async function bundle() {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [entry],
    outfile: `${dist}vizavi.js`,
    bundle: true,
    minify: true,
    sourcemap: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
  });
  // A server may be reading these files. The map comes first: esbuild lists it so.
  for (const { path, contents } of outputFiles) replaceFile(path, contents);
}

async function rollUpTypes() {
  const [{ rollup }, { dts }] = await Promise.all([import('rollup'), import('rollup-plugin-dts')]);
  const bundle = await rollup({
    input: entry,
    plugins: [
      dts({
        tsconfig: `${root}client/tsconfig.json`,
        // The wire is not published: its types become the client's own, read where the workspace's link leads.
        includeExternal: ['@vizavi/signaling'],
        compilerOptions: { preserveSymlinks: false },
      }),
    ],
  });
  const { output } = await bundle.generate({ format: 'es' });
  await bundle.close();
  replaceFile(`${dist}vizavi.d.ts`, output[0].code);
}

function replaceFile(path, contents) {
  writeFileSync(`${path}.tmp`, contents);
  renameSync(`${path}.tmp`, path);
}
