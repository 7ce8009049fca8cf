import * as z from 'zod/mini';
import { CLOSE_REASONS } from './errors.ts';
import { count, empty, errorBody, id, MAX_TEXT_LENGTH, milliseconds, ortc, pcmBytes } from './protocol.ts';
import type { AnyNotice, Protocol } from './protocol.ts';

/**
 * Text to be said. Its length is judged where it is handled, so that too long a text has an error of its own; the
 * bound here only keeps the parser's work small.
 */
const text = z.string().check(z.maxLength(MAX_TEXT_LENGTH * 50));

/** How something is said; neutral unless it is told. A bundle that knows no emotions says everything alike. */
export const EMOTIONS = ['neutral', 'warm', 'serious', 'excited', 'sad'] as const;
export type Emotion = (typeof EMOTIONS)[number];

/** What head and brows can do by the way: for yes, for no, with interest, in surprise, in thought, as a greeting. */
export const GESTURES = ['nod', 'shake', 'tilt', 'brows', 'think', 'bow'] as const;
export type Gesture = (typeof GESTURES)[number];

/** How something is said: the face all along, and what it does as it begins. */
export interface Manner {
  readonly emotion?: Emotion | undefined;
  readonly gesture?: Gesture | undefined;
}
const manner = { emotion: z.optional(z.enum(EMOTIONS)), gesture: z.optional(z.enum(GESTURES)) };

/** One of a viewer's two incoming streams, as mediasoup describes a Consumer. */
const consumer = z.object({
  id: z.string(),
  producerId: z.string(),
  kind: z.enum(['audio', 'video']),
  rtpParameters: ortc,
});

/** A WebRtcTransport of the SFU, as mediasoup-client wants it. */
const transport = z.object({
  id: z.string(),
  iceParameters: ortc,
  iceCandidates: z.array(ortc),
  dtlsParameters: ortc,
  /** Relays for where nothing else gets through. */
  iceServers: z._default(
    z.array(z.object({ urls: z.array(z.string()), username: z.string(), credential: z.string() })),
    [],
  ),
});

const percentiles = z.object({ median: z.number(), p95: z.number() });

/** What the stages of the own session's path have done and cost. Times are milliseconds. */
export const stageStats = z.object({
  framesSent: z.number(),
  framesLate: z.number(),
  framesDropped: z.number(),
  framesRepeated: z.number(),
  leadMs: z.number(),
  ringOccupancy: z.number(),
  realTimeFactor: z.number(),
  bitrateBps: z.number(),
  /** Where the worker stands on its deadline ladder; `full` unless it is short of time. */
  rung: z._default(z.string(), 'full'),
  /** Last time from the first audio of an utterance at the worker to its first voiced frame on the wire. */
  firstFrameMs: z.nullable(z.number()),
  stages: z.object({
    generate: percentiles,
    decode: percentiles,
    copy: percentiles,
    encode: percentiles,
    send: percentiles,
  }),
});
export type StageStats = z.output<typeof stageStats>;

/** Where a session stands that waits for a slot. */
export const queuePlace = z.object({
  /** 1 is the next. */
  position: z.int().check(z.positive()),
  /** Expected wait; null while nothing is known of how long conversations last. */
  estimateMs: z.nullable(milliseconds),
});
export type QueuePlace = z.output<typeof queuePlace>;

/** Who a viewer is: a visitor talks with the avatar, a presenter directs it, an audience only watches. */
export const ROLES = ['visitor', 'presenter', 'audience'] as const;
export type Role = (typeof ROLES)[number];

/** How the avatar listens: not at all, all the time, or while a button is held. */
export const LISTENING = ['off', 'open', 'push'] as const;
export type Listening = (typeof LISTENING)[number];

/** Milliseconds from the end of the visitor's words to the first voiced frame, stage by stage; null: not measured. */
export const turnLatency = z.object({
  /** Silence until the turn counted as over; 0 for what was typed. */
  endOfTurnMs: milliseconds,
  /** Speech to text after that: 0 when it was done by then. */
  earsMs: z.nullable(milliseconds),
  /** Until the first sentence of the reply was there. */
  brainMs: z.nullable(milliseconds),
  /** Until its first sound was there. */
  voiceMs: z.nullable(milliseconds),
  /** Until its first frame was on the wire. */
  avatarMs: z.nullable(milliseconds),
  totalMs: z.nullable(milliseconds),
});
export type TurnLatency = z.output<typeof turnLatency>;

/** At most 4,000 characters of JSON. */
const pageState = z
  .record(z.string(), z.unknown())
  .check(
    z.refine((state) => JSON.stringify(state).length <= 4000, 'must be at most 4,000 characters of JSON'),
  );
export type PageState = z.output<typeof pageState>;

/** What a viewer may ask of the server. */
export const viewerToServer = {
  calls: {
    /** First message of every connection; with the same `viewerId` and live media it only resumes. */
    'session.start': {
      request: z.strictObject({
        viewerId: id,
        /** Number of the last event that arrived; later ones are sent again. −1: none. */
        lastEventSeq: z.int().check(z.minimum(-1)),
      }),
      result: z.object({
        sessionId: id,
        state: z.string(),
        /** True when this viewer's media still stands and nothing has to be set up. */
        resumed: z.boolean(),
        routerRtpCapabilities: ortc,
        /** Null when the media still stands, and while the session is queued: start again once it is `joining`. */
        transport: z.nullable(transport),
        /** Null unless the session is queued. */
        queue: z._default(z.nullable(queuePlace), null),
        role: z._default(z.enum(ROLES), 'visitor'),
        page: z._default(pageState, {}),
        /** Who turns speech to text: the server, or the browser where it can. */
        ears: z._default(z.enum(['server', 'browser']), 'browser'),
        avatar: z.object({
          id: z.string(),
          name: z.string(),
          fps: z.number(),
          width: z.number(),
          height: z.number(),
        }),
      }),
    },
    'media.consume': {
      request: z.strictObject({ rtpCapabilities: ortc }),
      result: z.object({ consumers: z.array(consumer) }),
    },
    'media.connect': { request: z.strictObject({ dtlsParameters: ortc }), result: empty },
    'media.resume': { request: empty, result: empty },
    'media.restartIce': { request: empty, result: z.object({ iceParameters: ortc }) },
    'session.keepAlive': { request: empty, result: empty },
    'session.stop': { request: empty, result: empty },
    'session.stats': {
      request: empty,
      result: z.object({
        stages: z.nullable(stageStats),
        voiceMs: z.nullable(percentiles),
        /** Of the last turn. */
        turn: z._default(z.nullable(turnLatency), null),
        /** Connected now. */
        viewers: z._default(z.int(), 1),
      }),
    },
    /** Say this. Sending the same `utteranceId` again changes nothing. */
    repeat: { request: z.strictObject({ utteranceId: id, text, ...manner }), result: empty },
    /** Say this sound: PCM s16le mono, piece by piece; `seq` counts from 0, `last` closes the utterance. */
    repeatAudio: {
      request: z.strictObject({
        utteranceId: id,
        seq: count,
        sampleRate: z.number(),
        pcm: pcmBytes,
        last: z.boolean(),
        /** Of the whole utterance: that of its first piece. */
        ...manner,
      }),
      result: empty,
    },
    /** Do this now, speaking or not. A bundle that has nothing to do it with leaves it out. */
    gesture: { request: z.strictObject({ gesture: z.enum(GESTURES) }), result: empty },
    /** Answer this. Sending the same `replyId` again changes nothing; the reply is an utterance of that id. */
    message: { request: z.strictObject({ replyId: id, text }), result: empty },
    /** A way for the viewer's microphone; an earlier one ends. */
    'microphone.open': { request: empty, result: z.object({ transport }) },
    'microphone.connect': { request: z.strictObject({ dtlsParameters: ortc }), result: empty },
    'microphone.produce': {
      request: z.strictObject({ rtpParameters: ortc }),
      result: z.object({ producerId: z.string() }),
    },
    'microphone.close': { request: empty, result: empty },
    /**
     * What is said is answered, or said again by the avatar. `push`: what is said counts between `pushToTalk.start` and
     * `pushToTalk.stop` only.
     */
    'listening.set': {
      request: z.strictObject({
        mode: z.enum(LISTENING),
        route: z.optional(z.enum(['answer', 'repeat'])),
      }),
      result: empty,
    },
    'pushToTalk.start': { request: empty, result: empty },
    'pushToTalk.stop': { request: empty, result: empty },
    /** What the browser's own speech recognition heard; only where `ears` is `browser`. */
    'user.heard': { request: z.strictObject({ text, final: z.boolean() }), result: empty },
    /** What became of a tool that was called. */
    'tool.result': {
      request: z.strictObject({
        callId: id,
        result: z.string().check(z.maxLength(20_000)),
        failed: z.boolean(),
      }),
      result: empty,
    },
    /** A question for the presenter; every role may ask. Sending the same `askId` again changes nothing. */
    'audience.ask': { request: z.strictObject({ askId: id, text }), result: empty },
    /** What the pages of all viewers are to show, such as the number of a slide: small, and kept for those who come later. */
    'page.set': { request: z.strictObject({ state: pageState }), result: empty },
    /** Silence, now. Answers when the worker has stopped. */
    interrupt: { request: empty, result: z.object({ interrupted: z.array(id), tookMs: milliseconds }) },
  },
  notices: {},
} as const satisfies Protocol;
export type ViewerToServer = typeof viewerToServer;

const utterance = { utteranceId: id };

/** Events of a session. Each is numbered by the envelope's `seq` so that a reconnecting viewer misses none. */
export const serverToViewer = {
  calls: {},
  notices: {
    'session.state_changed': z.object({ state: z.enum(['queued', 'joining', 'live', 'closing', 'closed']) }),
    'session.queue_changed': queuePlace,
    'session.stopped': z.object({ reason: z.enum(CLOSE_REASONS) }),
    /**
     * The streams have moved: `producers` — consume again over the same transport; `transport` — start again;
     * `recovering` — the avatar is gone for the moment, `producers` will follow.
     */
    'session.media_changed': z.object({ scope: z.enum(['producers', 'transport', 'recovering']) }),
    'listening.changed': z.object({ mode: z.enum(LISTENING) }),
    'user.speak_started': empty,
    'user.speak_ended': z.object({ durationMs: milliseconds }),
    /** What has been understood so far of a turn that goes on. */
    'user.transcription.chunk': z.object({ text: z.string() }),
    /** What the visitor said, or typed; the reply has this id. */
    'user.transcription': z.object({ replyId: id, text: z.string(), typed: z.boolean() }),
    /** The page is to do this and to answer with `tool.result`. */
    'tool.called': z.object({
      callId: id,
      replyId: id,
      name: z.string(),
      arguments: z.record(z.string(), z.unknown()),
    }),
    'page.changed': z.object({ state: pageState }),
    /** Somebody asks the presenter; told to presenters only. */
    'audience.asked': z.object({ askId: id, text: z.string() }),
    /** The reply is over. `heard`: as much of its text as was heard. */
    'avatar.reply_ended': z.object({
      replyId: id,
      text: z.string(),
      heard: z.string(),
      outcome: z.enum(['spoken', 'interrupted', 'failed']),
      latency: turnLatency,
    }),
    'avatar.speak_started': z.object({
      ...utterance,
      /** From the command's arrival to the first sound on the wire. */
      latencyMs: milliseconds,
    }),
    'avatar.speak_ended': z.object({
      ...utterance,
      outcome: z.enum(['spoken', 'interrupted', 'failed']),
      /** How much was heard. */
      playedMs: milliseconds,
      error: z.nullable(errorBody),
    }),
    /** A clause, when its sound is ready; `startMs` is counted from the utterance's start. */
    'avatar.transcription.chunk': z.object({
      ...utterance,
      text: z.string(),
      textStart: z.int(),
      textEnd: z.int(),
      startMs: milliseconds,
      durationMs: milliseconds,
    }),
    'avatar.transcription': z.object({ ...utterance, text: z.string() }),
    /** The voice cannot say this part of the text and leaves it out. */
    'avatar.text_skipped': z.object({
      ...utterance,
      text: z.string(),
      textStart: z.int(),
      textEnd: z.int(),
    }),
  },
} as const satisfies Protocol;
export type ServerToViewer = typeof serverToViewer;
export type SessionEvent = AnyNotice<ServerToViewer>;
