export { AvatarSession } from './avatar-session.ts';
export type { AvatarSessionOptions, Manner } from './avatar-session.ts';
export type { AvatarEvents } from './avatar-events.ts';
export type { Pcm, PcmSource } from './pcm-source.ts';
export type { SessionStats } from './session-stats.ts';
export type { Spoken } from './utterances.ts';
export { VizaviError } from '@vizavi/signaling';
export type { CloseReason, Emotion, ErrorCode, SessionState, StageStats } from '@vizavi/signaling';
