/** What the bubble says around the avatar; `data-texts` replaces any of it. Its other words are the element's. */
export const TEXTS = {
  talkTo: 'Talk to {name}, an AI avatar',
  badge: 'AI avatar',
  notice: 'This is an AI avatar: face and voice are synthetic. It can be wrong.',
  conversation: 'Conversation',
  dismiss: 'Dismiss',
  minimise: 'Minimise',
  back: 'Back to {name}',
  leave: 'End the conversation',
  ask: 'Ask {name}…',
  send: 'Send',
  push: 'Hold to talk',
  talk: 'Talk',
};
export type BubbleTexts = Readonly<typeof TEXTS>;
