export { AvatarSession } from './avatar-session.ts';
export type { AvatarSessionOptions } from './avatar-session.ts';
export type { AvatarEvents, UnavailableReason } from './avatar-events.ts';
export type { Caption, WordTime } from './captions.ts';
export type { ListenOptions } from './listening.ts';
export type { Pcm, PcmSource } from './pcm-source.ts';
export type { Reply } from './replies.ts';
export type { SessionStats, TurnStats } from './session-stats.ts';
export type { ToolHandler } from './tools.ts';
export type { TranscriptEntry } from './transcript.ts';
export type { Spoken } from './utterances.ts';
export { VizaviError } from '@vizavi/signaling';
export type {
  CloseReason,
  Emotion,
  ErrorCode,
  Gesture,
  Listening,
  Manner,
  PageState,
  Role,
  SessionState,
  StageStats,
  TurnLatency,
} from '@vizavi/signaling';
