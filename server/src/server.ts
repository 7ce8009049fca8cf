import { randomUUID } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { VizaviError } from '@vizavi/signaling';
import { Gateway } from '@vizavi/signaling/gateway';
import { openBrain } from './brain/index.ts';
import type { Brain } from './brain/brain.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { Config, Secrets } from './config.ts';
import type { Ears } from './ears/ears.ts';
import { Hearing } from './ears/hearing.ts';
import { openEars } from './ears/index.ts';
import { createHttpServer, listen } from './http-server.ts';
import { createHttp } from './http.ts';
import { MediaWorkers } from './media-workers.ts';
import { MemoryStore } from './memory-store.ts';
import { matchesSecret } from './secret-match.ts';
import { SessionMedia } from './session-media.ts';
import { SessionRegistry } from './session-registry.ts';
import { SlotDirectory } from './slot-directory.ts';
import type { Store } from './store.ts';
import { createTelemetry } from './telemetry.ts';
import type { Telemetry } from './telemetry.ts';
import { Tokens } from './token.ts';
import { iceServers } from './turn-servers.ts';
import { openVoice } from './voice/index.ts';
import { StandIn } from './voice/stand-in.ts';
import type { Voice } from './voice/voice.ts';
import { WorkerSupervisor } from './worker-supervisor.ts';

/** What a test or another program may put in place of the real parts. The server closes them. */
export interface Overrides {
  readonly telemetry?: Telemetry;
  readonly store?: Store;
  readonly voice?: Voice;
  readonly brain?: Brain;
  readonly ears?: Ears;
  readonly clock?: Clock;
}

interface Parts {
  readonly telemetry: Telemetry;
  readonly store: Store;
  readonly voice: Voice;
  readonly standIn: StandIn | null;
  readonly brain: Brain;
  readonly ears: Ears | null;
  readonly hearing: Hearing;
  readonly clock: Clock;
  readonly mediaWorkers: MediaWorkers;
}

const WORKER_PATH = fileURLToPath(new URL('../../gpu/src/main.ts', import.meta.url));
/** How long sessions have to end, and viewers to hear of it. */
const DRAIN_LIMIT_MS = 2000;
/** Together with the above less than a process manager's patience. */
const WORKER_END_LIMIT_MS = 2000;
const READY_POLL_MS = 20;

/** A whole server: every part made, joined, and ended here. */
export class VizaviServer implements AsyncDisposable {
  /** Resolves when the local GPU worker cannot run here, with the reason. */
  readonly failed: Promise<VizaviError>;
  readonly #config: Config;
  readonly #parts: Parts;
  readonly #registry: SessionRegistry;
  readonly #directory: SlotDirectory;
  readonly #http: HttpServer;
  readonly #gateway: Gateway;
  readonly #supervisor: WorkerSupervisor | null;
  #port: number;
  #closing: Promise<void> | null = null;

  private constructor(config: Config, secrets: Secrets, parts: Parts) {
    this.#config = config;
    this.#parts = parts;
    this.#port = config.port;
    const { telemetry, store, voice, standIn, brain, ears, hearing, clock, mediaWorkers } = parts;

    this.#directory = new SlotDirectory({ store, telemetry, clock });
    this.#registry = new SessionRegistry({
      store,
      telemetry,
      voice,
      standIn,
      brain,
      ears,
      hearing,
      fallbackLine: config.fallbackLine,
      iceServers: () => iceServers(secrets.turn, Date.now()),
      clock,
      directory: this.#directory,
      createMedia: (events) => SessionMedia.create(mediaWorkers, mediaOptions(config), events),
      nodeId: randomUUID(),
      codec: config.codec,
      maxBitrateBps: config.maxBitrateBps,
      maxViewers: config.maxViewers,
      maxDurationMs: config.maxDurationSec * 1000,
      idleTimeoutMs: config.idleTimeoutSec * 1000,
      joinTimeoutMs: config.joinTimeoutSec * 1000,
      graceMs: config.graceSec * 1000,
      maxQueue: config.maxQueue,
      queueTimeoutMs: config.queueTimeoutSec * 1000,
    });

    const tokens = new Tokens(secrets.tokenSecret);
    this.#http = createHttpServer(
      createHttp({
        apiKeys: secrets.apiKeys,
        service: this.#registry,
        tokens,
        telemetry,
        publicUrl: () => this.url,
        sessionsPerMinute: config.sessionsPerMinute,
        isDraining: () => this.#closing !== null,
      }),
    );
    this.#gateway = new Gateway(this.#http);
    this.#gateway.serve('/', {
      authenticate: ({ token }) => tokens.verify(token),
      onConnection: (connection, claims) => {
        this.#registry.connectViewer(connection, claims);
      },
    });
    this.#gateway.serve('/gpu', {
      authenticate: ({ secret }) => {
        if (matchesSecret(secret, [secrets.workerSecret])) return Promise.resolve(null);
        return Promise.reject(new VizaviError('unauthorized', 'This is not the worker secret.'));
      },
      onConnection: (connection) => {
        this.#directory.connect(connection);
      },
    });

    const { promise, resolve } = Promise.withResolvers<VizaviError>();
    this.failed = promise;
    this.#supervisor = config.localWorker
      ? new WorkerSupervisor({
          scriptPath: WORKER_PATH,
          env: () => workerEnvironment(config, secrets, this.httpPort),
          log: telemetry.log,
          onRestart: () => {
            telemetry.metrics.workerRestarts.inc();
          },
          onGiveUp: resolve,
          killAfterMs: WORKER_END_LIMIT_MS,
        })
      : null;
  }

  /** Starts the processes and threads that sessions need. @throws VizaviError when one does not start */
  static async create(config: Config, secrets: Secrets, overrides: Overrides = {}): Promise<VizaviServer> {
    const telemetry =
      overrides.telemetry ?? createTelemetry({ level: config.logLevel, format: config.logFormat });
    const { providers } = secrets;
    const opening = await Promise.allSettled([
      overrides.voice ?? openVoice(providers.voice),
      overrides.brain ?? openBrain(providers.brain),
      overrides.ears ?? openEars(providers.ears),
      MediaWorkers.start({ count: config.mediaWorkers, telemetry }),
    ]);
    const [voice, brain, ears, mediaWorkers] = opening;
    if (
      voice.status === 'fulfilled' &&
      brain.status === 'fulfilled' &&
      ears.status === 'fulfilled' &&
      mediaWorkers.status === 'fulfilled'
    ) {
      return new VizaviServer(config, secrets, {
        telemetry,
        store: overrides.store ?? new MemoryStore(),
        voice: voice.value,
        standIn: overrides.voice || providers.voice.kind === 'flite' ? null : new StandIn(),
        brain: brain.value,
        ears: ears.value,
        hearing: new Hearing(),
        clock: overrides.clock ?? systemClock,
        mediaWorkers: mediaWorkers.value,
      });
    }
    for (const part of opening) if (part.status === 'fulfilled') await part.value?.close();
    throw opening.find((part) => part.status === 'rejected')?.reason;
  }

  get log(): Telemetry['log'] {
    return this.#parts.telemetry.log;
  }

  get httpPort(): number {
    return this.#port;
  }

  /** Where clients reach this server. */
  get url(): string {
    const { publicUrl, announcedIp } = this.#config;
    const host = announcedIp === '127.0.0.1' ? 'localhost' : bracketed(announcedIp);
    return publicUrl ?? `http://${host}:${this.#port}`;
  }

  /** Listens; then starts the local GPU worker. @throws VizaviError `invalid_config` when the port cannot be had */
  async start(): Promise<void> {
    this.#port = await listen(this.#http, this.#config.host, this.#config.port);
    this.#supervisor?.start();
  }

  /** Resolves with true once a session can be opened, with false when it is closed before. @throws VizaviError when the local worker cannot run here */
  async ready(): Promise<boolean> {
    const failure = { error: null as VizaviError | null };
    void this.failed.then((error) => (failure.error = error));
    while (!this.#registry.ready && !this.#closing) {
      await sleep(READY_POLL_MS);
      if (failure.error) throw failure.error;
    }
    return this.#registry.ready;
  }

  /** Ends every session with the reason `server`, tells the viewers, and ends all parts. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { voice, standIn, brain, ears, hearing, mediaWorkers, store } = this.#parts;
    await Promise.race([this.#registry.closeAll('server'), sleep(DRAIN_LIMIT_MS, null, { ref: false })]);
    const stopped = this.#supervisor?.stop();
    this.#directory.close();
    const said = [voice.close(), standIn?.close()];
    await Promise.all([stopped, ...said, brain.close(), ears?.close(), hearing.close()]);
    const closed = this.#gateway.close(); // and with it the HTTP server, once its requests have ended
    this.#http.closeAllConnections();
    await closed;
    mediaWorkers.close();
    await store.close();
  }
}

function mediaOptions(config: Config) {
  const { codec, rtcListenIp, announcedIp, rtcMinPort, rtcMaxPort, ingestIp, maxBitrateBps } = config;
  return {
    codec,
    listenIp: rtcListenIp,
    announcedAddress: announcedIp,
    portRange: { min: rtcMinPort, max: rtcMaxPort },
    ingestIp,
    maxBitrateBps,
  };
}

/** The local worker gets what it needs and none of the server's other secrets. */
function workerEnvironment(
  config: Config,
  secrets: Secrets,
  port: number,
): Record<string, string | undefined> {
  const everywhere = ['0.0.0.0', '::'].includes(config.host);
  return {
    VIZAVI_URL: `http://${everywhere ? '127.0.0.1' : bracketed(config.host)}:${port}`,
    VIZAVI_WORKER_SECRET: secrets.workerSecret,
    VIZAVI_BUNDLES: config.bundlesDir,
    VIZAVI_AVATARS: config.avatars,
    VIZAVI_SLOTS: config.slots?.toString(),
    VIZAVI_LOG_LEVEL: config.logLevel,
    VIZAVI_API_KEYS: undefined,
    VIZAVI_TOKEN_SECRET: undefined,
    VIZAVI_TURN_SECRET: undefined,
    VIZAVI_OPENAI_KEY: undefined,
    VIZAVI_CHAT_KEY: undefined,
    VIZAVI_EARS_KEY: undefined,
    VIZAVI_VOICE_KEY: undefined,
    // Encoders share libuv's threads, of which there are four by default.
    UV_THREADPOOL_SIZE: process.env['UV_THREADPOOL_SIZE'] ?? '16',
  };
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
