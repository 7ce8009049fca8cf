/** Hooks and a component for React 18 and later. */
export { Avatar } from './react/avatar.ts';
export type { AvatarProps } from './react/avatar.ts';
export { useAvatarSession, useCaption, useTranscript } from './react/use-session.ts';
export type { UseAvatarSessionOptions, UsedAvatarSession } from './react/use-session.ts';
