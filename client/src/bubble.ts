/** One script tag, and a round face floats over the page; what it is like stands in the tag's `data-…`. */
import { ChatBubble } from './bubble/chat-bubble.ts';
import { readBubbleSettings } from './bubble/settings.ts';

const script = [...document.scripts].find(({ src }) => src === import.meta.url);

/** The bubble of this script tag; null where the module was imported without one. */
export const bubble = script ? new ChatBubble(readBubbleSettings(script.dataset, import.meta.url)) : null;
export { ChatBubble, readBubbleSettings };
