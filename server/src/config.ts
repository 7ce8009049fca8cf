import { randomBytes } from 'node:crypto';
import { availableParallelism, networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { VIDEO_CODECS, VizaviError } from '@vizavi/signaling';
import { z } from 'zod';
import { LOG_LEVELS } from './log.ts';
import type { LogLevel } from './log.ts';
import { providerEnvironment, providerSettings } from './provider-config.ts';
import type { ProviderSettings } from './provider-config.ts';
import type { TurnSettings } from './turn-servers.ts';

export interface Config {
  /** No API keys: loopback only, and sessions for everybody on this machine. */
  readonly development: boolean;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Where clients reach the server; null: under its own address. No trailing slash. */
  readonly publicUrl: string | null;
  /** Where viewers' media is listened for. */
  readonly rtcListenIp: string;
  /** The address at which browsers reach it. */
  readonly announcedIp: string;
  /** This machine's address at which GPU workers' media arrives. */
  readonly ingestIp: string;
  readonly rtcMinPort: number;
  readonly rtcMaxPort: number;
  /** mediasoup's worker processes. */
  readonly mediaWorkers: number;
  /** Upper bounds and defaults of what a session may ask for. */
  readonly maxDurationSec: number;
  readonly idleTimeoutSec: number;
  /** How long a session waits for its first viewer. */
  readonly joinTimeoutSec: number;
  /** How long it waits without viewers after that. */
  readonly graceSec: number;
  readonly maxViewers: number;
  /** Sessions that one address may open. */
  readonly sessionsPerMinute: number;
  /** Whether a GPU worker is started with the server. */
  readonly localWorker: boolean;
  readonly bundlesDir: string;
  /** Which of them the local worker loads: names, comma-separated, or `all`. */
  readonly avatars: string;
  /** Slots of the local worker; null: as many as it measures. */
  readonly slots: number | null;
  /** Sessions that may wait for a slot, and how long each does; 0 refuses them at once. */
  readonly maxQueue: number;
  readonly queueTimeoutSec: number;
  readonly codec: (typeof VIDEO_CODECS)[number];
  readonly maxBitrateBps: number;
  /** Said when the brain or the ears fail. */
  readonly fallbackLine: string;
  readonly logLevel: LogLevel;
  readonly logFormat: 'json' | 'text';
}

export interface Secrets {
  readonly apiKeys: readonly string[];
  readonly tokenSecret: string;
  readonly workerSecret: string;
  readonly turn: TurnSettings | null;
  /** With the providers' keys. */
  readonly providers: ProviderSettings;
}

/** What the defaults depend on. */
export interface Machine {
  readonly cores: number;
  /** Its own IPv4 addresses other than loopback. */
  readonly addresses: readonly string[];
}

const OWN_BUNDLES = fileURLToPath(new URL('../../gpu/bundles', import.meta.url));
const LOOPBACK_HOSTS = ['127.0.0.1', '::1', 'localhost'];

const integer = (min: number, max: number): z.ZodType<number> => {
  const fault = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number(fault).int(fault).min(min, fault).max(max, fault);
};
const ipAddress = z.union([z.ipv4(), z.ipv6()], 'must be an IP address');
const port = integer(0, 65_535);
const seconds = (min: number): z.ZodType<number> => integer(min, 86_400);

const environment = z.object({
  ...providerEnvironment.shape,
  NODE_ENV: z.string().default(''),
  PORT: port.optional(),
  VIZAVI_HOST: z.string().optional(),
  VIZAVI_PORT: port.optional(),
  VIZAVI_API_KEYS: z
    .string()
    .default('')
    .transform((list) => list.split(',').flatMap((key) => key.trim() || []))
    .refine((keys) => keys.every((key) => key.length >= 16), 'each key must have at least 16 characters'),
  VIZAVI_TOKEN_SECRET: z.string().min(32, 'must have at least 32 characters').optional(),
  VIZAVI_WORKER_SECRET: z.string().min(16, 'must have at least 16 characters').optional(),
  VIZAVI_PUBLIC_URL: z.url({ protocol: /^https?$/, error: 'must be an http(s) address' }).optional(),
  VIZAVI_ANNOUNCED_IP: ipAddress.optional(),
  VIZAVI_INGEST_IP: ipAddress.optional(),
  VIZAVI_TURN_URLS: z
    .string()
    .default('')
    .transform((list) => list.split(',').flatMap((url) => url.trim() || []))
    .refine(
      (urls) => urls.every((url) => /^turns?:\S+$/.test(url)),
      'each must be a turn: or turns: address',
    ),
  VIZAVI_TURN_SECRET: z.string().optional(),
  VIZAVI_RTC_MIN_PORT: integer(1024, 65_535).default(40_000),
  VIZAVI_RTC_MAX_PORT: integer(1024, 65_535).default(49_999),
  VIZAVI_MEDIA_WORKERS: integer(1, 64).optional(),
  VIZAVI_MAX_DURATION_SEC: seconds(10).default(3600),
  VIZAVI_IDLE_TIMEOUT_SEC: seconds(10).default(300),
  VIZAVI_JOIN_TIMEOUT_SEC: seconds(1).default(60),
  VIZAVI_GRACE_SEC: seconds(1).default(30),
  VIZAVI_MAX_VIEWERS: integer(1, 1000).default(50),
  VIZAVI_SESSIONS_PER_MINUTE: integer(1, 1_000_000).default(60),
  VIZAVI_MAX_QUEUE: integer(0, 10_000).default(20),
  VIZAVI_QUEUE_TIMEOUT_SEC: seconds(1).default(120),
  VIZAVI_LOCAL_WORKER: z.enum(['true', 'false'], 'must be true or false').default('true'),
  VIZAVI_BUNDLES: z.string().optional(),
  VIZAVI_AVATARS: z.string().default('all'),
  VIZAVI_SLOTS: integer(1, 256).optional(),
  VIZAVI_CODEC: z.enum(VIDEO_CODECS).default('h264'),
  VIZAVI_BITRATE_KBPS: integer(100, 20_000).default(800),
  VIZAVI_FALLBACK_LINE: z.string().max(300).default('Sorry, I lost my thread. Could you say that again?'),
  VIZAVI_LOG_LEVEL: z.enum(LOG_LEVELS).optional(),
});

/** Reads the environment once. @throws VizaviError `invalid_config`: one line for each fault, naming the variable */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  machine: Machine = thisMachine(),
): { config: Config; secrets: Secrets } {
  // An empty variable is an unset one: compose files and shells cannot always leave one out.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    throw invalid(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`));
  }
  const { data } = parsed;
  const development = data.VIZAVI_API_KEYS.length === 0;
  const host = data.VIZAVI_HOST ?? (development ? '127.0.0.1' : '0.0.0.0');
  const onLoopback = LOOPBACK_HOSTS.includes(host);
  const faults: string[] = [];
  if (development && data.NODE_ENV === 'production') {
    faults.push('VIZAVI_API_KEYS: at least one key is needed with NODE_ENV=production');
  } else if (development && !onLoopback) {
    faults.push(`VIZAVI_HOST: without VIZAVI_API_KEYS the server listens on 127.0.0.1 only, not on ${host}`);
  }
  if (data.VIZAVI_RTC_MIN_PORT >= data.VIZAVI_RTC_MAX_PORT) {
    faults.push('VIZAVI_RTC_MIN_PORT: must be less than VIZAVI_RTC_MAX_PORT');
  }
  if (data.VIZAVI_TURN_URLS.length > 0 !== (data.VIZAVI_TURN_SECRET !== undefined)) {
    faults.push('VIZAVI_TURN_SECRET: goes with VIZAVI_TURN_URLS, neither without the other');
  }
  if (faults.length > 0) throw invalid(faults);

  const localWorker = data.VIZAVI_LOCAL_WORKER === 'true';
  const ownIp = onLoopback ? '127.0.0.1' : (addressOf(host) ?? machine.addresses[0] ?? '127.0.0.1');
  const config: Config = {
    development,
    host,
    port: data.VIZAVI_PORT ?? data.PORT ?? 8080,
    publicUrl: data.VIZAVI_PUBLIC_URL?.replace(/\/+$/, '') ?? null,
    rtcListenIp: onLoopback ? '127.0.0.1' : (addressOf(host) ?? '0.0.0.0'),
    announcedIp: data.VIZAVI_ANNOUNCED_IP ?? ownIp,
    ingestIp: data.VIZAVI_INGEST_IP ?? (localWorker ? '127.0.0.1' : ownIp),
    rtcMinPort: data.VIZAVI_RTC_MIN_PORT,
    rtcMaxPort: data.VIZAVI_RTC_MAX_PORT,
    mediaWorkers: data.VIZAVI_MEDIA_WORKERS ?? (machine.cores <= 2 ? 1 : Math.min(machine.cores, 4)),
    maxDurationSec: data.VIZAVI_MAX_DURATION_SEC,
    idleTimeoutSec: data.VIZAVI_IDLE_TIMEOUT_SEC,
    joinTimeoutSec: data.VIZAVI_JOIN_TIMEOUT_SEC,
    graceSec: data.VIZAVI_GRACE_SEC,
    maxViewers: data.VIZAVI_MAX_VIEWERS,
    sessionsPerMinute: data.VIZAVI_SESSIONS_PER_MINUTE,
    maxQueue: data.VIZAVI_MAX_QUEUE,
    queueTimeoutSec: data.VIZAVI_QUEUE_TIMEOUT_SEC,
    localWorker,
    bundlesDir: data.VIZAVI_BUNDLES ?? OWN_BUNDLES,
    avatars: data.VIZAVI_AVATARS,
    slots: data.VIZAVI_SLOTS ?? null,
    codec: data.VIZAVI_CODEC,
    maxBitrateBps: data.VIZAVI_BITRATE_KBPS * 1000,
    fallbackLine: data.VIZAVI_FALLBACK_LINE,
    // At a terminal the address is what counts.
    logLevel: data.VIZAVI_LOG_LEVEL ?? (development ? 'warn' : 'info'),
    logFormat: development ? 'text' : 'json',
  };
  const secrets: Secrets = {
    apiKeys: Object.freeze(data.VIZAVI_API_KEYS),
    tokenSecret: data.VIZAVI_TOKEN_SECRET ?? randomBytes(32).toString('base64url'),
    workerSecret: data.VIZAVI_WORKER_SECRET ?? randomBytes(32).toString('base64url'),
    turn: turnSettings(data),
    providers: Object.freeze(providerSettings(data)),
  };
  return { config: Object.freeze(config), secrets: Object.freeze(secrets) };
}

function turnSettings(data: z.output<typeof environment>): TurnSettings | null {
  const { VIZAVI_TURN_URLS: urls, VIZAVI_TURN_SECRET: secret, VIZAVI_MAX_DURATION_SEC: lifetimeSec } = data;
  return secret === undefined ? null : Object.freeze({ urls, secret, lifetimeSec });
}

function thisMachine(): Machine {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
  return { cores: availableParallelism(), addresses };
}

/** The host, when it is one address and not all of them or a name. */
function addressOf(host: string): string | null {
  return z.ipv4().safeParse(host).success && host !== '0.0.0.0' ? host : null;
}

function invalid(lines: readonly string[]): VizaviError {
  return new VizaviError('invalid_config', lines.join('\n'));
}
