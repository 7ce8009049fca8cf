import type { ResultOf, StageStats, TurnLatency, ViewerToServer } from '@vizavi/signaling';

/** How the session is doing, as this viewer sees it. Null where the browser or the server has no figure (yet). */
export interface SessionStats {
  /** `start()` → picture and sound on their way. */
  readonly joinMs: number | null;
  /** `start()` → first frame shown in the attached video element. */
  readonly firstFrameMs: number | null;
  readonly framesPresented: number;
  readonly framesPerSecond: number | null;
  /** Frames that the avatar's worker sent after they were due. */
  readonly framesLate: number | null;
  /** Frames left out, by the worker or by this browser. */
  readonly framesDropped: number | null;
  /** Frames that the worker showed again because the next one was not ready. */
  readonly framesRepeated: number | null;
  /** Times that the picture stood still noticeably. */
  readonly freezeCount: number | null;
  readonly packetsLost: number;
  /** How much later the sound is played than its picture: people notice less than −45 and more than 100. */
  readonly avOffsetMs: number | null;
  /** Mean time that the media waited before it was played, since the `stats()` before. */
  readonly jitterBufferMs: { readonly audio: number | null; readonly video: number | null };
  /** Of one signaling message and its answer. */
  readonly roundTripMs: number;
  /** What the stages of the avatar's worker cost. */
  readonly stages: StageStats | null;
  /** From a text to its first sound, at the server. */
  readonly voiceMs: { readonly median: number; readonly p95: number } | null;
  /** From the end of the visitor's words to the avatar's first frame, of the last turn. */
  readonly turn: TurnStats | null;
  /** Who watches this session now, this viewer included. */
  readonly viewers: number;
}

/** The server's stages of a turn, and what the way to this browser adds: estimated, from what it measures now. */
export interface TurnStats extends TurnLatency {
  /** The visitor's sound to the server and the avatar's frame back. */
  readonly networkMs: number;
  /** How long frames wait here before they are shown. */
  readonly bufferMs: number;
  /** All of it: what the visitor waits. Null while the reply has not begun. */
  readonly seenMs: number | null;
}

/** RTCInboundRtpStreamStats, as far as it is used; browsers leave members out. */
export interface InboundReport {
  readonly framesPerSecond?: number;
  readonly framesDropped?: number;
  readonly freezeCount?: number;
  readonly packetsLost?: number;
  /** Seconds. */
  readonly jitterBufferDelay?: number;
  readonly jitterBufferEmittedCount?: number;
  readonly estimatedPlayoutTimestamp?: number;
}

export interface StatsSample {
  readonly audio: InboundReport;
  readonly video: InboundReport;
}

/** The inbound stream of a receiver's report. */
export function inboundOf(report: RTCStatsReport | null): InboundReport {
  for (const entry of (report?.values() ?? []) as Iterable<{ type: string }>) {
    if (entry.type === 'inbound-rtp') return entry as InboundReport;
  }
  return {};
}

export interface StatsParts {
  readonly joinMs: number | null;
  readonly firstFrameMs: number | null;
  readonly framesPresented: number;
  readonly roundTripMs: number;
  readonly server: ResultOf<ViewerToServer, 'session.stats'>;
  readonly now: StatsSample;
  readonly before: StatsSample | null;
}

/** Puts together what the browser and the server have counted. */
export function combineStats({ server, now, before, ...own }: StatsParts): SessionStats {
  const { audio, video } = now;
  const { stages, voiceMs, turn, viewers } = server;
  const jitterBufferMs = {
    audio: bufferMs(audio, before?.audio),
    video: bufferMs(video, before?.video),
  };
  return {
    ...own,
    framesPerSecond: video.framesPerSecond ?? null,
    framesLate: stages?.framesLate ?? null,
    framesDropped: stages ? stages.framesDropped + (video.framesDropped ?? 0) : (video.framesDropped ?? null),
    framesRepeated: stages?.framesRepeated ?? null,
    freezeCount: video.freezeCount ?? null,
    packetsLost: (audio.packetsLost ?? 0) + (video.packetsLost ?? 0),
    avOffsetMs: offsetMs(audio, video),
    jitterBufferMs,
    stages,
    voiceMs,
    turn: turn && seenFromHere(turn, own.roundTripMs, jitterBufferMs.video ?? 0),
    viewers,
  };
}

function seenFromHere(turn: TurnLatency, networkMs: number, waitsMs: number): TurnStats {
  const seenMs = turn.totalMs === null ? null : turn.totalMs + networkMs + waitsMs;
  return { ...turn, networkMs, bufferMs: waitsMs, seenMs };
}

/** Of the sender's clock: what is played now. The stream that is behind has the smaller one. */
function offsetMs(audio: InboundReport, video: InboundReport): number | null {
  const heard = audio.estimatedPlayoutTimestamp;
  const seen = video.estimatedPlayoutTimestamp;
  return heard === undefined || seen === undefined ? null : seen - heard;
}

/** Mean time in the jitter buffer since the report before, ms. */
export function bufferMs(now: InboundReport, before: InboundReport = {}): number | null {
  const { jitterBufferDelay: delay, jitterBufferEmittedCount: count } = now;
  if (delay === undefined || count === undefined) return null;
  // Counters begin anew with a new receiver.
  const since = (before.jitterBufferEmittedCount ?? 0) < count ? before : {};
  const emitted = count - (since.jitterBufferEmittedCount ?? 0);
  return emitted > 0 ? ((delay - (since.jitterBufferDelay ?? 0)) * 1000) / emitted : null;
}
