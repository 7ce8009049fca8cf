import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const SERVER_MAIN = fileURLToPath(new URL('../../server/src/main.ts', import.meta.url));

/** A free port on loopback. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** The real server as its users start it: its own process, with its own GPU worker. */
export class ServerProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  #output = '';

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('exit', resolve));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data: Buffer) => {
        this.#output = (this.#output + data.toString()).slice(-100_000);
      });
    }
  }

  /** Starts it, on `PORT` or on a free port, and waits until a slot is ready. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
    const port = Number(env['PORT'] ?? (await freePort()));
    const child = spawn(process.execPath, [SERVER_MAIN], {
      // One avatar: what is measured or looked at is not to share the machine with the loading of another.
      env: { ...process.env, PORT: String(port), VIZAVI_LOG_LEVEL: 'warn', VIZAVI_AVATARS: 'mira', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const server = new ServerProcess(`http://127.0.0.1:${port}`, child);
    await server.waitReady(60_000);
    return server;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The end of what it has printed. */
  get output(): string {
    return this.#output;
  }

  async waitReady(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      if (this.#child.exitCode !== null) throw new Error(`the server ended:\n${this.#output}`);
      const ready = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(1000) }).then(
        (response) => response.ok,
        () => false,
      );
      if (ready) return;
      if (Date.now() > deadline) throw new Error(`the server was not ready in time:\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Resident memory of the server and of every process under it, bytes, by command. */
  memory(): { total: number; processes: Record<string, number> } {
    const processes: Record<string, number> = {};
    let total = 0;
    for (const pid of [this.pid, ...descendants(this.pid)]) {
      const status = read(`/proc/${pid}/status`);
      const bytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
      const script = read(`/proc/${pid}/cmdline`)
        .split('\0')
        .find((part) => /\.ts$|mediasoup/.test(part));
      const name = script?.split('/').slice(-3).join('/') ?? String(pid);
      processes[name] = (processes[name] ?? 0) + bytes;
      total += bytes;
    }
    return { total, processes };
  }

  /** Processes of the tree whose command line matches. */
  children(pattern: RegExp): number[] {
    return descendants(this.pid).filter((pid) => pattern.test(read(`/proc/${pid}/cmdline`)));
  }

  /** SIGTERM; answers the exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null) this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    const code = await this.#exited;
    clearTimeout(force);
    return code;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function descendants(root: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(
      (name) => [Number(name), Number(/PPid:\s+(\d+)/.exec(read(`/proc/${name}/status`))?.[1] ?? 0)] as const,
    );
  const found: number[] = [];
  const visit = (pid: number): void => {
    for (const [child, parent] of parents) {
      if (parent !== pid) continue;
      found.push(child);
      visit(child);
    }
  };
  visit(root);
  return found;
}
