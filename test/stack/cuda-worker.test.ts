import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerProcess } from '@vizavi/load/server-process';
import { Viewer } from '@vizavi/load/viewer';
import { buildSimulator } from '../../gpu/simulator/build.ts';

let server: ServerProcess;
let folder: string;
let lose: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vizavi-cuda-'));
  lose = join(folder, 'lose');
  server = await ServerProcess.start({
    VIZAVI_SLOTS: '2',
    VIZAVI_DEVICE: 'cuda:0',
    VIZAVI_DECODER: 'int8',
    VIZAVI_CUDA_DRIVER: await buildSimulator(),
    CUDA_SIMULATOR_LOSE_WHEN: lose,
  });
}, 60_000);
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

async function enter(): Promise<{ viewer: Viewer; sessionId: string }> {
  const response = await fetch(`${server.url}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  const { token, sessionId } = (await response.json()) as { token: string; sessionId: string };
  const viewer = new Viewer(server.url, token);
  await viewer.join();
  return { viewer, sessionId };
}

const LONG =
  'This is a long sentence that goes on and on, so that there is time to lose something in the middle of it.';

describe('a worker on the simulated CUDA device', () => {
  it('lets two sessions speak at once', async () => {
    const people = [await enter(), await enter()];
    const outcomes = people.map(({ viewer }) => viewer.repeat('Hello there, my name is Mira.'));
    expect(await Promise.all(outcomes)).toEqual(['spoken', 'spoken']);
    for (const { viewer } of people) await viewer.leave();
  });

  it('is started again when the device is lost, and its sessions speak on', async () => {
    const { viewer, sessionId } = await enter();
    const outcome = viewer.repeat(LONG);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await writeFile(lose, '');
    await expect(outcome).resolves.toBe('spoken');
    expect(existsSync(lose)).toBe(false);
    const session = await fetch(`${server.url}/v1/sessions/${sessionId}`);
    expect(await session.json()).toMatchObject({ state: 'live' });
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toContain('vizavi_worker_restarts_total 1');
    await viewer.leave();
  });
});
