export * from './errors.ts';
export * from './gpu-messages.ts';
export * from './messages.ts';
export * from './pcm.ts';
export { Peer } from './peer.ts';
export type { CallHandlers, NoticeHandlers, PeerOptions, PeerSocket } from './peer.ts';
export {
  MAX_MESSAGE_BYTES,
  MAX_PCM_BYTES,
  MAX_TEXT_LENGTH,
  PCM_SAMPLE_RATES,
  PROTOCOL_VERSION,
} from './protocol.ts';
export type { AnyNotice, CallName, NoticeName, NoticeOf, Protocol, RequestOf, ResultOf } from './protocol.ts';
export * from './states.ts';
