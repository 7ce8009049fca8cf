import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WorkerSupervisor } from '../../../server/src/worker-supervisor.ts';

let dir: string;
let logged: string[];
let restarts: number;
let givenUp: string[];
let supervisor: WorkerSupervisor;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'vizavi-'));
  [logged, restarts, givenUp] = [[], 0, []];
});
afterEach(async () => {
  await supervisor.stop();
  await rm(dir, { recursive: true });
});

/** Supervises a program in place of a GPU worker. */
async function supervise(program: string, env: Record<string, string> = {}): Promise<void> {
  const scriptPath = join(dir, 'worker.mjs');
  await writeFile(scriptPath, program);
  supervisor = new WorkerSupervisor({
    scriptPath,
    env: () => env,
    log: pino({ level: 'info' }, { write: (line) => void logged.push(line) }),
    onRestart: () => (restarts += 1),
    onGiveUp: (error) => givenUp.push(error.message),
    firstDelayMs: 5,
    killAfterMs: 200,
  });
  supervisor.start();
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const runningPid = (): Promise<number> =>
  expect
    .poll(() => supervisor.pid)
    .toBeTypeOf('number')
    .then(() => supervisor.pid ?? 0);

describe('a local GPU worker', () => {
  it('is started again when it is killed', async () => {
    await supervise('process.stdin.resume();');
    const first = await runningPid();
    process.kill(first, 'SIGKILL');
    await expect.poll(() => supervisor.pid !== null && supervisor.pid !== first).toBe(true);
    expect(restarts).toBe(1);
    expect(givenUp).toEqual([]);
  });

  it('is started again each time that it cannot start', async () => {
    await supervise('process.exit(1);');
    await expect.poll(() => restarts, { timeout: 10_000 }).toBeGreaterThan(2);
  });

  it('is given up, with its own words, when its configuration is broken', async () => {
    await supervise(
      `process.stderr.write('vizavi-gpu: bundle mira: no manifest\\n'); process.exitCode = 78;`,
    );
    await expect.poll(() => givenUp).toEqual(['bundle mira: no manifest']);
    expect(restarts).toBe(0);
    expect(supervisor.pid).toBeNull();
    expect(logged).toEqual([]);
  });

  it('speaks through the server’s log', async () => {
    await supervise(`
      console.log(JSON.stringify({ level: 40, time: 1, msg: 'from the log', slot: 3 }));
      console.log('not from the log');
      console.error('a warning of the system');
      process.stdin.resume();`);
    await expect.poll(() => logged.length).toBe(3);
    expect(logged.map((line) => JSON.parse(line) as unknown)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ level: 40, msg: 'from the log', slot: 3 }),
        expect.objectContaining({ level: 30, msg: 'not from the log' }),
        expect.objectContaining({ level: 40, msg: 'a warning of the system' }),
      ]),
    );
  });

  it('gets the variables that it is given', async () => {
    await supervise(
      `import { writeFileSync } from 'node:fs';
      writeFileSync(process.env.OUT, [process.env.VIZAVI_SECRET_OF_TEST, process.env.VIZAVI_SUPERVISED].join());
      process.stdin.resume();`,
      { OUT: join(dir, 'out'), VIZAVI_SECRET_OF_TEST: 'yes' },
    );
    await expect.poll(() => readFile(join(dir, 'out'), 'utf8').catch(() => '')).toBe('yes,1');
  });
});

describe('stopping', () => {
  it('lets the worker end by itself and starts no other', async () => {
    const out = JSON.stringify(join(dir, 'out'));
    await supervise(`
      import { writeFileSync } from 'node:fs';
      process.on('SIGTERM', () => { writeFileSync(${out}, 'clean'); process.exit(0); });
      console.log('up');
      process.stdin.resume();`);
    await expect.poll(() => logged.length).toBe(1);
    await supervisor.stop();
    expect(await readFile(join(dir, 'out'), 'utf8')).toBe('clean');
    expect(supervisor.pid).toBeNull();
    expect(restarts).toBe(0);
    await supervisor.stop();
  });

  it('kills a worker that does not listen', async () => {
    await supervise(`process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000);`);
    const pid = await runningPid();
    await expect.poll(() => logged.length).toBe(1);
    await supervisor.stop();
    expect(isAlive(pid)).toBe(false);
  });

  it('does not wait for the next attempt', async () => {
    await supervise('process.exit(1);');
    await expect.poll(() => restarts).toBeGreaterThan(0);
    await supervisor.stop();
    const before = restarts;
    await sleep(50);
    expect(restarts).toBe(before);
  });

  it('takes the worker along when the server is killed', async () => {
    await supervise('');
    const worker = join(dir, 'child.mjs');
    const out = join(dir, 'out');
    await writeFile(
      worker,
      `import { writeFileSync } from 'node:fs';
      process.stdin.on('end', () => writeFileSync(${JSON.stringify(out)}, 'ended')).resume();
      console.log('up');`,
    );
    const module = new URL('../../../server/src/worker-supervisor.ts', import.meta.url).href;
    const server = join(dir, 'server.mjs');
    await writeFile(
      server,
      `import { WorkerSupervisor } from ${JSON.stringify(module)};
      const log = { info: (_, line) => console.log(line), warn() {}, error() {}, levels: { labels: { 30: 'info' } } };
      new WorkerSupervisor({ scriptPath: ${JSON.stringify(worker)}, env: () => ({}), log, onRestart() {}, onGiveUp() {} }).start();`,
    );
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    const child = spawn(process.execPath, [server], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (data: Buffer) => (said += data.toString()));
    try {
      await expect.poll(() => said, { timeout: 10_000 }).toBe('up\n');
    } finally {
      child.kill('SIGKILL');
    }
    await expect.poll(() => readFile(out, 'utf8').catch(() => ''), { timeout: 10_000 }).toBe('ended');
  });
});
