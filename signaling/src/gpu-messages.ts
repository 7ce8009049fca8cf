import * as z from 'zod/mini';
import { count, empty, errorBody, id, milliseconds, pcmBytes } from './protocol.ts';
import { EMOTIONS, GESTURES, stageStats } from './messages.ts';
import type { AnyNotice, Protocol } from './protocol.ts';

const slotId = count;
/** A lease is one session on one slot, once; messages of an older lease are ignored. */
const lease = { slotId, leaseId: id };
const generation = count;
const rtpStream = z.object({
  ssrc: z.int().check(z.positive(), z.maximum(0xffff_ffff)),
  payloadType: z.int().check(z.minimum(96), z.maximum(127)),
});

/** What a worker says of a bundle that it has loaded. */
export const bundleInfo = z.object({
  id,
  name: z.string(),
  /** The voice that suits it. */
  voice: z._default(z.nullable(z.string()), null),
  fps: z.number().check(z.positive()),
  width: z.int().check(z.positive()),
  height: z.int().check(z.positive()),
});
export type BundleInfo = z.output<typeof bundleInfo>;

export const VIDEO_CODECS = ['h264', 'vp8'] as const;
const videoCodec = z.enum(VIDEO_CODECS);

/** What a GPU worker tells the server. */
export const workerToServer = {
  calls: {
    /** First message of every connection. After a reconnect the server closes what it no longer knows. */
    'worker.register': {
      request: z.object({
        workerId: id,
        pid: z.int(),
        device: z.string(),
        slots: z.int().check(z.positive()),
        /** What it can show now. */
        bundles: z.array(bundleInfo).check(z.minLength(1)),
        /** What it is about to load; `worker.bundles` tells when it is there. */
        coming: z._default(z.array(bundleInfo), []),
        encoders: z.array(videoCodec).check(z.minLength(1)),
        /** Such as `nvenc`; null: all pictures are encoded in software. */
        hardwareEncoder: z._default(z.nullable(z.string()), null),
        /** Measured cost of one chunk of so many frames. */
        chunkCosts: z.array(z.object({ frames: z.int(), medianMs: milliseconds })),
      }),
      result: empty,
    },
  },
  notices: {
    /** All that it can show, now that one more has been loaded. */
    'worker.bundles': z.object({ bundles: z.array(bundleInfo).check(z.minLength(1)) }),
    /** How many sessions may be open on this worker now, by its own measured costs, and where its ladder stands. */
    'worker.capacity': z.object({
      admit: count,
      rung: z.string(),
      reason: z.string(),
    }),
    /** What the device did since the last notice; shares of the time that passed. */
    'worker.device': z.object({
      busyShare: z.number(),
      copyShare: z.number(),
      /** The host handing work over. */
      hostShare: z.number(),
      copiedBytesPerSecond: z.number(),
      /** Time of the device over the length of the frames that it made; 0 when it made none. */
      realTimeFactor: z.number(),
      /** Standing still, by cause. */
      stallShares: z.record(z.string(), z.number()),
    }),
    'utterance.started': z.object({ ...lease, generation, utteranceId: id }),
    /** How much of the utterance is on the wire, a few times a second while it is spoken. */
    'utterance.progress': z.object({ ...lease, generation, utteranceId: id, playedMs: milliseconds }),
    'utterance.ended': z.object({ ...lease, generation, utteranceId: id, playedMs: milliseconds }),
    'slot.stats': z.object({ ...lease, stats: stageStats }),
    /** The slot cannot go on (encoder, model); the server moves the session. */
    'slot.failed': z.object({ ...lease, error: errorBody }),
  },
} as const satisfies Protocol;
export type WorkerToServer = typeof workerToServer;
export type WorkerNotice = AnyNotice<WorkerToServer>;

/** What the server asks of a GPU worker. */
export const serverToWorker = {
  calls: {
    'slot.open': {
      request: z.object({
        ...lease,
        bundleId: id,
        codec: videoCodec,
        bitrateBps: z.number().check(z.positive()),
        /** Where RTP goes; RTCP comes back on the same socket (RFC 5761). */
        remote: z.object({ ip: z.string(), port: z.int() }),
        video: rtpStream,
        audio: rtpStream,
        cname: z.string(),
      }),
      result: empty,
    },
    'slot.close': { request: z.object(lease), result: empty },
    /** Raises the generation: whatever is older is dropped wherever it stands. */
    'slot.interrupt': {
      request: z.object({ ...lease, generation }),
      result: z.object({ utteranceId: z.nullable(id), playedMs: milliseconds }),
    },
  },
  notices: {
    /** Frames flow only while somebody watches. */
    'slot.watch': z.object({ ...lease, watched: z.boolean() }),
    /** The face turns to somebody who speaks, or away again. */
    'slot.listen': z.object({ ...lease, listening: z.boolean() }),
    'slot.gesture': z.object({ ...lease, gesture: z.enum(GESTURES) }),
    'slot.bitrate': z.object({ ...lease, bitrateBps: z.number().check(z.positive()) }),
    /** Sound of an utterance: PCM s16le mono. `last` closes it. Utterances follow each other in order of arrival. */
    'slot.audio': z.object({
      ...lease,
      generation,
      utteranceId: id,
      sampleRate: z.number(),
      pcm: pcmBytes,
      last: z.boolean(),
      emotion: z.optional(z.enum(EMOTIONS)),
      /** For the utterance's first sound. */
      gesture: z.optional(z.enum(GESTURES)),
    }),
  },
} as const satisfies Protocol;
export type ServerToWorker = typeof serverToWorker;
