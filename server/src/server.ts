import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createAdaptorServer } from '@hono/node-server';
import { VizaviError } from '@vizavi/signaling';
import { Gateway } from '@vizavi/signaling/gateway';
import { systemClock } from './clock.ts';
import type { Config, Secrets } from './config.ts';
import { createHttp } from './http.ts';
import { MediaWorkers } from './media-workers.ts';
import { MemoryStore } from './memory-store.ts';
import { matchesSecret } from './secret-match.ts';
import { listenError } from './server-errors.ts';
import { SessionMedia } from './session-media.ts';
import { SessionRegistry } from './session-registry.ts';
import { SlotDirectory } from './slot-directory.ts';
import type { Store } from './store.ts';
import { createTelemetry } from './telemetry.ts';
import type { Telemetry } from './telemetry.ts';
import { Tokens } from './token.ts';
import { openVoice } from './voice/index.ts';
import type { Voice } from './voice/index.ts';
import { WorkerSupervisor } from './worker-supervisor.ts';

const WORKER_MAIN = fileURLToPath(new URL('../../gpu/src/main.ts', import.meta.url));
/** Encoders run on libuv's pool; its default of 4 would make slots wait for each other. */
const WORKER_THREADS = 16;
/** How often it is looked whether a slot is ready. */
const READY_POLL_MS = 20;

/** Parts that tests put in the place of the usual ones. */
export interface Overrides {
  readonly telemetry?: Telemetry;
  readonly store?: Store;
  readonly voice?: Voice;
}

/** The whole server: every part is made here and handed to those who need it. */
export class VizaviServer {
  readonly #config: Config;
  readonly #telemetry: Telemetry;
  readonly #http: HttpServer;
  readonly #gateway: Gateway;
  readonly #registry: SessionRegistry;
  readonly #directory: SlotDirectory;
  readonly #media: MediaWorkers;
  readonly #voice: Voice;
  readonly #store: Store;
  readonly #supervisor: WorkerSupervisor | null;
  readonly #gaveUp = Promise.withResolvers<never>();
  #draining = false;
  #closing: Promise<void> | null = null;

  private constructor(
    config: Config,
    secrets: Secrets,
    parts: { telemetry: Telemetry; media: MediaWorkers; voice: Voice; store: Store },
  ) {
    const { telemetry, media, voice, store } = parts;
    this.#config = config;
    this.#telemetry = telemetry;
    this.#media = media;
    this.#voice = voice;
    this.#store = store;
    this.#gaveUp.promise.catch(() => undefined);
    this.#directory = new SlotDirectory({ store, telemetry });
    this.#registry = new SessionRegistry({
      store,
      telemetry,
      voice,
      directory: this.#directory,
      clock: systemClock,
      nodeId: randomUUID(),
      codec: config.codec,
      maxBitrateBps: config.maxBitrateBps,
      maxViewers: config.maxViewers,
      joinTimeoutMs: config.joinTimeoutSec * 1000,
      graceMs: config.graceSec * 1000,
      maxDurationMs: config.maxDurationSec * 1000,
      idleTimeoutMs: config.idleTimeoutSec * 1000,
      createMedia: (events) =>
        SessionMedia.create(
          media,
          {
            codec: config.codec,
            listenIp: config.host === 'localhost' ? '127.0.0.1' : config.host,
            announcedAddress: config.announcedIp,
            portRange: { min: config.rtcMinPort, max: config.rtcMaxPort },
            ingestIp: config.ingestIp,
            maxBitrateBps: config.maxBitrateBps,
          },
          events,
        ),
    });
    const tokens = new Tokens(secrets.tokenSecret);
    const app = createHttp({
      apiKeys: secrets.apiKeys,
      service: this.#registry,
      tokens,
      telemetry,
      publicUrl: () => this.publicUrl,
      isDraining: () => this.#draining,
    });
    this.#http = createAdaptorServer({ fetch: app.fetch }) as HttpServer;
    this.#gateway = new Gateway(this.#http);
    this.#gateway.serve('/', {
      authenticate: async ({ token }) => (await tokens.verify(token)).sessionId,
      onConnection: (connection, sessionId) => {
        this.#registry.connectViewer(connection, sessionId);
      },
    });
    this.#gateway.serve('/gpu', {
      authenticate: ({ secret }) =>
        matchesSecret(secret, [secrets.workerSecret])
          ? Promise.resolve(null)
          : Promise.reject(new VizaviError('unauthorized', 'this is not the workers’ secret')),
      onConnection: (connection) => {
        this.#directory.connect(connection);
      },
    });
    this.#supervisor = config.localWorker ? this.#localWorker(secrets) : null;
  }

  /** @throws VizaviError when a part cannot be started */
  static async create(config: Config, secrets: Secrets, overrides: Overrides = {}): Promise<VizaviServer> {
    const telemetry =
      overrides.telemetry ?? createTelemetry({ level: config.logLevel, format: config.logFormat });
    const store = overrides.store ?? new MemoryStore();
    const [media, voice] = await Promise.all([
      MediaWorkers.start({ count: config.mediaWorkers, telemetry }),
      overrides.voice ?? openVoice(),
    ]);
    return new VizaviServer(config, secrets, { telemetry, media, voice, store });
  }

  /** The address of this process on this machine. */
  get url(): string {
    const { port } = this.#http.address() as AddressInfo;
    const host = this.#config.host === '0.0.0.0' ? '127.0.0.1' : this.#config.host;
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  /** The address that clients are told. */
  get publicUrl(): string {
    return this.#config.publicUrl ?? this.url;
  }

  /** Listens, and starts the local worker. @throws VizaviError `invalid_config` when the port cannot be had */
  async start(): Promise<void> {
    const { host, port } = this.#config;
    this.#http.listen(port, host);
    try {
      await once(this.#http, 'listening');
    } catch (error) {
      throw listenError(error as NodeJS.ErrnoException, host, port);
    }
    this.#supervisor?.start();
  }

  /** Resolves once a slot is ready. @throws VizaviError when the local worker can never be */
  async ready(): Promise<void> {
    while (!this.#registry.ready && !this.#closing) {
      await Promise.race([
        this.#gaveUp.promise,
        new Promise((resolve) => setTimeout(resolve, READY_POLL_MS)),
      ]);
    }
  }

  /** Ends every session, then every part. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#draining = true;
    this.#registry.drain();
    await this.#registry.closeAll('server');
    await this.#supervisor?.stop();
    this.#directory.close();
    await this.#gateway.close();
    this.#http.closeAllConnections();
    this.#http.close();
    this.#media.close();
    await this.#voice.close();
    await this.#store.close();
  }

  #localWorker(secrets: Secrets): WorkerSupervisor {
    const { log, metrics } = this.#telemetry;
    const { bundlesDir, slots, logLevel } = this.#config;
    const url = (): string => this.url;
    return new WorkerSupervisor({
      scriptPath: WORKER_MAIN,
      // The port is known only once the server listens.
      env: {
        VIZAVI_WORKER_SECRET: secrets.workerSecret,
        VIZAVI_WORKER_ID: 'local',
        VIZAVI_BUNDLES: bundlesDir,
        VIZAVI_SLOTS: slots === null ? undefined : String(slots),
        VIZAVI_LOG_LEVEL: logLevel === 'fatal' ? 'error' : logLevel,
        VIZAVI_API_KEYS: undefined,
        VIZAVI_TOKEN_SECRET: undefined,
        UV_THREADPOOL_SIZE: String(WORKER_THREADS),
        get VIZAVI_URL() {
          return url();
        },
      },
      log,
      onRestart: () => {
        metrics.workerRestarts.inc();
      },
      onGiveUp: (error) => {
        this.#gaveUp.reject(error);
      },
    });
  }
}
