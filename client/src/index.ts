export { VizaviError } from '@vizavi/signaling';
export type { CloseReason, ErrorBody, ErrorCode, SessionState, StageStats } from '@vizavi/signaling';
export { AvatarSession } from './avatar-session.ts';
export type { SessionEvents, SessionStats } from './avatar-session.ts';
export type { InboundStats } from './media-receiver.ts';
export type { Pcm } from './pcm-source.ts';
export type { Spoken } from './utterances.ts';
